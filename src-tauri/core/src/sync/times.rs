//! Times that a cron expression names, by the machine's own clock and zone.

use chrono::{DateTime, Utc};
use corral_contract::{Timestamp, WireError};
use croner::{
    Cron,
    parser::{CronParser, Seconds, Year},
};

use crate::{Result, clock::Clock};

/// Longest expression, in characters.
const LONGEST: usize = 200;
/// Fields of an expression.
const FIELDS: usize = 5;
/// A change of the clocks is looked for so long before a time that comes twice, in ms.
const LOOK_BACK: i64 = 24 * 3_600_000;
/// Times and changes of the clocks looked at before none counts as found.
const MOST_STEPS: usize = 10_000;

/// A parsed expression.
#[derive(Debug, Clone)]
pub(super) struct Times {
    cron: Cron,
    /// It names every hour, so that an hour that comes twice counts twice, and one that is skipped
    /// is not made up for.
    every_hour: bool,
}

impl Times {
    /// Reads minute, hour, day of the month, month and day of the week.
    ///
    /// # Errors
    /// `INVALID_INPUT` for the field `cron`, with the `position` (from 1) and the text of the part
    /// that cannot be read.
    pub(super) fn parse(text: &str) -> Result<Times> {
        if text.trim().is_empty() {
            return Err(WireError::field("cron", "empty"));
        }
        if text.chars().count() > LONGEST {
            return Err(WireError::field("cron", "tooLong"));
        }
        let parts: Vec<&str> = text.split_whitespace().collect();
        if parts.len() != FIELDS {
            return Err(WireError::field("cron", "cronParts").with("count", parts.len()));
        }
        for (place, part) in parts.iter().enumerate() {
            // Read alone, so that the one that is wrong can be named.
            let mut alone = ["*"; FIELDS];
            alone[place] = part;
            if let Err(reason) = parser().parse(&alone.join(" ")) {
                return Err(WireError::field("cron", "cronPart")
                    .with("position", place + 1)
                    .with("part", part)
                    .detail(reason.to_string()));
            }
        }
        let cron = parser()
            .parse(&parts.join(" "))
            .map_err(|reason| WireError::field("cron", "malformed").detail(reason.to_string()))?;
        Ok(Times { cron, every_hour: parts[1].starts_with('*') })
    }

    /// The first time after a moment; `None` when there is none in the years to come.
    ///
    /// Between two changes of the clocks, local time runs like any other and the expression is
    /// asked as it stands. At a change, what was skipped is due now, and what comes a second time
    /// is left out; for expressions that name every hour it is the other way round.
    pub(super) fn next(&self, after: Timestamp, clock: &dyn Clock) -> Option<Timestamp> {
        let (mut from, mut inclusive) = (after, false);
        for _ in 0..MOST_STEPS {
            let offset = offset(clock, from);
            let found = self.local(Timestamp(from.0 + offset), inclusive)?;
            let at = Timestamp(found.0 - offset);
            if self::offset(clock, at) != offset {
                let change = change(clock, from, at);
                let skipped = found.0 < change.0 + self::offset(clock, change);
                if skipped && !self.every_hour {
                    return Some(change);
                }
                (from, inclusive) = (change, true);
            } else if !self.every_hour && came_before(clock, found, offset) {
                (from, inclusive) = (at, false);
            } else {
                return Some(at);
            }
        }
        None
    }

    /// The next time in a zone without changes.
    fn local(&self, from: Timestamp, inclusive: bool) -> Option<Timestamp> {
        let from: DateTime<Utc> = DateTime::from_timestamp_millis(from.0)?;
        let found = self.cron.find_next_occurrence(&from, inclusive).ok()?;
        Some(Timestamp(found.timestamp_millis()))
    }
}

fn parser() -> CronParser {
    CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build()
}

/// In ms.
fn offset(clock: &dyn Clock, at: Timestamp) -> i64 {
    i64::from(clock.offset(at)) * 1000
}

/// The first moment after `from` with another offset; there is one at `until`.
fn change(clock: &dyn Clock, from: Timestamp, until: Timestamp) -> Timestamp {
    let before = offset(clock, from);
    let (mut low, mut high) = (from.0, until.0);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if offset(clock, Timestamp(middle)) == before {
            low = middle;
        } else {
            high = middle;
        }
    }
    Timestamp(high)
}

/// Whether a local time was there already, before the clocks were set back.
fn came_before(clock: &dyn Clock, local: Timestamp, now: i64) -> bool {
    let before = offset(clock, Timestamp(local.0 - now - LOOK_BACK));
    before > now && offset(clock, Timestamp(local.0 - before)) == before
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDateTime;

    use super::*;
    use crate::clock::ManualClock;

    const HOUR: i32 = 3600;

    /// The rules of New York for 2026.
    fn new_york(at: Timestamp) -> i32 {
        let summer = utc("2026-03-08 07:00").0..utc("2026-11-01 06:00").0;
        if summer.contains(&at.0) { -4 * HOUR } else { -5 * HOUR }
    }

    fn utc(text: &str) -> Timestamp {
        let time = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").expect("a time");
        Timestamp(time.and_utc().timestamp_millis())
    }

    fn shown(at: Timestamp, zone: fn(Timestamp) -> i32) -> String {
        let local = at.0 + i64::from(zone(at)) * 1000;
        let local = DateTime::from_timestamp_millis(local).expect("in range");
        local.format("%m-%d %H:%M").to_string()
    }

    /// The next local times after a moment in UTC.
    fn next(expression: &str, after: &str, zone: fn(Timestamp) -> i32) -> Vec<String> {
        let times = Times::parse(expression).expect("an expression");
        let clock = ManualClock::at(utc(after)).in_zone(zone);
        let mut at = utc(after);
        let mut found = Vec::new();
        for _ in 0..3 {
            at = times.next(at, &clock).expect("there is a next one");
            found.push(shown(at, zone));
        }
        found
    }

    #[test]
    fn names_the_part_that_is_wrong() {
        let refused = |text: &str| Times::parse(text).expect_err("it is refused").params;
        let wrong = refused("0 25 * * *");
        assert_eq!(wrong["reason"], "cronPart");
        assert_eq!((wrong["position"].as_str(), wrong["part"].as_str()), ("2", "25"));
        assert_eq!(refused("61 * * * *")["position"], "1");
        assert_eq!(refused("0 3 * * mo")["position"], "5");
        assert_eq!(refused("0 3 * *")["count"], "4");
        assert_eq!(refused("0 0 3 * * *")["reason"], "cronParts");
        assert_eq!(refused("  ")["reason"], "empty");
        assert_eq!(refused(&"1,".repeat(200))["reason"], "tooLong");
    }

    #[test]
    fn times_are_those_of_the_zone() {
        let shanghai = |_| 8 * HOUR;
        let daily = next("0 3 * * *", "2026-11-27 00:00", shanghai);
        assert_eq!(daily, ["11-28 03:00", "11-29 03:00", "11-30 03:00"]);
        let kathmandu = |_| 5 * HOUR + 45 * 60;
        assert_eq!(next("30 9 * * 1-5", "2026-11-27 06:00", kathmandu)[0], "11-30 09:30");
    }

    #[test]
    fn a_time_that_the_clocks_skip_is_due_when_they_have() {
        let found = next("30 2 * * *", "2026-03-07 12:00", new_york);
        assert_eq!(found, ["03-08 03:00", "03-09 02:30", "03-10 02:30"]);
        let found = next("*/20 * * * *", "2026-03-08 06:30", new_york);
        assert_eq!(found, ["03-08 01:40", "03-08 03:00", "03-08 03:20"]);
    }

    #[test]
    fn a_time_that_comes_twice_is_due_once_unless_every_hour_is() {
        let found = next("30 1 * * *", "2026-11-01 04:00", new_york);
        assert_eq!(found, ["11-01 01:30", "11-02 01:30", "11-03 01:30"]);
        // Asked for in the second of the two hours.
        assert_eq!(next("30 1 * * *", "2026-11-01 06:10", new_york)[0], "11-02 01:30");
        let found = next("30 * * * *", "2026-11-01 05:00", new_york);
        assert_eq!(found, ["11-01 01:30", "11-01 01:30", "11-01 02:30"]);
    }

    #[test]
    fn a_time_that_never_comes_is_none() {
        let times = Times::parse("0 0 31 2 *").expect("it reads well");
        assert_eq!(
            times.next(utc("2026-11-27 00:00"), &ManualClock::at(utc("2026-11-27 00:00"))),
            None
        );
    }
}
