//! When an instance is synced without anybody asking.

use std::{sync::PoisonError, time::Duration};

use corral_contract::{
    ErrorCode, InstanceId, Timestamp, WireError,
    instances::InstanceRef,
    settings::Settings,
    sync::{Held, Rhythm, Schedule, SchedulePreview, ScheduleView, SetSchedule, Trigger, call},
};
use tokio::{sync::broadcast::error::RecvError, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{
    Order,
    plan::{Moment, Plan, Ready},
    store, sync,
};
use crate::{Core, Result, downloads, instances, router::Handle, signal::Signal};

/// After an operation of ours, time for others that follow at once.
const AFTER_OPERATION: Duration = Duration::from_secs(1);
/// The longest wait between two looks at the clocks: by so much a sleep is noticed late.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// A next run that moved by less than this is told as it was, in ms.
const SAME: i64 = 2_000;

/// Where the schedule of an instance stands, for those who ask.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Standing {
    next: Option<Timestamp>,
    held: Option<Held>,
}

/// When an instance is synced next by itself, as far as that is known.
pub(crate) fn next(core: &Core, instance: InstanceId) -> Option<Timestamp> {
    standing(core, instance).next
}

fn standing(core: &Core, instance: InstanceId) -> Standing {
    let table = core.sync.standing.lock().unwrap_or_else(PoisonError::into_inner);
    table.get(&instance).copied().unwrap_or_default()
}

/// Remembers where it stands, and tells the windows when that changed.
async fn stands(core: &Core, instance: InstanceId, now: Standing) {
    let changed = {
        let mut table = core.sync.standing.lock().unwrap_or_else(PoisonError::into_inner);
        let before = table.entry(instance).or_default();
        let same = before.held == now.held
            && match (before.next, now.next) {
                (Some(before), Some(now)) => now.since(before).abs() < SAME,
                (before, now) => before == now,
            };
        if !same {
            *before = now;
        }
        !same
    };
    if changed {
        instances::publish(core, instance).await;
    }
}

/// Syncs one instance when it is time, until `token` is cancelled.
pub(super) async fn schedule(
    core: Core,
    instance: InstanceId,
    token: CancellationToken,
) -> Result<()> {
    let mut signals = core.signals.listen();
    let mut ready = load(&core, instance).await?;
    let mut plan = Plan::new(instance, moment(&core));
    loop {
        let now = moment(&core);
        plan.look(now, &ready.schedule, instances::online(&core, instance));
        let next = plan.next(now, &ready, &*core.config.clock);
        let mut held = (!instances::online(&core, instance)).then_some(Held::Offline);
        if let Some(next) = next
            && next.wait.is_zero()
        {
            if waits_for_line(&core, &ready.schedule, next.trigger).await {
                held = Some(Held::Metered);
            } else {
                let quiet = next.trigger == Trigger::Operation;
                let order = Order { quiet, ..Order::by(next.trigger) };
                let done = tokio::select! {
                    () = token.cancelled() => return Ok(()),
                    done = sync(&core, instance, order) => done,
                };
                let problem = done.as_ref().err();
                plan.ran(moment(&core), problem.is_some(), problem.is_some_and(may_pass));
                plan.waits(Instant::now());
                continue;
            }
        }
        let in_ms = |wait: Duration| i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
        let at = next.filter(|_| held.is_none()).map(|next| now.wall.plus(in_ms(next.wait)));
        stands(&core, instance, Standing { next: at, held }).await;
        let wait = next.map_or(LOOK_EVERY, |next| match held {
            Some(_) => LOOK_EVERY,
            None => next.wait.min(LOOK_EVERY),
        });
        let until = Instant::now() + wait;
        plan.waits(until);
        tokio::select! {
            () = token.cancelled() => return Ok(()),
            () = tokio::time::sleep_until(until) => {}
            signal = signals.recv() => match signal {
                Ok(Signal::Operated(id) | Signal::JobDone { instance: id, .. })
                    if id == instance =>
                {
                    plan.ask(Instant::now() + AFTER_OPERATION, Trigger::Operation);
                }
                Ok(Signal::SettingsChanged) | Err(RecvError::Lagged(_)) => {
                    ready = load(&core, instance).await?;
                }
                Ok(Signal::Scheduled(id)) if id == instance => {
                    ready = load(&core, instance).await?;
                }
                Ok(_) => {}
                Err(RecvError::Closed) => return Ok(()),
            },
        }
    }
}

fn moment(core: &Core) -> Moment {
    Moment { wall: core.now(), steady: Instant::now() }
}

/// Whether a run has to wait for another connection. What follows an operation of the user does
/// not: he was there.
async fn waits_for_line(core: &Core, schedule: &Schedule, trigger: Trigger) -> bool {
    schedule.skip_metered
        && trigger != Trigger::Operation
        && downloads::conditions(core).await.metered == Some(true)
}

/// Whether trying again may help.
fn may_pass(problem: &WireError) -> bool {
    matches!(
        problem.code,
        ErrorCode::ConnectionLost
            | ErrorCode::ConnectionRefused
            | ErrorCode::InstanceOffline
            | ErrorCode::TimedOut
            | ErrorCode::DnsFailed
            | ErrorCode::ServerFault
            | ErrorCode::ServerBusy
            | ErrorCode::BadAnswer
            | ErrorCode::DatabaseBusy
    )
}

/// The schedule in force. One that a newer version wrote and this one cannot read counts as none.
async fn load(core: &Core, instance: InstanceId) -> Result<Ready> {
    let own = store::schedule(core, instance).await?;
    let ready = own.map(Ready::check).transpose().unwrap_or_else(|error| {
        tracing::warn!(instance = instance.0, %error, "schedule not understood, the usual one holds");
        None
    });
    match ready {
        Some(ready) => Ok(ready),
        None => Ready::check(usual(&core.settings())),
    }
}

/// The schedule of instances without one of their own. Runs are put off by up to a tenth.
fn usual(settings: &Settings) -> Schedule {
    let rhythm = match settings.sync_minutes {
        0 => Rhythm::Off,
        minutes => Rhythm::Every { minutes },
    };
    let jitter_seconds = settings.sync_minutes * 6;
    Schedule { rhythm, jitter_seconds: jitter_seconds.min(3600), ..Schedule::default() }
}

async fn view(core: &Core, id: InstanceId) -> Result<ScheduleView> {
    let last = instances::view(core, id).await?.last_sync;
    let Standing { next, held } = standing(core, id);
    let own = store::schedule(core, id).await?;
    Ok(ScheduleView { id, own, usual: usual(&core.settings()), last, next, held })
}

impl Handle<call::ReadSchedule> for Core {
    async fn handle(&self, InstanceRef { id }: InstanceRef) -> Result<ScheduleView> {
        view(self, id).await
    }
}

impl Handle<call::SaveSchedule> for Core {
    async fn handle(&self, SetSchedule { id, schedule }: SetSchedule) -> Result<ScheduleView> {
        instances::view(self, id).await?;
        if let Some(schedule) = &schedule {
            // An expression whose time never comes would never be noticed.
            Ready::check(schedule.clone())?.preview(&*self.config.clock)?;
        }
        store::set_schedule(self, id, schedule.as_ref()).await?;
        self.signals.send(Signal::Scheduled(id));
        view(self, id).await
    }
}

impl Handle<call::Preview> for Core {
    async fn handle(&self, schedule: Schedule) -> Result<SchedulePreview> {
        let runs = Ready::check(schedule)?.preview(&*self.config.clock)?;
        Ok(SchedulePreview { runs })
    }
}
