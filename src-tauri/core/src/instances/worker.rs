//! One poller per instance.

use std::time::Duration;

use corral_contract::{InstanceId, Timestamp};
use tokio::{sync::broadcast::error::RecvError, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{
    detect,
    look::{Patience, look},
    place, service,
};
use crate::{Core, Result, config::Workers, health, signal::Signal};

/// Between two looks while the window shows.
const VISIBLE: Duration = Duration::from_secs(10);
/// The same while it is hidden.
const HIDDEN: Duration = Duration::from_secs(30);
/// First wait while it is down; doubles up to [`LONGEST`].
const FIRST: Duration = Duration::from_secs(2);
const LONGEST: Duration = Duration::from_secs(60);
/// Looks between two at process and disk, which change seldom.
const SELDOM: u32 = 30;
/// So much more time than planned may pass before it counts as a sleep or a jump of the clock.
const SLACK: Duration = Duration::from_secs(20);

/// Starts one poller per instance, and the look at this machine on the first run.
pub(crate) fn start(core: &Core) {
    let ids: Vec<InstanceId> = core.instances.lock().keys().copied().collect();
    for id in ids {
        spawn(core, id);
    }
    if core.config.detect_on_first_run && core.config.seed.is_empty() {
        let core_of_look = core.clone();
        core.supervisor.run("first look at this machine", async move {
            let stop = core_of_look.supervisor.token();
            tokio::select! {
                () = stop.cancelled() => {}
                done = detect::adopt(&core_of_look) => {
                    if let Err(error) = done {
                        tracing::warn!(%error, "first look at this machine failed");
                    }
                }
            }
        });
    }
}

/// Starts the poller of a new instance; without workers it does nothing.
pub(super) fn spawn(core: &Core, id: InstanceId) {
    if core.config.workers == Workers::None {
        return;
    }
    let core_of_worker = core.clone();
    let token = core.supervisor.spawn(format!("instance:{id}"), move |token| {
        let core = core_of_worker.clone();
        async move { poll(&core, id, &token).await }
    });
    match core.instances.lock().get_mut(&id) {
        Some(live) => live.worker = Some(token),
        // Removed before its poller ran.
        None => token.cancel(),
    }
}

async fn poll(core: &Core, id: InstanceId, token: &CancellationToken) -> Result<()> {
    let mut rhythm = Rhythm::new(core.now(), Instant::now());
    let mut signals = core.signals.listen();
    loop {
        let patience = rhythm.begin(core.now(), Instant::now());
        tokio::select! {
            () = token.cancelled() => return Ok(()),
            looked = round(core, id, patience, &mut rhythm) => looked?,
        }
        let Some((wake, up)) =
            core.instances.lock().get(&id).map(|live| (live.wake.clone(), live.health.is_up()))
        else {
            return Ok(());
        };
        rhythm.every = health::interval(core, id);
        let wait = rhythm.next(up, Instant::now());
        let due = tokio::time::sleep(wait);
        tokio::pin!(due);
        loop {
            tokio::select! {
                () = token.cancelled() => return Ok(()),
                () = &mut due => break,
                () = wake.notified() => {
                    rhythm.hurry();
                    break;
                }
                signal = signals.recv() => match signal {
                    Ok(Signal::Visible(visible)) => {
                        rhythm.visible = visible;
                        if visible {
                            rhythm.hurry();
                            break;
                        }
                    }
                    Ok(_) | Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return Ok(()),
                },
            }
        }
    }
}

async fn round(core: &Core, id: InstanceId, patience: Patience, rhythm: &mut Rhythm) -> Result<()> {
    look(core, id, patience).await?;
    let up = core.instances.lock().get(&id).is_some_and(|live| live.health.is_up());
    if rhythm.seldom(up) {
        service::refresh(core, id).await;
        if up {
            place::refresh(core, id).await;
        }
    }
    Ok(())
}

/// When to look again.
struct Rhythm {
    visible: bool,
    /// Between two looks while it is up, where the user set that.
    every: Option<Duration>,
    down_wait: Duration,
    /// When the last look began, by both clocks.
    began: (Timestamp, Instant),
    /// When the next look is due.
    due: Instant,
    /// Whether it was up at the last look, and looks since process and disk were looked at.
    was_up: Option<bool>,
    looks: u32,
}

impl Rhythm {
    fn new(wall: Timestamp, now: Instant) -> Self {
        Rhythm {
            visible: true,
            every: None,
            down_wait: FIRST,
            began: (wall, now),
            due: now,
            was_up: None,
            looks: 0,
        }
    }

    /// A look begins; tells how patient it has to be. Some systems stop the steady clock while
    /// they sleep: then the wall clock runs ahead of it. On others the look is just late.
    fn begin(&mut self, wall: Timestamp, now: Instant) -> Patience {
        let (wall_before, before) = std::mem::replace(&mut self.began, (wall, now));
        let passed = now.duration_since(before).as_millis();
        let drift = i128::from(wall.since(wall_before)) - i128::try_from(passed).unwrap_or(0);
        let late = now.saturating_duration_since(self.due);
        let gap = drift.unsigned_abs() > SLACK.as_millis() || late > SLACK;
        if gap { Patience::AfterGap } else { Patience::Usual }
    }

    /// The wait until the next look.
    fn next(&mut self, up: bool, now: Instant) -> Duration {
        let wait = if up {
            self.down_wait = FIRST;
            let usual = if self.visible { VISIBLE } else { HIDDEN };
            self.every.unwrap_or(usual)
        } else {
            let wait = self.down_wait;
            self.down_wait = (wait * 2).min(LONGEST);
            wait
        };
        self.due = now + wait;
        wait
    }

    /// The next look is now, and so are those after it.
    fn hurry(&mut self) {
        self.down_wait = FIRST;
    }

    /// Whether process and disk are to be looked at too.
    fn seldom(&mut self, up: bool) -> bool {
        let changed = self.was_up.replace(up) != Some(up);
        self.looks += 1;
        if changed || self.looks >= SELDOM {
            self.looks = 0;
            return true;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use corral_contract::Timestamp;
    use tokio::time::Instant;

    use super::{FIRST, HIDDEN, LONGEST, Patience, Rhythm, SELDOM, VISIBLE};

    fn rhythm() -> (Rhythm, Instant) {
        let now = Instant::now();
        (Rhythm::new(Timestamp(0), now), now)
    }

    #[test]
    fn backs_off_while_down_and_starts_anew_when_up() {
        let (mut rhythm, now) = rhythm();
        let waits: Vec<u64> = (0..7).map(|_| rhythm.next(false, now).as_secs()).collect();
        assert_eq!(waits, [2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(rhythm.next(true, now), VISIBLE);
        assert_eq!(rhythm.next(false, now), FIRST);
        rhythm.visible = false;
        assert_eq!(rhythm.next(true, now), HIDDEN);
    }

    #[test]
    fn a_suspicion_ends_the_back_off() {
        let (mut rhythm, now) = rhythm();
        while rhythm.next(false, now) < LONGEST {}
        rhythm.hurry();
        assert_eq!(rhythm.next(false, now), FIRST);
    }

    #[test]
    fn sleep_and_a_moved_clock_are_told_from_an_ordinary_wait() {
        let after = |steady_seconds: u64, wall_seconds: i64| {
            let (mut rhythm, now) = rhythm();
            rhythm.next(true, now);
            let wall = Timestamp(wall_seconds * 1000);
            rhythm.begin(wall, now + Duration::from_secs(steady_seconds))
        };
        assert_eq!(after(10, 10), Patience::Usual);
        assert_eq!(after(1, 1), Patience::Usual, "woken early");
        assert_eq!(after(25, 25), Patience::Usual, "a busy machine is late");
        assert_eq!(after(10, 3600), Patience::AfterGap, "slept, the steady clock too");
        assert_eq!(after(3600, 3600), Patience::AfterGap, "slept, the steady clock not");
        assert_eq!(after(10, -3600), Patience::AfterGap, "the clock was set back");
    }

    #[test]
    fn looks_at_the_disk_seldom_and_at_every_change() {
        let (mut rhythm, _) = rhythm();
        assert!(rhythm.seldom(true));
        assert_eq!((0..SELDOM).filter(|_| rhythm.seldom(true)).count(), 1);
        assert!(rhythm.seldom(false));
    }
}
