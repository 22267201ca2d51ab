//! Time, passed in so that tests move it themselves.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use chrono::{Offset, TimeZone};
use corral_contract::Timestamp;

/// Wall-clock time for everything that is stored or shown. Waiting is done with tokio's timers,
/// which a test pauses on its own.
pub trait Clock: Send + Sync + 'static {
    /// Now, in UTC. May go backwards when the user sets the clock.
    fn now(&self) -> Timestamp;

    /// Seconds by which local time is ahead of UTC at a moment. Follows the machine's zone, also
    /// when that is changed while Corral runs.
    fn offset(&self, at: Timestamp) -> i32 {
        let local = chrono::Local.timestamp_millis_opt(at.0).single();
        local.map_or(0, |local| local.offset().fix().local_minus_utc())
    }
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp(chrono::Utc::now().timestamp_millis())
    }
}

/// A clock that stands still until it is moved; for tests.
#[derive(Debug, Clone)]
pub struct ManualClock {
    now: Arc<AtomicI64>,
    zone: fn(Timestamp) -> i32,
}

impl ManualClock {
    /// Starts at `now`, in UTC.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        ManualClock { now: Arc::new(AtomicI64::new(now.0)), zone: |_| 0 }
    }

    /// The same clock in a zone, told as [`Clock::offset`].
    #[must_use]
    pub fn in_zone(self, zone: fn(Timestamp) -> i32) -> Self {
        ManualClock { zone, ..self }
    }

    /// Moves by `milliseconds`, which may be negative.
    pub fn advance(&self, milliseconds: i64) {
        self.now.fetch_add(milliseconds, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.now.load(Ordering::SeqCst))
    }

    fn offset(&self, at: Timestamp) -> i32 {
        (self.zone)(at)
    }
}
