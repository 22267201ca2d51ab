//! Starting a server that is gone, and what comes of it.

use std::time::Duration;

use corral_contract::{
    ErrorCode, InstanceId, WireError,
    app::NoticeKind,
    audit::Actor,
    health::{IncidentKind, RecoveryState},
};
use tokio::time::Instant;

use super::{changed, hands, incidents, plan::Step, store};
use crate::{Core, Result, audit, instances, notices, steering};

/// How long a server that was started may take until it answers.
const ANSWER: Duration = Duration::from_secs(30);
/// Between two looks whether it does.
const LOOK: Duration = Duration::from_millis(250);

/// Starts it in the background.
pub(super) fn begin(core: &Core, id: InstanceId) {
    let owner = core.clone();
    core.supervisor.run("start of a server", async move {
        let stop = owner.supervisor.token();
        tokio::select! {
            () = stop.cancelled() => {}
            () = attempt(&owner, id) => {}
        }
    });
}

async fn attempt(core: &Core, id: InstanceId) {
    let anew = core.health.lock().get(&id).is_some_and(|live| !live.gone);
    let anew = anew && instances::process(core, id).is_some();
    tracing::info!(instance = %id, anew, "starting a server that is gone");
    changed(core, id);
    // Whoever has it in hands now starts it, or wants it silent.
    let mut done = match steering::free(core, id) {
        Ok(()) => hands::start(core, id, anew).await,
        Err(busy) => Err(busy),
    };
    audit::record(
        core,
        Actor::Scheduler,
        "health.restart",
        &format!("instance {id}"),
        done.as_ref().err(),
    )
    .await;
    if done.is_ok() {
        done = answers(core, id).await;
    }
    let Ok(name) = instances::view(core, id).await.map(|view| view.name) else { return };
    match done {
        Ok(()) => {
            tracing::info!(instance = %id, "the server was started and answers");
            if let Some(live) = core.health.lock().get_mut(&id) {
                live.problem = None;
            }
            incidents::note(core, id, IncidentKind::Restarted, None, None).await;
            notices::tell(core, NoticeKind::InstanceRestarted, name, None).await;
        }
        Err(problem) => {
            tracing::warn!(instance = %id, %problem, "the server could not be started");
            let kind = IncidentKind::RestartFailed;
            incidents::note(core, id, kind, None, Some(problem.clone())).await;
            let step = {
                let mut lives = core.health.lock();
                let Some(live) = lives.get_mut(&id) else { return };
                live.problem = Some(problem.clone());
                let rules = live.rules.clone();
                live.plan.failed(&rules, Instant::now())
            };
            if step == Step::GaveUp {
                give_up(core, id, Some(problem)).await;
            }
        }
    }
    changed(core, id);
}

/// Waits until it answers.
async fn answers(core: &Core, id: InstanceId) -> Result<()> {
    let wait = async {
        loop {
            if instances::online(core, id) {
                return Ok(());
            }
            if !instances::known(core, id) {
                return Err(WireError::new(ErrorCode::Cancelled));
            }
            instances::suspect(core, id);
            tokio::time::sleep(LOOK).await;
        }
    };
    tokio::time::timeout(ANSWER, wait).await.unwrap_or_else(|_| {
        Err(WireError::new(ErrorCode::TimedOut).with("seconds", ANSWER.as_secs()))
    })
}

/// Nothing more is tried: everybody is told, with the lines that may say why.
pub(super) async fn give_up(core: &Core, id: InstanceId, problem: Option<WireError>) {
    tracing::error!(instance = %id, "the server is left alone: too many starts failed");
    let failed = core.health.lock().get(&id).map_or(0, |live| live.plan.failed);
    let incident = incidents::open(core, id, IncidentKind::GaveUp, problem.clone()).await;
    let lines = incident.map(|incident| incident.lines).unwrap_or_default();
    let told = problem.unwrap_or_else(|| WireError::new(ErrorCode::InstanceOffline));
    let told = told.with("failed", failed);
    // The words of the system first, then those of the server.
    let detail = told.detail.clone().into_iter().chain(lines).collect::<Vec<_>>().join("\n");
    let told = if detail.is_empty() { told } else { told.detail(detail) };
    keep_state(core, id).await;
    if let Ok(view) = instances::view(core, id).await {
        notices::tell(core, NoticeKind::InstanceCritical, view.name, Some(told)).await;
    }
    changed(core, id);
}

/// Writes down where the starting stands, so that a new start of Corral does not begin anew what
/// was given up.
pub(super) async fn keep_state(core: &Core, id: InstanceId) {
    let (rules, state) = {
        let mut lives = core.health.lock();
        let Some(live) = lives.get_mut(&id) else { return };
        live.kept = match live.plan.state {
            state @ (RecoveryState::GivenUp | RecoveryState::Held) => state,
            RecoveryState::Idle | RecoveryState::Waiting | RecoveryState::Trying => {
                RecoveryState::Idle
            }
        };
        (live.rules.clone(), live.kept)
    };
    if let Err(error) = store::keep_rules(&core.db, id, &rules, state).await {
        tracing::warn!(%error, "where the starting of a server stands was not kept");
    }
}
