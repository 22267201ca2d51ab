//! Time as the stand-ins see it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, FixedOffset, SecondsFormat, TimeDelta, Utc};

use crate::patience::lock;

/// A clock that either stands still until turned or follows the system with an offset.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Mutex<Reading>>);

#[derive(Debug)]
enum Reading {
    Still(DateTime<Utc>),
    System { ahead: TimeDelta },
}

impl Clock {
    /// A clock standing at `at`; it moves only by [`Clock::advance`].
    pub fn still(at: DateTime<Utc>) -> Self {
        Self(Arc::new(Mutex::new(Reading::Still(at))))
    }

    /// The system clock, for demonstrations and benches.
    pub fn system() -> Self {
        Self(Arc::new(Mutex::new(Reading::System { ahead: TimeDelta::zero() })))
    }

    pub fn now(&self) -> DateTime<Utc> {
        match &*lock(&self.0) {
            Reading::Still(at) => *at,
            Reading::System { ahead } => Utc::now() + *ahead,
        }
    }

    /// Turns the clock forward.
    pub fn advance(&self, by: Duration) {
        let by = TimeDelta::from_std(by).unwrap_or(TimeDelta::MAX);
        match &mut *lock(&self.0) {
            Reading::Still(at) => *at = at.checked_add_signed(by).unwrap_or(*at),
            Reading::System { ahead } => *ahead = ahead.checked_add(&by).unwrap_or(*ahead),
        }
    }
}

impl Default for Clock {
    /// A still clock at noon of a fixed day, so that outputs repeat.
    fn default() -> Self {
        Self::still(DateTime::from_timestamp(1_795_434_519, 137_409_058).unwrap_or_default())
    }
}

/// Go's `RFC3339Nano`: up to nine decimals with trailing zeros trimmed, `Z` for offset zero.
pub fn go_time(at: DateTime<Utc>, offset: FixedOffset) -> String {
    let text = at.with_timezone(&offset).to_rfc3339_opts(SecondsFormat::Nanos, true);
    let Some((seconds, rest)) = text.split_once('.') else { return text };
    let digits = rest.len().min(9);
    let (fraction, zone) = rest.split_at(digits);
    match fraction.trim_end_matches('0') {
        "" => format!("{seconds}{zone}"),
        fraction => format!("{seconds}.{fraction}{zone}"),
    }
}
