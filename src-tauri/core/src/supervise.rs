//! Workers under supervision: each is restarted with back-off when it fails or panics, its health
//! is told to the windows, and one failing worker never takes another along.

use std::{
    collections::BTreeMap,
    future::Future,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use corral_contract::{
    ErrorCode, WireError,
    app::{Health, Subsystem},
    event::AppEvent,
};
use futures_util::FutureExt;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{Result, bus::Bus};

/// First wait before a restart; doubles up to [`LONGEST_WAIT`].
const FIRST_WAIT: Duration = Duration::from_millis(200);
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// A worker that ran this long before it failed starts again from [`FIRST_WAIT`].
const HEALTHY_AFTER: Duration = Duration::from_secs(60);

/// Starts workers and knows how each one is.
#[derive(Clone)]
pub struct Supervisor {
    token: CancellationToken,
    tracker: TaskTracker,
    subsystems: Arc<Mutex<BTreeMap<String, Subsystem>>>,
    bus: Bus,
}

impl Supervisor {
    /// One that tells `bus` about changes of health.
    #[must_use]
    pub fn new(bus: Bus) -> Self {
        Supervisor {
            token: CancellationToken::new(),
            tracker: TaskTracker::new(),
            subsystems: Arc::default(),
            bus,
        }
    }

    /// Cancelled when Corral ends; every worker's own token is a child of it.
    #[must_use]
    pub fn token(&self) -> CancellationToken {
        self.token.clone()
    }

    /// How every subsystem is, by name.
    #[must_use]
    pub fn subsystems(&self) -> Vec<Subsystem> {
        let subsystems = self.subsystems.lock().unwrap_or_else(PoisonError::into_inner);
        subsystems.values().cloned().collect()
    }

    /// Runs `work` until it returns `Ok` or the returned token is cancelled. An error or a panic
    /// marks the subsystem as degraded and starts it again after a wait.
    ///
    /// `name` is the last part of a text key (`subsystem.<name>`), with `:<id>` behind it when
    /// there is one worker per instance.
    pub fn spawn<W, F>(&self, name: impl Into<String>, mut work: W) -> CancellationToken
    where
        W: FnMut(CancellationToken) -> F + Send + 'static,
        F: Future<Output = Result<()>> + Send + 'static,
    {
        let name = name.into();
        let token = self.token.child_token();
        let supervisor = self.clone();
        let child = token.clone();
        self.report(&name, Health::Ok, false, None);
        self.tracker.spawn(async move {
            let mut wait = FIRST_WAIT;
            loop {
                let began = tokio::time::Instant::now();
                let ended = AssertUnwindSafe(work(child.clone())).catch_unwind().await;
                if child.is_cancelled() {
                    break;
                }
                let problem = match ended {
                    Ok(Ok(())) => break,
                    Ok(Err(error)) => error,
                    Err(panic) => WireError::new(ErrorCode::Internal).detail(text_of(&*panic)),
                };
                tracing::error!(subsystem = %name, error = %problem, "worker failed, starting it again");
                supervisor.report(&name, Health::Degraded, true, Some(problem));
                if began.elapsed() >= HEALTHY_AFTER {
                    wait = FIRST_WAIT;
                }
                tokio::select! {
                    () = child.cancelled() => break,
                    () = tokio::time::sleep(wait) => {}
                }
                wait = (wait * 2).min(LONGEST_WAIT);
            }
            supervisor.forget(&name);
        });
        token
    }

    /// A worker says that it works (again).
    pub fn well(&self, name: &str) {
        let known = {
            let subsystems = self.subsystems.lock().unwrap_or_else(PoisonError::into_inner);
            subsystems.get(name).is_some_and(|each| each.health != Health::Ok)
        };
        if known {
            self.report(name, Health::Ok, false, None);
        }
    }

    /// A worker says that it goes on, but something does not work.
    pub fn degraded(&self, name: &str, problem: WireError) {
        self.report(name, Health::Degraded, false, Some(problem));
    }

    /// Runs something short beside the workers; a shutdown waits for it. A panic is logged.
    pub fn run(&self, name: &'static str, work: impl Future<Output = ()> + Send + 'static) {
        self.tracker.spawn(async move {
            if let Err(panic) = AssertUnwindSafe(work).catch_unwind().await {
                tracing::error!(work = name, panic = text_of(&*panic), "background work panicked");
            }
        });
    }

    /// Cancels every worker and waits for them.
    pub async fn shutdown(&self) {
        self.token.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }

    fn report(&self, name: &str, health: Health, restarted: bool, problem: Option<WireError>) {
        let event = {
            let mut subsystems = self.subsystems.lock().unwrap_or_else(PoisonError::into_inner);
            let entry = subsystems.entry(name.to_owned()).or_insert_with(|| Subsystem {
                name: name.to_owned(),
                health,
                restarts: 0,
                problem: None,
            });
            entry.health = health;
            entry.problem = problem;
            entry.restarts += u32::from(restarted);
            entry.clone()
        };
        self.bus.send(AppEvent::Subsystem(event));
    }

    fn forget(&self, name: &str) {
        let gone = {
            let mut subsystems = self.subsystems.lock().unwrap_or_else(PoisonError::into_inner);
            subsystems.remove(name)
        };
        if let Some(mut gone) = gone {
            gone.health = Health::Stopped;
            self.bus.send(AppEvent::Subsystem(gone));
        }
    }
}

/// What a panic said. The backtrace goes to the log from the panic hook, where it still exists.
fn text_of(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "panic without a text".to_owned())
}
