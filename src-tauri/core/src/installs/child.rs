//! One process of the server: begun, awaited, ended.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, TcpListener},
    path::PathBuf,
    process::{ExitStatus, Stdio},
    sync::atomic::AtomicBool,
    time::Duration,
};

use corral_contract::{ErrorCode, Timestamp, WireError};
use tokio::{process::Command, sync::watch, time::Instant};

pub(super) use super::places::Places;
use super::{
    log,
    platform::{failed, lacks_library, not_started, quiet},
    processes::{self, TOKEN},
    record::{self, Record},
    unpack::of_disk,
};
use crate::{
    Core, Result,
    ollama::{HttpOllama, OllamaApi},
};

/// Between two questions whether it answers, and how long one may take.
const LOOK: Duration = Duration::from_millis(50);
const ASK: Duration = Duration::from_secs(2);
/// A process that was taken over is looked at this often: nobody tells of its end.
const WATCH: Duration = Duration::from_millis(500);
/// How long the log may take to say what an answer said already.
const DOUBT: Duration = Duration::from_secs(2);
/// How long a server may take to end after it was asked.
pub(super) const GRACE: Duration = Duration::from_secs(5);

/// How a process ended, as the system tells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Ending {
    pub(super) code: Option<i32>,
    pub(super) signal: Option<i32>,
}

/// A process of the server.
pub(super) struct Child {
    pub(super) pid: u32,
    pub(super) port: u16,
    pub(super) since: Timestamp,
    pub(super) began: Instant,
    pub(super) log_from: u64,
    token: String,
    /// It answered: from then on its end is a crash, not a failed start.
    pub(super) settled: AtomicBool,
    /// Somebody asked it to end.
    pub(super) dismissed: AtomicBool,
    pub(super) gone: watch::Receiver<Option<Ending>>,
}

/// What a server is started with.
pub(super) struct Plan {
    pub(super) program: PathBuf,
    pub(super) version: String,
    pub(super) port: u16,
    pub(super) models: String,
    pub(super) environment: BTreeMap<String, String>,
}

/// Whether nobody listens on a port of this machine.
pub(super) fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// Starts a process. It is written down before and after, so that a crash in between leaves
/// nothing that could not be found.
///
/// # Errors
/// `PORT_TAKEN`, `SERVER_NOT_STARTED`, `FILE_SYSTEM`.
pub(super) async fn begin(core: &Core, plan: &Plan) -> Result<Child> {
    let places = Places::of(core);
    if !is_free(plan.port) {
        return Err(taken(plan.port));
    }
    let token = format!("{:032x}", rand_token());
    let mut note = Record {
        token: token.clone(),
        pid: None,
        started: None,
        version: plan.version.clone(),
        port: plan.port,
        log_from: 0,
    };
    let (folders, first) = (places.clone(), note.clone());
    let output = blocking(move || {
        let output = log::begin(&folders.logs).map_err(of_disk)?;
        record::write(&folders.root, &first).map_err(of_disk)?;
        Ok(output)
    })
    .await?;
    let errors = output.try_clone().map_err(of_disk)?;
    let mut command = Command::new(&plan.program);
    command.arg("serve").stdin(Stdio::null()).stdout(output).stderr(errors);
    surround(&mut command, plan, &token);
    let spawned = command.spawn();
    let mut process = match spawned {
        Ok(process) => process,
        Err(error) => {
            record::remove(&places.root);
            return Err(not_started(&error));
        }
    };
    let pid = process.id().unwrap_or_default();
    note.pid = Some(pid);
    let root = places.root.clone();
    let written = blocking(move || {
        note.started = processes::started(pid);
        record::write(&root, &note).map_err(of_disk)
    });
    written.await?;
    let (ended, gone) = watch::channel(None);
    tokio::spawn(async move {
        let ending = process.wait().await.map(ending).unwrap_or_default();
        ended.send_replace(Some(ending));
    });
    Ok(Child {
        pid,
        port: plan.port,
        since: core.now(),
        began: Instant::now(),
        log_from: 0,
        token,
        settled: AtomicBool::new(false),
        dismissed: AtomicBool::new(false),
        gone,
    })
}

/// Takes over a process that an earlier Corral started.
pub(super) fn adopt(core: &Core, note: &Record, pid: u32, started: u64) -> Child {
    let (ended, gone) = watch::channel(None);
    let folder = Places::of(core).versions();
    tokio::spawn(async move {
        loop {
            tokio::select! {
                () = ended.closed() => return,
                () = tokio::time::sleep(WATCH) => {}
            }
            let folder = folder.clone();
            let look = move || processes::runs_below(pid, &folder);
            let runs = tokio::task::spawn_blocking(look).await;
            if matches!(runs, Ok(false)) {
                ended.send_replace(Some(Ending::default()));
                return;
            }
        }
    });
    let since = i64::try_from(started).map_or(core.now(), |seconds| Timestamp(seconds * 1000));
    Child {
        pid,
        port: note.port,
        since,
        began: Instant::now(),
        log_from: note.log_from,
        token: note.token.clone(),
        settled: AtomicBool::new(true),
        dismissed: AtomicBool::new(false),
        gone,
    }
}

impl Child {
    /// Waits for its end.
    pub(super) async fn ended(&self) -> Ending {
        let mut gone = self.gone.clone();
        let ended = gone.wait_for(Option::is_some).await;
        ended.ok().and_then(|ended| *ended).unwrap_or_default()
    }

    pub(super) fn is_gone(&self) -> bool {
        self.gone.borrow().is_some()
    }

    /// Waits until it answers; answers the version that it tells.
    ///
    /// # Errors
    /// `SERVER_NOT_STARTED` or `PORT_TAKEN`, with its last lines as the detail.
    pub(super) async fn answers(&self, core: &Core) -> Result<String> {
        let places = Places::of(core);
        let client = client(self.port)?;
        let deadline = self.began + core.config.server_patience;
        let mut answered: Option<Instant> = None;
        loop {
            if self.is_gone() {
                return Err(self.why(core).await);
            }
            if let Ok(version) = client.version().await {
                // Somebody else may have taken the port in the last moment and answers instead.
                let at = *answered.get_or_insert_with(Instant::now);
                let (logs, from) = (places.logs.clone(), self.log_from);
                let lines = blocking(move || Ok(log::last_lines(&logs, from))).await?;
                let says = lines.iter().any(|line| line.contains("Listening on"));
                if !self.is_gone() && (says || at.elapsed() >= DOUBT) {
                    return Ok(version);
                }
            }
            if Instant::now() >= deadline {
                let lines = log::last_lines(&places.logs, self.log_from);
                return Err(failed("silent").detail(lines.join("\n")));
            }
            tokio::select! {
                _ = self.ended() => {}
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    /// Why it ended, by what it wrote.
    pub(super) async fn why(&self, core: &Core) -> WireError {
        let places = Places::of(core);
        let (folder, from) = (places.logs.clone(), self.log_from);
        let lines = blocking(move || Ok(log::last_lines(&folder, from))).await.unwrap_or_default();
        let text = lines.join("\n");
        let ending = (*self.gone.borrow()).unwrap_or_default();
        let in_use = ["address already in use", "Only one usage of each socket address"];
        if in_use.iter().any(|words| text.contains(words)) {
            return taken(self.port).detail(text);
        }
        let reason = if lacks_library(&text) { "missingLibrary" } else { "exited" };
        let mut error = failed(reason).detail(text);
        if let Some(code) = ending.code {
            error = error.with("code", code);
        }
        if let Some(signal) = ending.signal {
            error = error.with("signal", signal);
        }
        error
    }

    /// Asks it to end and, after a while, ends it, with everything that it started. Returns when
    /// nothing of it runs any more.
    pub(super) async fn end(&self, core: &Core, grace: Duration) {
        self.dismissed.store(true, std::sync::atomic::Ordering::SeqCst);
        let pid = self.pid;
        if !self.is_gone() {
            let _ = tokio::task::spawn_blocking(move || processes::ask_to_end(pid)).await;
            if tokio::time::timeout(grace, self.ended()).await.is_err() {
                tracing::warn!(pid, "the server did not end when it was asked to");
                let _ = tokio::task::spawn_blocking(move || {
                    processes::end(pid);
                    processes::end_group(pid);
                })
                .await;
                let _ = tokio::time::timeout(GRACE, self.ended()).await;
            }
        }
        self.clear(core).await;
    }

    /// After its end: what it started goes, too, and so does what was written down.
    pub(super) async fn clear(&self, core: &Core) {
        let places = Places::of(core);
        let (pid, token) = (self.pid, self.token.clone());
        let _ = tokio::task::spawn_blocking(move || {
            processes::end_group(pid);
            let left = processes::sweep(&places.versions(), &token);
            if left > 0 {
                tracing::warn!(left, "what the server had started outlived it and was ended");
            }
            // A later server may be written down already.
            if record::read(&places.root).is_some_and(|note| note.token == token) {
                record::remove(&places.root);
            }
        })
        .await;
    }
}

/// A client of the server on a port.
///
/// # Errors
/// `INTERNAL` when no client can be made.
pub(super) fn client(port: u16) -> Result<HttpOllama> {
    let url = url::Url::parse(&format!("http://127.0.0.1:{port}"))
        .map_err(|error| WireError::new(ErrorCode::Internal).detail(error.to_string()))?;
    Ok(HttpOllama::new(&url, &[], None)?.short_limit(ASK))
}

pub(super) fn taken(port: u16) -> WireError {
    WireError::new(ErrorCode::PortTaken).with("port", port)
}

/// The surroundings of the process: what Corral has itself, without anything that would set it up
/// behind the user's back, and what was written down for it.
fn surround(command: &mut Command, plan: &Plan, token: &str) {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("OLLAMA_") {
            command.env_remove(&name);
        }
    }
    // Libraries of an AppImage are Corral's, not the server's.
    if std::env::var_os("APPIMAGE").is_some() {
        command.env_remove("LD_LIBRARY_PATH");
    }
    command.envs(&plan.environment);
    command.env("OLLAMA_MODELS", &plan.models).env(TOKEN, token);
    if !plan.environment.contains_key("OLLAMA_HOST") {
        command.env("OLLAMA_HOST", format!("127.0.0.1:{}", plan.port));
    }
    if let Some(folder) = plan.program.parent() {
        command.current_dir(folder);
    }
    lead(command);
    quiet(command);
}

/// A group of its own: a key that ends Corral in a terminal does not end the server, and what it
/// starts can be ended with it.
#[cfg(unix)]
fn lead(command: &mut Command) {
    command.process_group(0);
}

#[cfg(not(unix))]
fn lead(_: &mut Command) {}

#[cfg(unix)]
fn ending(status: ExitStatus) -> Ending {
    use std::os::unix::process::ExitStatusExt;
    Ending { code: status.code(), signal: status.signal() }
}

#[cfg(not(unix))]
fn ending(status: ExitStatus) -> Ending {
    Ending { code: status.code(), signal: None }
}

/// Told apart from every other start, not kept from anybody.
fn rand_token() -> u128 {
    let mut bytes = [0; 16];
    // Without a source of randomness the time and the process tell starts apart as well.
    if aws_lc_rs::rand::fill(&mut bytes).is_err() {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        return now.map_or(1, |now| now.as_nanos()) ^ u128::from(std::process::id());
    }
    u128::from_le_bytes(bytes)
}

/// Work on files and processes, away from the threads that answer.
///
/// # Errors
/// What the work says; `INTERNAL` when it panics.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| WireError::new(ErrorCode::Internal).detail(error.to_string()))?
}
