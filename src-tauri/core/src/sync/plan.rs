//! What a schedule makes of the time. Nothing here waits or asks: it is told both clocks and
//! answers what is due, so that every clock there is can be tried on it.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};

use corral_contract::{
    InstanceId, Timestamp, WireError,
    sync::{MOST_JITTER, MOST_MINUTES, Rhythm, Schedule, Trigger},
};
use tokio::time::Instant;

use super::times::Times;
use crate::{Result, clock::Clock};

/// So much more time than planned may pass before it counts as a sleep. Some systems stop the
/// steady clock while they sleep: then the wall clock runs ahead of it. On others the look is
/// just late. A clock that somebody sets forward looks the same and brings one sync too many.
const SLACK: Duration = Duration::from_secs(20);
/// After waking up the network needs a moment.
const SETTLE: Duration = Duration::from_secs(5);
/// Set back by at most this, the clock comes again to times that were done: they are not repeated.
/// Set back by more, it was wrong before. In ms.
const SMALL_STEP: i64 = 3 * 3_600_000;
/// After a failure; doubles with each further one.
const FIRST_RETRY: Duration = Duration::from_secs(30);
const LONGEST_RETRY: Duration = Duration::from_secs(15 * 60);
/// Failures in a row after which only the rhythm tries again.
const MOST_RETRIES: u32 = 6;

/// One moment by both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    pub(super) wall: Timestamp,
    pub(super) steady: Instant,
}

/// A schedule with its expression read.
#[derive(Debug, Clone)]
pub(super) struct Ready {
    pub(super) schedule: Schedule,
    times: Option<Times>,
}

impl Ready {
    /// Checks a schedule.
    ///
    /// # Errors
    /// `INVALID_INPUT` for `minutes`, `jitterSeconds` or `cron`.
    pub(super) fn check(schedule: Schedule) -> Result<Ready> {
        let out_of_range = |field: &str, least: u32, most: u32| {
            WireError::field(field, "outOfRange").with("min", least).with("max", most)
        };
        if schedule.jitter_seconds > MOST_JITTER {
            return Err(out_of_range("jitterSeconds", 0, MOST_JITTER));
        }
        let times = match &schedule.rhythm {
            Rhythm::Every { minutes } if !(1..=MOST_MINUTES).contains(minutes) => {
                return Err(out_of_range("minutes", 1, MOST_MINUTES));
            }
            Rhythm::Off | Rhythm::Every { .. } => None,
            Rhythm::Cron { expression } => Some(Times::parse(expression)?),
        };
        Ok(Ready { schedule, times })
    }

    /// The next three runs of the rhythm from now on, without jitter.
    ///
    /// # Errors
    /// `INVALID_INPUT` for `cron` when its time never comes.
    pub(super) fn preview(&self, clock: &dyn Clock) -> Result<Vec<Timestamp>> {
        let mut at = clock.now();
        let mut runs = Vec::new();
        for _ in 0..3 {
            at = match (&self.schedule.rhythm, &self.times) {
                (Rhythm::Every { minutes }, _) => at.plus(i64::from(*minutes) * 60_000),
                (_, Some(times)) => match times.next(at, clock) {
                    Some(next) => next,
                    None if runs.is_empty() => return Err(WireError::field("cron", "cronNever")),
                    None => break,
                },
                (_, None) => break,
            };
            runs.push(at);
        }
        Ok(runs)
    }

    /// By how much a run of the rhythm is put off, in ms: less than `most`.
    fn jitter(&self, instance: InstanceId, at: Timestamp, most: i64) -> i64 {
        let range = (i64::from(self.schedule.jitter_seconds) * 1000).min(most);
        let mut hasher = DefaultHasher::new();
        (instance, at.0 / 3_600_000).hash(&mut hasher);
        (hasher.finish() % 1000) as i64 * range / 1000
    }
}

/// Where the schedule of one instance stands.
#[derive(Debug)]
pub(super) struct Plan {
    instance: InstanceId,
    /// The last look, and until when it meant to wait.
    seen: Moment,
    until: Instant,
    /// The last run; an interval counts from it.
    ran: Moment,
    /// Times of an expression up to here are over.
    over: Timestamp,
    online: bool,
    /// It was online once.
    met: bool,
    /// What asks for a run beside the rhythm, and when; the earliest when several do.
    asked: Option<(Instant, Trigger)>,
    /// In a row.
    failures: u32,
}

/// What is next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Next {
    pub(super) wait: Duration,
    pub(super) trigger: Trigger,
}

impl Plan {
    pub(super) fn new(instance: InstanceId, now: Moment) -> Plan {
        Plan {
            instance,
            seen: now,
            until: now.steady,
            ran: now,
            over: now.wall,
            online: false,
            met: false,
            asked: None,
            failures: 0,
        }
    }

    /// Takes in how late it is and whether the instance answers. To be called at every look.
    pub(super) fn look(&mut self, now: Moment, schedule: &Schedule, online: bool) {
        let slept = self.slept(now);
        self.seen = now;
        if now.wall.0 < self.over.0 - SMALL_STEP {
            self.over = now.wall;
        }
        if online && !self.online {
            let trigger = if self.met { Trigger::Recovered } else { Trigger::AppStart };
            let wanted = match trigger {
                Trigger::AppStart => schedule.on_start,
                _ => schedule.rhythm != Rhythm::Off,
            };
            if wanted {
                self.ask(now.steady, trigger);
            }
            self.met = true;
        }
        self.online = online;
        if slept && schedule.on_wake {
            self.ask(now.steady + SETTLE, Trigger::Wake);
        }
    }

    fn slept(&self, now: Moment) -> bool {
        let passed = now.steady.duration_since(self.seen.steady).as_millis();
        let ahead = i128::from(now.wall.since(self.seen.wall))
            - i128::try_from(passed).unwrap_or(i128::MAX);
        let late = now.steady.saturating_duration_since(self.until);
        ahead > SLACK.as_millis() as i128 || late > SLACK
    }

    /// Something asks for a run at a moment.
    pub(super) fn ask(&mut self, at: Instant, trigger: Trigger) {
        if self.asked.is_none_or(|(other, _)| at < other) {
            self.asked = Some((at, trigger));
        }
    }

    /// What is next by itself; nothing is while the instance does not answer.
    pub(super) fn next(&self, now: Moment, ready: &Ready, clock: &dyn Clock) -> Option<Next> {
        if !self.online {
            return None;
        }
        let asked = self
            .asked
            .map(|(at, trigger)| Next { wait: at.saturating_duration_since(now.steady), trigger });
        [self.rhythm(now, ready, clock), asked].into_iter().flatten().min_by_key(|next| next.wait)
    }

    fn rhythm(&self, now: Moment, ready: &Ready, clock: &dyn Clock) -> Option<Next> {
        let (wait, trigger) = match (&ready.schedule.rhythm, &ready.times) {
            (Rhythm::Every { minutes }, _) => {
                let between = i64::from(*minutes) * 60_000;
                let between = between + ready.jitter(self.instance, self.ran.wall, i64::MAX);
                // The steady clock may stand still while the machine sleeps, and the wall clock
                // may be set back: whichever comes there first.
                let by_wall = self.ran.wall.plus(between).since(now.wall);
                let passed = now.steady.duration_since(self.ran.steady).as_millis();
                let by_steady = between - i64::try_from(passed).unwrap_or(i64::MAX);
                (by_wall.min(by_steady), Trigger::Interval)
            }
            (_, Some(times)) => {
                let at = times.next(self.over, clock)?;
                // Put off into the next one, a run would be left out.
                let most = times.next(at, clock).map_or(i64::MAX, |then| then.since(at) / 2);
                (at.plus(ready.jitter(self.instance, at, most)).since(now.wall), Trigger::Schedule)
            }
            (_, None) => return None,
        };
        Some(Next { wait: Duration::from_millis(wait.max(0).unsigned_abs()), trigger })
    }

    /// It waits until then, if nothing happens.
    pub(super) fn waits(&mut self, until: Instant) {
        self.until = until;
    }

    /// A run ended. One that failed in a way that may pass is tried again, ever more seldom.
    pub(super) fn ran(&mut self, now: Moment, failed: bool, may_pass: bool) {
        self.ran = now;
        self.over = self.over.max(now.wall);
        self.asked = None;
        self.failures = if failed { self.failures + 1 } else { 0 };
        if failed && may_pass && self.failures < MOST_RETRIES {
            let wait = FIRST_RETRY * 2_u32.pow(self.failures - 1);
            self.ask(now.steady + wait.min(LONGEST_RETRY), Trigger::Retry);
        }
    }
}

#[cfg(test)]
#[path = "plan_test.rs"]
mod tests;
