//! A manager of units as systemd is one on the bus, with one unit whose start and stop a test plays.

use std::{
    fs,
    os::unix::net::UnixListener,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anyhow::{Context, Result};
use zbus::{Connection, Guid, connection::Builder, fdo, interface, zvariant::OwnedObjectPath};

const NAME: &str = "org.freedesktop.systemd1";
const MANAGER: &str = "/org/freedesktop/systemd1";
const UNIT: &str = "/org/freedesktop/systemd1/unit/ollama_2eservice";

/// Whether the unit runs after it was told to start (`true`) or to stop (`false`).
type Play = Box<dyn Fn(bool) -> bool + Send + Sync>;

/// What was linked or unlinked: how, where, to what.
type Links = Vec<(String, String, String)>;

/// How a call that changes something is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The person said no to polkit, or may not.
    Denied,
    /// There is nobody who could ask the person.
    NobodyAsks,
}

struct State {
    load: String,
    active: String,
    result: String,
    exit: i32,
    enabled: String,
    file: PathBuf,
    /// As they were when files were last read.
    drop_ins: Vec<String>,
    refusal: Option<Refusal>,
    calls: Vec<String>,
    play: Play,
}

/// The double. It ends with this.
#[derive(Clone)]
pub struct Systemd {
    state: Arc<Mutex<State>>,
    bus: Arc<Mutex<Vec<Connection>>>,
}

impl Systemd {
    /// With the unit of `file`, which runs; its drop-ins lie in `<file>.d`.
    pub fn new(
        file: impl Into<PathBuf>,
        play: impl Fn(bool) -> bool + Send + Sync + 'static,
    ) -> Self {
        let file = file.into();
        let state = State {
            load: "loaded".to_owned(),
            active: "active".to_owned(),
            result: "success".to_owned(),
            exit: 0,
            enabled: "enabled".to_owned(),
            drop_ins: drop_ins(&file),
            file,
            refusal: None,
            calls: Vec::new(),
            play: Box::new(play),
        };
        Systemd { state: Arc::new(Mutex::new(state)), bus: Arc::default() }
    }

    /// Answers at a socket of its own, as systemd's private one. Answers its address.
    ///
    /// # Errors
    /// When the socket cannot be made.
    pub fn listen(&self, socket: &Path) -> Result<String> {
        let listener = UnixListener::bind(socket).context("a socket")?;
        let (state, bus) = (Arc::clone(&self.state), Arc::clone(&self.bus));
        let runtime = tokio::runtime::Handle::current();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (state, bus) = (Arc::clone(&state), Arc::clone(&bus));
                runtime.spawn(async move {
                    let built = async {
                        let builder =
                            Builder::async_io_unix_stream(stream).server(Guid::generate())?.p2p();
                        serve(builder, &state)?.build().await
                    };
                    // Whoever connected and left again is nobody's trouble.
                    if let Ok(connection) = built.await {
                        bus.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
                    }
                });
            }
        });
        Ok(format!("unix:path={}", socket.display()))
    }

    /// Answers on a message bus under systemd's name.
    ///
    /// # Errors
    /// When the bus refuses.
    pub async fn join(&self, address: &str) -> Result<()> {
        let builder = Builder::address(address)?.name(NAME)?;
        let connection = serve(builder, &self.state)?.build().await?;
        self.bus.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Everything that changes something is refused from now on, or not any more.
    pub fn refuse(&self, refusal: Option<Refusal>) {
        self.state().refusal = refusal;
    }

    /// `loaded`, `masked` or `not-found` from now on.
    pub fn load_state(&self, state: &str) {
        state.clone_into(&mut self.state().load);
    }

    /// What it was asked to change, in order.
    #[must_use]
    pub fn calls(&self) -> Vec<String> {
        self.state().calls.clone()
    }

    /// Whether the unit starts by itself.
    #[must_use]
    pub fn enabled(&self) -> bool {
        self.state().enabled == "enabled"
    }
}

fn lock(state: &Arc<Mutex<State>>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn drop_ins(file: &Path) -> Vec<String> {
    let folder = format!("{}.d", file.display());
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<String> = entries.map(|entry| entry.path().display().to_string()).collect();
    files.retain(|file| file.ends_with(".conf"));
    files.sort();
    files
}

fn serve<'a>(builder: Builder<'a>, state: &Arc<Mutex<State>>) -> zbus::Result<Builder<'a>> {
    builder
        .serve_at(MANAGER, Manager(Arc::clone(state)))?
        .serve_at(UNIT, Unit(Arc::clone(state)))?
        .serve_at(UNIT, Service(Arc::clone(state)))
}

fn path(text: &'static str) -> OwnedObjectPath {
    OwnedObjectPath::try_from(text).expect("a path of an object")
}

struct Manager(Arc<Mutex<State>>);

impl Manager {
    fn change(&self, what: String) -> fdo::Result<MutexGuard<'_, State>> {
        let mut state = lock(&self.0);
        state.calls.push(what);
        match state.refusal {
            None => Ok(state),
            Some(Refusal::Denied) => Err(fdo::Error::AccessDenied("Permission denied".into())),
            Some(Refusal::NobodyAsks) => Err(fdo::Error::InteractiveAuthorizationRequired(
                "Interactive authentication required.".into(),
            )),
        }
    }

    fn told(
        &self,
        what: &str,
        unit: &str,
        mode: &str,
        on: &[bool],
    ) -> fdo::Result<OwnedObjectPath> {
        let mut state = self.change(format!("{what} {unit} {mode}"))?;
        for on in on {
            let runs = (state.play)(*on);
            (state.active, state.result, state.exit) = match (*on, runs) {
                (_, true) => ("active".to_owned(), "success".to_owned(), 0),
                (false, false) => ("inactive".to_owned(), "success".to_owned(), 0),
                (true, false) => ("failed".to_owned(), "exit-code".to_owned(), 1),
            };
        }
        Ok(path("/org/freedesktop/systemd1/job/1"))
    }
}

#[interface(name = "org.freedesktop.systemd1.Manager")]
impl Manager {
    fn load_unit(&self, _name: &str) -> OwnedObjectPath {
        path(UNIT)
    }

    fn start_unit(&self, name: &str, mode: &str) -> fdo::Result<OwnedObjectPath> {
        self.told("StartUnit", name, mode, &[true])
    }

    fn stop_unit(&self, name: &str, mode: &str) -> fdo::Result<OwnedObjectPath> {
        self.told("StopUnit", name, mode, &[false])
    }

    fn restart_unit(&self, name: &str, mode: &str) -> fdo::Result<OwnedObjectPath> {
        self.told("RestartUnit", name, mode, &[false, true])
    }

    fn reload(&self) -> fdo::Result<()> {
        let mut state = self.change("Reload".to_owned())?;
        state.drop_ins = drop_ins(&state.file);
        Ok(())
    }

    fn enable_unit_files(
        &self,
        names: Vec<String>,
        _runtime: bool,
        _force: bool,
    ) -> fdo::Result<(bool, Links)> {
        let mut state = self.change(format!("EnableUnitFiles {}", names.join(" ")))?;
        state.enabled = "enabled".to_owned();
        Ok((true, Vec::new()))
    }

    fn disable_unit_files(&self, names: Vec<String>, _runtime: bool) -> fdo::Result<Links> {
        let mut state = self.change(format!("DisableUnitFiles {}", names.join(" ")))?;
        state.enabled = "disabled".to_owned();
        Ok(Vec::new())
    }
}

struct Unit(Arc<Mutex<State>>);

#[interface(name = "org.freedesktop.systemd1.Unit")]
impl Unit {
    #[zbus(property)]
    fn load_state(&self) -> String {
        lock(&self.0).load.clone()
    }

    #[zbus(property)]
    fn active_state(&self) -> String {
        lock(&self.0).active.clone()
    }

    #[zbus(property)]
    fn unit_file_state(&self) -> String {
        lock(&self.0).enabled.clone()
    }

    #[zbus(property)]
    fn fragment_path(&self) -> String {
        lock(&self.0).file.display().to_string()
    }

    #[zbus(property)]
    fn drop_in_paths(&self) -> Vec<String> {
        lock(&self.0).drop_ins.clone()
    }

    #[zbus(property)]
    fn job(&self) -> (u32, OwnedObjectPath) {
        (0, path("/"))
    }
}

struct Service(Arc<Mutex<State>>);

#[interface(name = "org.freedesktop.systemd1.Service")]
impl Service {
    #[zbus(property)]
    fn result(&self) -> String {
        lock(&self.0).result.clone()
    }

    #[zbus(property)]
    fn exec_main_status(&self) -> i32 {
        lock(&self.0).exit
    }
}
