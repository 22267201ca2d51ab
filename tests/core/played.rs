//! This machine, but for what a test makes up.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use corral_contract::Timestamp;
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
    /// Memory that is free, of a hundred bytes; what is true otherwise.
    memory: Arc<Mutex<Option<u64>>>,
    /// The process behind the only server; [`SERVER`] otherwise.
    pid: Arc<AtomicU32>,
    /// When it began, as far as that is told.
    began: Arc<Mutex<Option<Timestamp>>>,
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

    /// Its server is this process from now on, which is looked at as it is.
    pub fn process(&self, pid: u32) {
        self.pid.store(pid, Ordering::SeqCst);
    }

    /// As [`Played::process`], and it is said to have begun then.
    pub fn process_since(&self, pid: u32, began: Timestamp) {
        *self.began.lock().unwrap_or_else(PoisonError::into_inner) = Some(began);
        self.process(pid);
    }

    /// The connection is paid by volume from now on, or not.
    pub fn metered(&self, metered: bool) {
        *self.metered.lock().unwrap_or_else(PoisonError::into_inner) = Some(metered);
    }

    /// So long nobody has touched it.
    pub fn idle(&self, idle: Duration) {
        *self.idle.lock().unwrap_or_else(PoisonError::into_inner) = Some(idle);
    }

    /// So many percent of the memory are free from now on.
    pub fn memory(&self, free: u64) {
        *self.memory.lock().unwrap_or_else(PoisonError::into_inner) = Some(free);
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
            let pid = match self.pid.load(Ordering::SeqCst) {
                0 => SERVER,
                pid => pid,
            };
            let started = *self.began.lock().unwrap_or_else(PoisonError::into_inner);
            Process { pid, environment, started, ..Process::default() }
        };
        self.host.iter().map(server).collect()
    }
    fn runners(&self, server: u32) -> Option<Vec<PathBuf>> {
        self.host.as_ref()?;
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        (server == SERVER).then(|| open.clone())
    }
    fn memory(&self) -> Option<Space> {
        let free = *self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        free.map(|free| Space { free, total: 100 })
    }
    fn metered(&self) -> Option<bool> {
        *self.metered.lock().unwrap_or_else(PoisonError::into_inner)
    }
    fn idle(&self) -> Option<Duration> {
        *self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
    fn alive(&self, processes: &[(u32, Option<Timestamp>)]) -> Option<Vec<bool>> {
        let real = self.pid.load(Ordering::SeqCst) != 0;
        if real { ThisMachine.alive(processes) } else { None }
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
