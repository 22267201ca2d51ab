//! What happens by itself: processes are looked at, what is due is started, what was measured is
//! written down.

use std::time::Duration;

use corral_contract::{
    InstanceId, ModelId, WireError,
    audit::Actor,
    checks::SmokeOutcome,
    event::AppEvent,
    health::{IncidentKind, RecoveryState},
    models::ModelRef,
    tasks::TaskState,
};
use tokio::{
    sync::broadcast::error::RecvError,
    time::{Instant, MissedTickBehavior},
};
use tokio_util::sync::CancellationToken;

use super::{Event, changed, hands, incidents, levels, log, plan::Step, restart, store};
use crate::{Core, Result, checks, instances, models, signal::Signal, steering};

const NAME: &str = "health";
/// Between two looks at processes and at what is due: a crash is seen within it.
const EVERY: Duration = Duration::from_secs(1);
/// Between two times at which what was measured is written down.
const FLUSH: Duration = Duration::from_secs(60);
/// Between two questions on all levels while somebody looks.
const PROBE: Duration = Duration::from_secs(300);
/// How long the test of a model may take in all.
const TRY: Duration = Duration::from_secs(900);

/// Starts it.
pub(crate) fn start(core: &Core) {
    let owner = core.clone();
    core.supervisor.spawn(NAME, move |token| {
        let core = owner.clone();
        async move { work(&core, &token).await }
    });
}

async fn work(core: &Core, token: &CancellationToken) -> Result<()> {
    let mut signals = core.signals.listen();
    let mut events = core.health.events.lock().await;
    let mut tick = tokio::time::interval(EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut flushed = Instant::now();
    let mut visible = true;
    loop {
        tokio::select! {
            () = token.cancelled() => return Ok(()),
            event = events.recv() => match event {
                Some(event) => take(core, event).await,
                None => return Ok(()),
            },
            signal = signals.recv() => match signal {
                Ok(Signal::Visible(now)) => visible = now,
                Ok(Signal::StoppedByUser(id)) => held(core, id).await,
                Ok(Signal::StartedByUser(id)) => freed(core, id).await,
                Ok(Signal::InstanceRemoved(id)) => {
                    core.health.lock().remove(&id);
                }
                Ok(_) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return Ok(()),
            },
            _ = tick.tick() => {
                processes(core).await;
                due(core);
                if visible {
                    probes(core);
                }
                trials(core);
                if flushed.elapsed() >= FLUSH {
                    flushed = Instant::now();
                    flush(core).await?;
                }
            }
        }
        core.supervisor.well(NAME);
    }
}

/// Servers on this machine whose process went.
async fn processes(core: &Core) {
    let watched = instances::processes(core);
    if watched.is_empty() {
        return;
    }
    let machine = core.config.machine.clone();
    let known: Vec<_> = watched.iter().map(|(_, process)| *process).collect();
    let look = tokio::task::spawn_blocking(move || machine.alive(&known));
    let Ok(Some(alive)) = look.await else { return };
    for ((id, process), alive) in watched.into_iter().zip(alive) {
        let fresh = {
            let mut lives = core.health.lock();
            let live = lives.entry(id).or_default();
            let fresh = !alive && live.gone_process != Some(process);
            if fresh {
                (live.gone, live.gone_process) = (true, Some(process));
            }
            fresh
        };
        if fresh {
            gone(core, id, process.0).await;
        }
    }
}

async fn gone(core: &Core, id: InstanceId, pid: u32) {
    tracing::warn!(instance = %id, pid, "the process of a server ended");
    // Its poller asks now, and not at its next turn.
    instances::suspect(core, id);
    instances::look_at_process(core, id).await;
    // One that hung and is started anew goes because Corral said so.
    let trying = core.health.lock().get(&id).map(|live| live.plan.state);
    if on_purpose(core, id) || trying == Some(RecoveryState::Trying) {
        return;
    }
    let open = core.health.lock().get(&id).and_then(|live| live.open.clone());
    let incident = match open {
        Some(mut incident) => {
            incident.kind = IncidentKind::Crash;
            (incident.lines, incident.cause) = incidents::said(core, id).await;
            incidents::update(core, id, &incident).await;
            Some(incident)
        }
        None => incidents::open(core, id, IncidentKind::Crash, None).await,
    };
    // Something else may answer already: then it was over at once.
    let over = {
        let mut lives = core.health.lock();
        let live = lives.entry(id).or_default();
        live.open = incident;
        live.up == Some(true) && instances::process(core, id).is_some_and(|now| now != pid)
    };
    if over {
        up(core, id).await;
    }
}

/// Whether the user just stopped it, or something is done to it that stops it.
fn on_purpose(core: &Core, id: InstanceId) -> bool {
    core.health.lock().get(&id).is_some_and(super::Live::on_purpose)
        || steering::under_way(core, id)
}

async fn take(core: &Core, event: Event) {
    match event {
        Event::Down(id, problem) => down(core, id, problem).await,
        Event::Up(id) => up(core, id).await,
    }
}

async fn down(core: &Core, id: InstanceId, problem: WireError) {
    let (up, open) = match core.health.lock().get(&id) {
        Some(live) => (live.up, live.open.is_some()),
        None => return,
    };
    if up != Some(false) {
        // It is back already.
        return;
    }
    let purpose = on_purpose(core, id);
    if !open {
        let kind = if purpose { IncidentKind::Held } else { IncidentKind::Down };
        let incident = incidents::open(core, id, kind, Some(problem.clone())).await;
        if let Some(live) = core.health.lock().get_mut(&id) {
            live.open = incident;
        }
    }
    if purpose {
        return changed(core, id);
    }
    let reach = match hands::reach(core, id).await {
        Ok((reach, _)) => reach,
        Err(error) => {
            tracing::warn!(instance = %id, %error, "whether a server may be started is not known");
            return changed(core, id);
        }
    };
    let step = {
        let mut lives = core.health.lock();
        let Some(live) = lives.get_mut(&id) else { return };
        let rules = live.rules.clone();
        live.plan.down(&rules, reach, Instant::now())
    };
    match step {
        Step::Nothing => {}
        Step::Waiting => due(core),
        Step::GaveUp => restart::give_up(core, id, Some(problem)).await,
    }
    changed(core, id);
}

async fn up(core: &Core, id: InstanceId) {
    let now = core.now();
    let version = instances::version(core, id);
    let (ended, kept) = {
        let mut lives = core.health.lock();
        let Some(live) = lives.get_mut(&id) else { return };
        live.gone = false;
        live.stopped = None;
        live.problem = None;
        let mut open = live.open.take();
        let other = live.version.is_some() && live.version != version;
        if let Some(incident) = &mut open {
            incident.until = Some(now);
            if other && incident.kind != IncidentKind::Held {
                incident.kind = IncidentKind::Update;
                incident.subject.clone_from(&version);
            }
            // Neither of these is an outage: the questions meanwhile do not count.
            if matches!(incident.kind, IncidentKind::Held | IncidentKind::Update) {
                for (at, asked) in std::mem::take(&mut live.doubt) {
                    live.slots.entry(at).or_default().asked -= asked;
                }
            }
        }
        live.doubt.clear();
        live.version.clone_from(&version);
        (open, live.kept)
    };
    if let Some(incident) = ended {
        incidents::update(core, id, &incident).await;
    }
    if kept != RecoveryState::Idle {
        restart::keep_state(core, id).await;
    }
    log::read(core, id);
    changed(core, id);
}

async fn held(core: &Core, id: InstanceId) {
    {
        let mut lives = core.health.lock();
        let live = lives.entry(id).or_default();
        live.plan.hold();
        live.stopped = Some(Instant::now());
    }
    restart::keep_state(core, id).await;
    changed(core, id);
}

async fn freed(core: &Core, id: InstanceId) {
    {
        let mut lives = core.health.lock();
        let live = lives.entry(id).or_default();
        if matches!(live.plan.state, RecoveryState::Held | RecoveryState::GivenUp) {
            live.plan = super::plan::Plan::new(RecoveryState::Idle);
        }
        live.stopped = None;
    }
    restart::keep_state(core, id).await;
    changed(core, id);
}

/// Starts what is due.
fn due(core: &Core) {
    let now = Instant::now();
    let ids: Vec<InstanceId> = {
        let mut lives = core.health.lock();
        lives.iter_mut().filter_map(|(id, live)| live.plan.begin(now).then_some(*id)).collect()
    };
    for id in ids {
        restart::begin(core, id);
    }
}

/// Asks on all levels where that was not done for a while.
fn probes(core: &Core) {
    let ids: Vec<InstanceId> = {
        let mut lives = core.health.lock();
        let old = |live: &super::Live| {
            live.up == Some(true) && live.probed.is_none_or(|at| at.elapsed() >= PROBE)
        };
        let due = lives.iter_mut().filter(|(_, live)| old(live));
        due.map(|(id, live)| {
            live.probed = Some(Instant::now());
            *id
        })
        .collect()
    };
    for id in ids {
        let owner = core.clone();
        core.supervisor.run("levels of a server", async move {
            if let Err(error) = super::ask(&owner, id).await {
                tracing::debug!(instance = %id, %error, "a server was not asked on all levels");
            }
        });
    }
}

/// Tries models where the user wishes that.
fn trials(core: &Core) {
    let due: Vec<(InstanceId, String)> = {
        let mut lives = core.health.lock();
        let wanted = lives.iter_mut().filter_map(|(id, live)| {
            let model = live.rules.inference_model.clone()?;
            let every = Duration::from_secs(u64::from(live.rules.inference_minutes) * 60);
            let due = live.up == Some(true) && live.tried.is_none_or(|at| at.elapsed() >= every);
            due.then(|| {
                live.tried = Some(Instant::now());
                (*id, model)
            })
        });
        wanted.collect()
    };
    for (id, model) in due {
        let owner = core.clone();
        core.supervisor.run("trial of a model", async move {
            let stop = owner.supervisor.token();
            let outcome = tokio::select! {
                () = stop.cancelled() => return,
                outcome = tokio::time::timeout(TRY, trial(&owner, id, &model)) => outcome,
            };
            let Ok(Some(outcome)) = outcome else { return };
            let at = owner.now();
            if let Some(live) = owner.health.lock().get_mut(&id) {
                levels::tried(&mut live.levels, outcome, at);
            }
            changed(&owner, id);
        });
    }
}

/// Whether a model answers; `None` when that could not be tried now.
async fn trial(
    core: &Core,
    id: InstanceId,
    name: &str,
) -> Option<std::result::Result<Option<u32>, WireError>> {
    let name = corral_contract::name::ModelName::parse(name).ok()?;
    let model: ModelId = models::find(core, id, &name).await.ok()??.id;
    let mut events = core.bus.listen();
    let begun = core
        .run::<corral_contract::checks::call::Smoke>(Actor::Scheduler, ModelRef { id: model })
        .await
        .ok()?;
    loop {
        let envelope = events.next().await?;
        if let AppEvent::Task(task) = &envelope.event
            && task.id == begun.task
            && !matches!(task.state, TaskState::Running | TaskState::Waiting)
        {
            break;
        }
    }
    let result = checks::of_model(core, model).await.ok()?.1?;
    match result.outcome {
        SmokeOutcome::Passed => Some(Ok(result.ms.map(|ms| u32::try_from(ms).unwrap_or(u32::MAX)))),
        SmokeOutcome::Failed => Some(Err(result.problem?)),
        SmokeOutcome::NotTested => None,
    }
}

/// Writes down what was measured.
///
/// # Errors
/// Database errors; what was not written is kept.
pub(super) async fn flush(core: &Core) -> Result<()> {
    let slots: Vec<_> = {
        let mut lives = core.health.lock();
        let of = |(id, live): (&InstanceId, &mut super::Live)| {
            let slots = std::mem::take(&mut live.slots);
            slots.into_iter().map(|(at, slot)| (*id, at, slot)).collect::<Vec<_>>()
        };
        lives.iter_mut().flat_map(of).collect()
    };
    if slots.is_empty() {
        return Ok(());
    }
    let done = store::slots::add(&core.db, &slots, core.now()).await;
    if done.is_err() {
        let mut lives = core.health.lock();
        for (id, at, slot) in slots {
            if let Some(live) = lives.get_mut(&id) {
                live.slots.entry(at).or_default().add(&slot);
            }
        }
    }
    done
}
