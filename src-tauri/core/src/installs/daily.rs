//! Asking once a day which version is the newest one. What is found is told, never installed.

use std::time::Duration;

use corral_contract::Timestamp;
use tokio::{sync::broadcast::error::RecvError, time::Instant};

use super::store;
use crate::{Core, Result, downloads, signal::Signal};

/// After the start: nobody waits for it, and others have more to do then.
const FIRST: Duration = Duration::from_secs(150);
/// Between two looks whether it is time.
const LOOK_EVERY: Duration = Duration::from_secs(15 * 60);
/// After a question that nobody answered.
const AGAIN: Duration = Duration::from_secs(3600);
const DAY: i64 = 24 * 3600 * 1000;
/// So many hundredths of a day a machine asks earlier or later than after one day.
const SPREAD: i64 = 10;

/// Starts the worker.
pub(super) fn start(core: &Core) {
    let owner = core.clone();
    core.supervisor.spawn("releases", move |token| {
        let core = owner.clone();
        async move {
            let mut signals = core.signals.listen();
            let share = share();
            let mut next = Instant::now() + FIRST;
            let mut not_before = Instant::now();
            loop {
                core.supervisor.well("releases");
                tokio::select! {
                    () = token.cancelled() => return Ok(()),
                    () = tokio::time::sleep_until(next) => {}
                    signal = signals.recv() => match signal {
                        // Turned on now: whoever did it wants to know.
                        Ok(Signal::SettingsChanged) => {}
                        Ok(_) | Err(RecvError::Lagged(_)) => continue,
                        Err(RecvError::Closed) => return Ok(()),
                    },
                }
                next = Instant::now() + LOOK_EVERY;
                if Instant::now() < not_before || !may_ask(&core, share).await? {
                    continue;
                }
                let asked = tokio::select! {
                    () = token.cancelled() => return Ok(()),
                    asked = super::look(&core) => asked,
                };
                if let Err(error) = asked {
                    tracing::debug!(%error, "the newest version of Ollama is not known");
                    not_before = Instant::now() + AGAIN;
                }
            }
        }
    });
}

/// Whether it is time, and nothing speaks against it.
async fn may_ask(core: &Core, share: i64) -> Result<bool> {
    let settings = core.settings();
    if !settings.ollama_check || core.installs.see(|live| live.turn.is_some()) {
        return Ok(false);
    }
    let Some(server) = store::server(&core.db).await? else { return Ok(false) };
    let asked = store::newest(&core.db).await?.map(|release| release.checked_at);
    if server.pinned || !due(asked, core.now(), share) {
        return Ok(false);
    }
    Ok(!(settings.pause_on_metered && downloads::metered(core).await == Some(true)))
}

/// Whether a day has passed, more or less by a share of it.
fn due(asked: Option<Timestamp>, now: Timestamp, share: i64) -> bool {
    let Some(asked) = asked else { return true };
    // A time in the future is that of a clock that was set back since.
    !(0..DAY + DAY / 100 * share).contains(&now.since(asked))
}

/// This machine's share, new with every start: not all of them ask in the same minute.
fn share() -> i64 {
    let mut byte = [0];
    // Without a source of randomness it is as good as any other.
    let _ = aws_lc_rs::rand::fill(&mut byte);
    i64::from(byte[0]) % (2 * SPREAD + 1) - SPREAD
}

#[cfg(test)]
mod tests {
    use corral_contract::Timestamp;

    use super::{DAY, SPREAD, due, share};

    #[test]
    fn a_day_passes_between_two_questions_more_or_less() {
        let at = Timestamp(1_795_420_800_000);
        let hours = |hours: i64| at.plus(hours * 3600 * 1000);
        for share in -SPREAD..=SPREAD {
            assert!(due(None, at, share), "never asked");
            assert!(!due(Some(at), hours(21), share));
            assert!(due(Some(at), hours(27), share));
        }
        let early = (-SPREAD..=SPREAD).filter(|share| due(Some(at), hours(24), *share)).count();
        assert!((5..16).contains(&early), "not all at once: {early}");
        for _ in 0..100 {
            assert!((-SPREAD..=SPREAD).contains(&share()));
        }
    }

    #[test]
    fn a_clock_that_jumped_stops_nothing() {
        let at = Timestamp(1_795_420_800_000);
        assert!(due(Some(at), at.plus(-1), 0), "set back");
        assert!(due(Some(at), at.plus(400 * DAY), 0), "set forward");
    }
}
