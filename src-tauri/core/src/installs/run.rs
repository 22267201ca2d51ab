//! The server that runs: started, stopped, and started again when it ended by itself.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use corral_contract::{
    ErrorCode, WireError,
    installs::{Exit, ServerPhase},
};
use futures_util::future::BoxFuture;
use tokio::time::Instant;

use super::{
    child::{self, Child, Places, Plan, blocking},
    log, places, platform, publish,
    store::{self, Server},
};
use crate::{Core, Result, health, instances, signal::Signal};

/// Before the first start after a crash; doubles up to [`LONGEST`]. So short that the fifth in a row
/// still answers within two seconds of its own start.
const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(30);
/// One that ran this long before it ended counts as well again.
const WELL: Duration = Duration::from_secs(60);
/// Ends in a row after which it is left alone.
const MOST: u32 = 7;
/// Between two looks at the size of the log.
const ROTATE: Duration = Duration::from_secs(30);

/// The server as it is written down.
///
/// # Errors
/// `SERVICE_MISSING` when none is installed.
pub(super) async fn server(core: &Core) -> Result<Server> {
    let server = store::server(&core.db).await?;
    server.ok_or_else(|| WireError::new(ErrorCode::ServiceMissing))
}

/// What a version of the server is started with.
///
/// # Errors
/// `SERVICE_MISSING` when its program is gone.
pub(super) fn plan(core: &Core, server: &Server, version: &str) -> Result<Plan> {
    let folder = Places::of(core).version(version);
    let program = platform::executable(&folder).ok_or_else(|| {
        WireError::new(ErrorCode::ServiceMissing).detail(folder.display().to_string())
    })?;
    Ok(Plan {
        program,
        version: version.to_owned(),
        port: server.port,
        models: server.models.clone(),
        environment: server.environment.clone(),
    })
}

/// Starts it, if it does not run, and returns when it answers.
///
/// # Errors
/// `SERVICE_MISSING`, `PORT_TAKEN`, `SERVER_NOT_STARTED`, `FOLDER_MISSING`.
pub(super) async fn start(core: &Core) -> Result<()> {
    let _acting = core.installs.acting.lock().await;
    if core.installs.child().is_some_and(|child| !child.is_gone()) {
        return Ok(());
    }
    let server = server(core).await?;
    core.installs.change(|live| (live.times, live.problem) = (0, None));
    let begun = begin(core, &server, &server.active).await;
    if let Err(error) = &begun {
        core.installs.change(|live| live.problem = Some(error.clone()));
        publish(core).await;
    }
    begun.map(|_| ())
}

/// Stops it and returns when nothing of it runs any more.
///
/// # Errors
/// Never; one that does not end when it is asked is ended.
pub(super) async fn stop(core: &Core, grace: Duration) -> Result<()> {
    let _acting = core.installs.acting.lock().await;
    halt(core, grace).await;
    Ok(())
}

/// Ends what runs. For who holds the turn.
pub(super) async fn halt(core: &Core, grace: Duration) {
    core.installs.change(|live| live.generation += 1);
    let Some(child) = core.installs.child() else {
        core.installs.change(|live| live.phase = ServerPhase::Stopped);
        publish(core).await;
        return;
    };
    core.installs.change(|live| live.phase = ServerPhase::Stopping);
    publish(core).await;
    child.end(core, grace).await;
    core.installs.change(|live| {
        live.child = None;
        live.phase = ServerPhase::Stopped;
    });
    told(core).await;
}

/// Starts a version and returns when it answers, with the version that it tells. For who holds the
/// turn, while nothing runs.
///
/// # Errors
/// As [`start`]; nothing of it runs then.
pub(super) async fn begin(core: &Core, server: &Server, version: &str) -> Result<String> {
    let plan = plan(core, server, version)?;
    core.installs.change(|live| {
        live.phase = ServerPhase::Starting;
        live.generation += 1;
    });
    publish(core).await;
    let begun = async {
        let (folders, models) = (Places::of(core), server.models.clone());
        blocking(move || places::present(&folders, &models)).await?;
        let child = Arc::new(child::begin(core, &plan).await?);
        core.installs.change(|live| live.child = Some(child.clone()));
        match child.answers(core).await {
            Ok(version) => Ok((child, version)),
            Err(error) => {
                child.end(core, child::GRACE).await;
                Err(error)
            }
        }
    }
    .await;
    match begun {
        Ok((child, version)) => {
            settle(core, &child);
            told(core).await;
            Ok(version)
        }
        Err(error) => {
            core.installs.change(|live| {
                live.child = None;
                live.phase = ServerPhase::Stopped;
            });
            told(core).await;
            Err(error)
        }
    }
}

/// From now on its end is a crash.
pub(super) fn settle(core: &Core, child: &Arc<Child>) {
    child.settled.store(true, Ordering::SeqCst);
    core.installs.change(|live| {
        live.child = Some(child.clone());
        live.phase = ServerPhase::Running;
        live.problem = None;
    });
    let (owner, child, stop) = (core.clone(), child.clone(), core.supervisor.token());
    core.supervisor.run("server", async move {
        tokio::select! {
            () = stop.cancelled() => {}
            () = keep(owner, child) => {}
        }
    });
}

/// Waits for the end of a server; starts it again when nobody had asked for it.
fn keep(core: Core, child: Arc<Child>) -> BoxFuture<'static, ()> {
    // Its type would be its own part: what it starts is kept the same way.
    Box::pin(async move { kept(&core, child).await })
}

async fn kept(core: &Core, child: Arc<Child>) {
    let mut due = tokio::time::interval(ROTATE);
    let ending = loop {
        tokio::select! {
            ended = child.ended() => break ended,
            _ = due.tick() => {
                let logs = Places::of(core).logs;
                let _ = tokio::task::spawn_blocking(move || log::rotate(&logs)).await;
            }
        }
    };
    if child.dismissed.load(Ordering::SeqCst) {
        return;
    }
    let logs = Places::of(core).logs;
    let from = child.log_from;
    let lines = blocking(move || Ok(log::last_lines(&logs, from))).await.unwrap_or_default();
    let well = child.began.elapsed() >= WELL;
    let generation = core.installs.change(|live| {
        // A stop that came at the same moment is told by whoever asked for it.
        live.times = if well { 1 } else { live.times + 1 };
        live.exit = Some(Exit {
            at: core.now(),
            code: ending.code,
            signal: ending.signal,
            lines,
            times: live.times,
        });
        live.child = None;
        live.phase = ServerPhase::Crashed;
        live.generation
    });
    tracing::warn!(code = ending.code, signal = ending.signal, "the server ended by itself");
    child.clear(core).await;
    told(core).await;
    if let Ok(Some(Server { instance: Some(id), .. })) = store::server(&core.db).await {
        core.signals.send(Signal::ServerExited(id));
    }
    again(core, generation).await;
}

/// What ran before does not come back at once: it is tried again, as after a crash.
pub(super) async fn revive(core: &Core, problem: WireError) {
    let generation = core.installs.change(|live| {
        live.times = 1;
        live.problem = Some(problem);
        live.phase = ServerPhase::Crashed;
        live.generation
    });
    publish(core).await;
    let (owner, stop) = (core.clone(), core.supervisor.token());
    core.supervisor.run("server", async move {
        tokio::select! {
            () = stop.cancelled() => {}
            () = again(&owner, generation) => {}
        }
    });
}

/// Starts it again, with longer and longer waits, until it runs, somebody else takes care of it, or
/// it is no use.
async fn again(core: &Core, generation: u64) {
    loop {
        let times = core.installs.see(|live| live.times);
        let instance = server(core).await.ok().and_then(|server| server.instance);
        if instance.is_some_and(|id| health::is_left_alone(core, id)) {
            core.installs.change(|live| live.phase = ServerPhase::GivenUp);
            told(core).await;
            return;
        }
        if times >= MOST {
            let problem = core.installs.see(|live| live.problem.clone());
            core.installs.change(|live| {
                live.phase = ServerPhase::GivenUp;
                live.problem = problem.or_else(|| Some(platform::failed("again")));
            });
            told(core).await;
            return;
        }
        let wait = FIRST.saturating_mul(1 << times.saturating_sub(1).min(10)).min(LONGEST);
        tokio::time::sleep(wait).await;
        let _acting = core.installs.acting.lock().await;
        if core.installs.see(|live| live.generation) != generation {
            return;
        }
        let began = Instant::now();
        let begun = async {
            let server = server(core).await?;
            begin(core, &server, &server.active).await
        }
        .await;
        match begun {
            Ok(_) => {
                tracing::info!(took = ?began.elapsed(), "the server runs again");
                return;
            }
            Err(error) => {
                tracing::warn!(%error, "the server could not be started again");
                // This attempt has counted itself; what comes next is still ours.
                core.installs.change(|live| {
                    live.times += 1;
                    live.problem = Some(error);
                    live.phase = ServerPhase::Crashed;
                    live.generation = generation;
                });
                publish(core).await;
            }
        }
    }
}

/// The process changed: the windows see it, and so does who asks the API.
async fn told(core: &Core) {
    if let Ok(Some(Server { instance: Some(id), .. })) = store::server(&core.db).await {
        instances::managed_changed(core, id).await;
    }
    publish(core).await;
}
