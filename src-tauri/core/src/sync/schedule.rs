//! When an instance is synced without anybody asking.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};

use corral_contract::{InstanceId, sync::Trigger};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Order, sync};
use crate::{Core, Result, instances, signal::Signal};

/// After an operation of ours, time for others that follow at once.
const AFTER_OPERATION: Duration = Duration::from_secs(1);
/// Without an interval, and while offline, nothing is due before a signal; the state is looked at
/// all the same, should one have been lost.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// Syncs one instance when it is time, until `token` is cancelled.
pub(super) async fn schedule(
    core: Core,
    instance: InstanceId,
    token: CancellationToken,
) -> Result<()> {
    let mut signals = core.signals.listen();
    let mut first = true;
    let mut online = false;
    // The sync that is due, the earliest when several things ask for one.
    let mut due: Option<(Instant, Trigger)> = None;
    let mut last = Instant::now();
    loop {
        let up = instances::online(&core, instance);
        if up && !online {
            due =
                Some((Instant::now(), if first { Trigger::AppStart } else { Trigger::Recovered }));
        }
        online = up;
        if !online {
            due = None;
        } else if due.is_none()
            && let Some(interval) = interval(&core, instance)
        {
            due = Some((last + interval, Trigger::Interval));
        }
        if let Some((_, trigger)) = due.take_if(|(at, _)| *at <= Instant::now()) {
            first = false;
            let order = Order { quiet: trigger == Trigger::Operation, ..Order::by(trigger) };
            tokio::select! {
                () = token.cancelled() => return Ok(()),
                // Its report says how it went; the next one comes with the interval.
                _ = sync(&core, instance, order) => {}
            }
            last = Instant::now();
            continue;
        }
        let wait = async {
            match due {
                Some((at, _)) => {
                    tokio::time::sleep_until(at.min(Instant::now() + LOOK_EVERY)).await
                }
                None => tokio::time::sleep(LOOK_EVERY).await,
            }
        };
        tokio::select! {
            () = token.cancelled() => return Ok(()),
            () = wait => {}
            signal = signals.recv() => match signal {
                Ok(Signal::Operated(id) | Signal::JobDone { instance: id, .. })
                    if id == instance =>
                {
                    let at = Instant::now() + AFTER_OPERATION;
                    due = Some((at, Trigger::Operation));
                }
                // The interval may be another now.
                Ok(Signal::SettingsChanged) => {
                    due.take_if(|(_, trigger)| *trigger == Trigger::Interval);
                }
                _ => {}
            },
        }
    }
}

/// The time between two syncs, up to a tenth longer by instance, so that several are not asked in
/// the same moment; `None` = only on demand.
fn interval(core: &Core, instance: InstanceId) -> Option<Duration> {
    let minutes = core.settings().sync_minutes;
    if minutes == 0 {
        return None;
    }
    let base = Duration::from_secs(u64::from(minutes) * 60);
    let mut hasher = DefaultHasher::new();
    (instance, core.now().0 / 3_600_000).hash(&mut hasher);
    let share = (hasher.finish() % 1000) as f64 / 1000.0;
    Some(base.mul_f64(1.0 + share / 10.0))
}
