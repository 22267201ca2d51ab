//! Starting, stopping and setting up servers, by what runs them.
//!
//! Whoever wants something of a server's process asks `control` and never a system directly: each
//! way of running a server is one [`ServiceControl`]. What lies outside is reached in two ways
//! only: by D-Bus, and by [`Outside`], which runs programs with arguments and never a shell.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use corral_contract::{ErrorCode, InstanceId, WireError, instances::Runner};

use crate::{Core, Result, installs, instances};

mod absent;
mod app;
mod commands;
mod launchd;
mod operation;
mod outside;
mod process;
mod said;
mod store;
mod surroundings;
mod systemd;
mod texts;
mod windows;

use operation::Held;
pub(crate) use operation::{Turn, allowed, answering, consent, free, open};
pub use outside::{Call, Output, Outside, ThisSystem};
pub(crate) use said::{last_lines, lines_with};
pub use surroundings::Surroundings;

/// Owned by the core.
#[derive(Default)]
pub(crate) struct State {
    /// What happens to a server now.
    turns: Mutex<HashMap<InstanceId, Held>>,
    /// Servers that are not ours, for which the next step is allowed.
    once: Mutex<HashSet<InstanceId>>,
}

impl State {
    fn turns(&self) -> MutexGuard<'_, HashMap<InstanceId, Held>> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where the lines that a server writes can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogSource {
    /// A file and those that it was rotated to, the newest first. They may not exist yet.
    Files(Vec<PathBuf>),
    /// The journal of systemd; `user` = of the user's own manager.
    Journal { unit: String, user: bool },
    /// The server's output is not kept, or not to be seen from here.
    Nowhere,
}

/// What can be done to a server, told before anything is tried.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Powers {
    pub start: bool,
    pub stop: bool,
    /// Variables can be written where the server finds them at its next start.
    pub environment: bool,
    pub autostart: bool,
    /// Corral started it or set it up: nobody else has to be asked.
    pub ours: bool,
    /// Why something cannot be done; a key under `steering.why`.
    pub why_not: Option<&'static str>,
}

/// What is done to a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    Start,
    Stop,
    Restart,
}

/// A change of one variable: a new value, or `None` to leave it to the server again.
pub type Changes = BTreeMap<String, Option<String>>;

/// Where a variable is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    pub(crate) value: String,
    /// The file; empty where there is none.
    pub(crate) place: String,
    /// Corral writes there.
    pub(crate) ours: bool,
}

/// One way of running a server. Every call has a limit of its own and can be dropped at any time:
/// the system then ends what it was told.
#[async_trait]
pub trait ServiceControl: Send + Sync {
    fn powers(&self) -> Powers;

    /// The unit, service, label or program; shown.
    fn unit(&self) -> Option<String> {
        None
    }

    /// What a person would type to do the same, one command for each line. Shown, never run.
    fn equivalent(&self, verb: Verb) -> Vec<String>;

    /// As [`ServiceControl::equivalent`], for whether the system starts it.
    fn equivalent_autostart(&self, _on: bool) -> Vec<String> {
        Vec::new()
    }

    /// As [`ServiceControl::equivalent`], for changing variables.
    fn equivalent_environment(&self, _changes: &Changes) -> Vec<String> {
        Vec::new()
    }

    /// Returns when the system says that it was done; whether the server answers is another matter.
    ///
    /// # Errors
    /// `SERVICE_REFUSED` with the system's words, `SERVICE_MISSING`, `TIMED_OUT`.
    async fn act(&self, verb: Verb) -> Result<()>;

    /// Why it does not run, in the system's words, when the system gave up on it.
    async fn failure(&self) -> Option<String> {
        None
    }

    /// Variables that are written down for its next start.
    ///
    /// # Errors
    /// As [`ServiceControl::act`].
    async fn environment(&self) -> Result<BTreeMap<String, String>>;

    /// As [`ServiceControl::environment`], with where each is written.
    ///
    /// # Errors
    /// As [`ServiceControl::act`].
    async fn written(&self) -> Result<BTreeMap<String, Written>> {
        let of = |(name, value)| (name, Written { value, place: String::new(), ours: true });
        Ok(self.environment().await?.into_iter().map(of).collect())
    }

    /// Text of what is there now and of what [`ServiceControl::set_environment`] would write, each
    /// as a whole file (or a list of `NAME=value`), for a diff.
    ///
    /// # Errors
    /// As [`ServiceControl::act`]; `INVALID_INPUT` for a value that cannot be written there.
    async fn preview_environment(&self, changes: &Changes) -> Result<(String, String)>;

    /// Writes variables, and answers what undoes exactly that. Takes effect at the next start.
    ///
    /// # Errors
    /// As [`ServiceControl::preview_environment`]; nothing is then changed.
    async fn set_environment(&self, changes: &Changes) -> Result<Changes>;

    /// Writes a text of [`ServiceControl::preview_environment`] over another one, to the byte.
    ///
    /// # Errors
    /// As [`ServiceControl::act`]; `CHANGED_MEANWHILE` when what is there is not `from`.
    async fn write_environment(&self, from: &str, to: &str) -> Result<()> {
        let (now, _) = self.preview_environment(&Changes::new()).await?;
        if now != from {
            return Err(changed_meanwhile());
        }
        self.set_environment(&texts::between(from, to)).await.map(drop)
    }

    /// Whether the system starts it by itself; `None` = it does not tell.
    async fn autostart(&self) -> Result<Option<bool>>;

    /// # Errors
    /// As [`ServiceControl::act`].
    async fn set_autostart(&self, on: bool) -> Result<()>;

    fn log(&self) -> LogSource;
}

/// Stands in for the ways of running a server, for a test that plays them.
pub trait Stand: Send + Sync {
    /// `None` = the true way.
    fn control(&self, id: InstanceId) -> Option<Arc<dyn ServiceControl>>;
}

/// What steers an instance. Blocks while the list of processes is read, some milliseconds.
///
/// # Errors
/// `NOT_FOUND`.
pub(crate) fn control(core: &Core, id: InstanceId) -> Result<Arc<dyn ServiceControl>> {
    if let Some(played) = core.config.stand.as_ref().and_then(|stand| stand.control(id)) {
        return Ok(played);
    }
    if instances::is_managed(core, id) {
        return Ok(Arc::new(installs::Managed(core.clone())));
    }
    let Some(behind) = instances::behind(core, id)? else {
        let local = instances::is_local(core, id);
        return Ok(Arc::new(absent::Absent(if local { "nothingHere" } else { "elsewhere" })));
    };
    let around = core.config.steering.clone();
    let machine = core.config.machine.clone();
    Ok(match (behind.runner, behind.unit, behind.process) {
        (Runner::Systemd, Some(instances::Unit::Systemd { name, user }), _) => {
            systemd::control(around, &*machine, name, user)
        }
        (Runner::Launchd, Some(instances::Unit::Launchd(file)), _) => {
            Arc::new(launchd::Launchd::new(around.outside, machine, file))
        }
        (Runner::App, _, process) => Arc::new(app::App::new(around.outside, machine, process)),
        (Runner::WindowsService, ..) => Arc::new(windows::Service::new(around.outside)),
        (_, _, Some(process)) => Arc::new(process::Plain::new(around.outside, machine, process)),
        _ => Arc::new(absent::Absent("nothingHere")),
    })
}

/// As [`control`], away from where futures run.
///
/// # Errors
/// `NOT_FOUND`.
pub(crate) async fn control_of(core: &Core, id: InstanceId) -> Result<Arc<dyn ServiceControl>> {
    let core = core.clone();
    tokio::task::spawn_blocking(move || control(&core, id))
        .await
        .map_err(|error| WireError::new(ErrorCode::Internal).detail(error.to_string()))?
}

/// Whether something is done to a server now that may silence it: that is then no outage.
pub(crate) fn under_way(core: &Core, id: InstanceId) -> bool {
    core.steering.turns().contains_key(&id)
}

/// The system did not do it; `reason` is a key under `reason.`.
fn refused(reason: &str) -> WireError {
    WireError::new(ErrorCode::ServiceRefused).with("reason", reason)
}

/// What was to be changed is not what it was when it was looked at.
pub(crate) fn changed_meanwhile() -> WireError {
    WireError::new(ErrorCode::ChangedMeanwhile).with("reason", "editedMeanwhile")
}
