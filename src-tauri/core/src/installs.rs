//! Ollama itself: fetched, unpacked, run as Corral's own process, updated, and gone back from.
//!
//! Versions lie side by side in a folder; one is the active one. A version is complete when its row
//! is there, and active once it has answered and loaded a model. The server is a process of its own
//! that outlives a Corral that was killed: the next one finds it by what was written down, and takes
//! it over or ends it.

use std::sync::{Arc, Mutex, PoisonError};

use corral_contract::{
    TaskId, WireError,
    event::AppEvent,
    installs::{Exit, InstalledVersion, InstallsView, ManagedServer, Release, ServerPhase},
};

use crate::{Core, Result};

mod child;
mod commands;
mod control;
mod daily;
mod fetch;
mod job;
mod log;
mod places;
mod platform;
mod processes;
mod record;
mod recovery;
mod release;
mod run;
mod store;
mod switch;
mod unpack;

pub(crate) use control::Managed;
pub(crate) use recovery::recover;
pub use release::ReleaseConfig;

use child::{Child, Places};

/// Owned by the core.
#[derive(Default)]
pub(crate) struct State {
    /// Held by whoever starts or stops the server.
    acting: tokio::sync::Mutex<()>,
    live: Mutex<Live>,
}

struct Live {
    phase: ServerPhase,
    child: Option<Arc<Child>>,
    /// The active version, as it was seen last.
    active: String,
    exit: Option<Exit>,
    /// Ends in a row that nobody asked for.
    times: u32,
    problem: Option<WireError>,
    /// Rises with every start and stop: whoever waited to start it again sees that it is too late.
    generation: u64,
    /// What runs again when a try is given up.
    back: Option<store::Server>,
    /// The task that installs, updates or removes.
    turn: Option<TaskId>,
    /// Why the last question for a newer version failed.
    unasked: Option<WireError>,
}

impl Default for Live {
    fn default() -> Self {
        Live {
            phase: ServerPhase::Stopped,
            child: None,
            active: String::new(),
            exit: None,
            times: 0,
            problem: None,
            generation: 0,
            back: None,
            turn: None,
            unasked: None,
        }
    }
}

impl State {
    fn change<T>(&self, change: impl FnOnce(&mut Live) -> T) -> T {
        change(&mut self.live.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn see<T>(&self, see: impl FnOnce(&Live) -> T) -> T {
        see(&self.live.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn child(&self) -> Option<Arc<Child>> {
        self.see(|live| live.child.clone())
    }
}

/// Starts the server that starts with Corral, goes on with what was interrupted, and asks now and
/// then for newer versions.
pub(crate) fn start(core: &Core) {
    recovery::start(core);
    daily::start(core);
}

/// Ends the server together with Corral, unless the user wants it to go on.
pub(crate) async fn stop(core: &Core) {
    if core.installs.child().is_none() {
        return;
    }
    // The whole of a shutdown may take three seconds.
    let grace = std::time::Duration::from_millis(1500);
    let _ = run::stop(core, grace).await;
}

/// What is known of the server's process: its number, and since when it runs.
pub(crate) fn process(core: &Core) -> Option<(u32, corral_contract::Timestamp)> {
    let child = core.installs.child()?;
    (!child.is_gone()).then(|| (child.pid, child.since))
}

/// Where its models are; `None` when none is installed.
pub(crate) async fn models_folder(core: &Core) -> Option<String> {
    Some(store::server(&core.db).await.ok()??.models)
}

/// The archives that this machine needs, by the beginnings of their names.
fn parts(core: &Core) -> Vec<String> {
    release::parts(&*core.config.machine, std::env::consts::ARCH, &core.host.facts())
}

/// Asks for the newest version and keeps the answer.
///
/// # Errors
/// As [`release::newest`].
async fn look(core: &Core) -> Result<Release> {
    let found = release::newest(core, &parts(core)).await;
    core.installs.change(|live| live.unasked = found.as_ref().err().cloned());
    if let Ok(release) = &found {
        store::put_newest(&core.db, release).await?;
    }
    publish(core).await;
    found
}

/// Everything as the window shows it.
///
/// # Errors
/// Database errors.
pub(crate) async fn view(core: &Core) -> Result<InstallsView> {
    let places = Places::of(core);
    let server = store::server(&core.db).await?;
    let active = server.as_ref().map(|server| server.active.clone()).unwrap_or_default();
    let previous = server.as_ref().and_then(|server| server.previous.clone());
    let versions = store::versions(&core.db).await?;
    let versions = versions.into_iter().map(|row| InstalledVersion {
        active: active == row.version,
        previous: previous.as_deref() == Some(&row.version),
        version: row.version,
        size: row.size,
        digest: row.digest,
        verified: row.verified,
        from_file: row.from_file,
        installed_at: row.installed_at,
    });
    let versions = versions.collect();
    let (machine, root) = (core.config.machine.clone(), core.config.data_dir.clone());
    let space = tokio::task::spawn_blocking(move || machine.space(&root)).await.ok().flatten();
    let pinned = server.as_ref().is_some_and(|server| server.pinned);
    let newest = store::newest(&core.db).await?;
    Ok(core.installs.change(|live| {
        live.active = active;
        InstallsView {
            folder: places.versions().to_string_lossy().into_owned(),
            models_folder: places.models().to_string_lossy().into_owned(),
            source: release::host(&core.config.releases),
            archives: parts(core),
            free: space.map(|space| space.free),
            versions,
            pinned,
            newest,
            problem: live.unasked.clone(),
            task: live.turn.filter(|task| task.0 != 0),
            server: server.map(|server| ManagedServer {
                instance: server.instance,
                version: server.active,
                port: server.port,
                models: server.models,
                phase: live.phase,
                pid: live.child.as_ref().map(|child| child.pid),
                since: live.child.as_ref().map(|child| child.since),
                autostart: server.autostart,
                last_exit: live.exit.clone(),
                problem: live.problem.clone(),
            }),
        }
    }))
}

/// Tells the windows how everything is now.
async fn publish(core: &Core) {
    match view(core).await {
        Ok(view) => core.bus.send(AppEvent::Installs(Box::new(view))),
        Err(error) => tracing::warn!(%error, "what is installed could not be told"),
    }
}
