//! When registries are asked, and what is looked at in between.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::PoisonError,
    time::Duration,
};

use corral_contract::{Timestamp, settings::UpdateCheck, updates::UpdatesOf};
use tokio::{sync::broadcast::error::RecvError, time::Instant};

use super::{before, check, store, store::Candidate};
use crate::{Core, Result, downloads, signal::Signal};

/// After the start: nobody waits for it, and others have more to do then.
const FIRST: Duration = Duration::from_secs(120);
/// Between two looks at whose time has come.
const LOOK_EVERY: Duration = Duration::from_secs(15 * 60);
const DAY: i64 = 24 * 3600 * 1000;

/// Starts the worker.
pub(crate) fn start(core: &Core) {
    let owner = core.clone();
    core.supervisor.spawn("updates", move |token| {
        let core = owner.clone();
        async move {
            let mut signals = core.signals.listen();
            let mut next = Instant::now() + FIRST;
            before::settle(&core).await;
            loop {
                core.supervisor.well("updates");
                let signal = tokio::select! {
                    () = token.cancelled() => return Ok(()),
                    () = tokio::time::sleep_until(next) => None,
                    signal = signals.recv() => Some(signal),
                };
                match signal {
                    None => {
                        next = Instant::now() + LOOK_EVERY;
                        before::settle(&core).await;
                        if may_ask(&core).await && any_due(&core).await? {
                            check::begin(&core, check::Which::Due).await?;
                        }
                    }
                    Some(Ok(Signal::JobDone { .. } | Signal::InstanceUp(_)))
                    | Some(Err(RecvError::Lagged(_))) => before::settle(&core).await,
                    Some(Ok(_)) => {}
                    Some(Err(RecvError::Closed)) => return Ok(()),
                }
            }
        }
    });
}

/// Whether registries may be asked without anybody having asked for it.
async fn may_ask(core: &Core) -> bool {
    let settings = core.settings();
    let left_alone = {
        let until = core.updates.not_before.lock().unwrap_or_else(PoisonError::into_inner);
        until.is_some_and(|until| Instant::now() < until)
    };
    settings.update_check != UpdateCheck::Off
        && !left_alone
        && !(settings.pause_on_metered && downloads::metered(core).await == Some(true))
}

async fn any_due(core: &Core) -> Result<bool> {
    let scope = UpdatesOf::default().instance_id;
    Ok(store::candidates(core, scope).await?.iter().any(|each| is_due(core, each)))
}

/// Whether the time of a model has come.
pub(super) fn is_due(core: &Core, candidate: &Candidate) -> bool {
    due(core.settings().update_check, candidate.id.0, candidate.checked_at, core.now())
}

/// Models take turns: each waits a tenth more or less than the interval, always the same.
fn due(every: UpdateCheck, id: i64, checked_at: Option<Timestamp>, now: Timestamp) -> bool {
    let days = match every {
        UpdateCheck::Off => return false,
        UpdateCheck::Daily => 1,
        UpdateCheck::Weekly => 7,
    };
    let Some(checked_at) = checked_at else { return true };
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    let share = i64::try_from(hasher.finish() % 21).unwrap_or(10) - 10;
    let interval = days * (DAY + DAY / 100 * share);
    // A time in the future is that of a clock that was set back since.
    !(0..interval).contains(&now.since(checked_at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_model_has_its_time() {
        let at = Timestamp(1_795_420_800_000);
        let hours = |hours: i64| at.plus(hours * 3600 * 1000);
        for id in 0..50 {
            assert!(due(UpdateCheck::Daily, id, None, at), "never compared");
            assert!(!due(UpdateCheck::Daily, id, Some(at), hours(21)));
            assert!(due(UpdateCheck::Daily, id, Some(at), hours(27)));
            assert!(!due(UpdateCheck::Weekly, id, Some(at), hours(27)));
            assert!(due(UpdateCheck::Weekly, id, Some(at), hours(7 * 27)));
            assert!(!due(UpdateCheck::Off, id, None, at));
        }
        let times = (0..50).filter(|id| due(UpdateCheck::Daily, *id, Some(at), hours(24))).count();
        assert!((5..45).contains(&times), "not all at once: {times}");
    }

    #[test]
    fn a_clock_that_was_set_back_or_sits_in_another_zone_stops_nothing() {
        let at = Timestamp(1_795_420_800_000);
        assert!(due(UpdateCheck::Daily, 1, Some(at), at.plus(-3600 * 1000)));
        assert!(due(UpdateCheck::Weekly, 1, Some(at.plus(400 * DAY)), at));
    }
}
