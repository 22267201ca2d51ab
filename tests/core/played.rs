//! This machine, but for what a test makes up.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use corral_core::instances::{Machine, Process, Space, System, ThisMachine};

/// Process id of the made-up server.
const SERVER: u32 = 4242;

/// Clones share what they make up.
#[derive(Clone, Default)]
pub struct Played {
    /// Bytes that are free on every disk; what is true otherwise.
    free: Option<Arc<AtomicU64>>,
    /// Where the only server listens; none otherwise.
    host: Option<String>,
    /// What the system tells of connection and user.
    metered: Arc<Mutex<Option<bool>>>,
    idle: Arc<Mutex<Option<Duration>>>,
    /// Weights that its runners have open.
    open: Arc<Mutex<Vec<PathBuf>>>,
}

impl Played {
    /// With so much room.
    pub fn with_room(free: &Arc<AtomicU64>) -> Played {
        Played { free: Some(free.clone()), ..Played::default() }
    }

    /// With one server, which listens there.
    pub fn with_server(host: impl ToString) -> Played {
        Played { host: Some(host.to_string()), ..Played::default() }
    }

    /// The connection is paid by volume from now on, or not.
    pub fn metered(&self, metered: bool) {
        *self.metered.lock().unwrap_or_else(PoisonError::into_inner) = Some(metered);
    }

    /// So long nobody has touched it.
    pub fn idle(&self, idle: Duration) {
        *self.idle.lock().unwrap_or_else(PoisonError::into_inner) = Some(idle);
    }

    /// Its runners have these weights open from now on.
    pub fn open(&self, weights: Option<&Path>) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        *open = weights.map(Path::to_owned).into_iter().collect();
    }
}

impl Machine for Played {
    fn system(&self) -> System {
        ThisMachine.system()
    }
    fn servers(&self) -> Vec<Process> {
        let server = |host: &String| {
            let environment = [("OLLAMA_HOST".to_owned(), host.clone())].into();
            Process { pid: SERVER, environment, ..Process::default() }
        };
        self.host.iter().map(server).collect()
    }
    fn runners(&self, server: u32) -> Option<Vec<PathBuf>> {
        self.host.as_ref()?;
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        (server == SERVER).then(|| open.clone())
    }
    fn metered(&self) -> Option<bool> {
        *self.metered.lock().unwrap_or_else(PoisonError::into_inner)
    }
    fn idle(&self) -> Option<Duration> {
        *self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
    fn variable(&self, name: &str) -> Option<String> {
        ThisMachine.variable(name)
    }
    fn head(&self, file: &Path) -> Option<String> {
        ThisMachine.head(file)
    }
    fn entries(&self, folder: &Path) -> Vec<PathBuf> {
        ThisMachine.entries(folder)
    }
    fn exists(&self, path: &Path) -> bool {
        ThisMachine.exists(path)
    }
    fn space(&self, path: &Path) -> Option<Space> {
        match &self.free {
            Some(free) => {
                Some(Space { free: free.load(Ordering::SeqCst), total: 1_000_000_000_000 })
            }
            None => ThisMachine.space(path),
        }
    }
    fn writable(&self, folder: &Path) -> bool {
        ThisMachine.writable(folder)
    }
}
