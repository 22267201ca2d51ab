//! What moved by the hour: counted in memory, added to the table every few seconds, so that the
//! picture of the last days outlives jobs, restarts and kills.

use std::time::Duration;

use corral_contract::{
    Timestamp, WireError,
    downloads::{Hour, HourlyFigures, HoursBack, call},
};

use super::{queue::Queue, store::hours as table};
use crate::{Core, Result, router::Handle};

/// Milliseconds of an hour.
pub(super) const HOUR: i64 = 3_600_000;
/// Hours that are kept: 90 days.
const KEPT: i64 = 90 * 24;
/// Most hours of one answer: 30 days.
const MOST: u32 = 720;

/// What is not in the table yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) bytes: u64,
    pub(super) started: u32,
    pub(super) waited_ms: u64,
    pub(super) done: u32,
    pub(super) failed: u32,
    pub(super) longest: u32,
}

impl Tally {
    /// Bytes came while so many jobs ran or waited.
    pub(super) fn moved(&mut self, bytes: u64, open: usize) {
        self.bytes += bytes;
        self.longest = self.longest.max(u32::try_from(open).unwrap_or(u32::MAX));
    }

    /// A job began its first or a further try; `waited` = for its turn.
    pub(super) fn started(&mut self, waited: Option<Duration>) {
        let Some(waited) = waited else { return };
        self.started += 1;
        self.waited_ms += u64::try_from(waited.as_millis()).unwrap_or(u64::MAX);
    }
}

/// Adds what was counted to the current hour. What cannot be stored is counted on.
pub(super) async fn keep(core: &Core, queue: &mut Queue) {
    if queue.hour == Tally::default() {
        return;
    }
    let hour = core.now().0.div_euclid(HOUR);
    match table::add(&core.db, hour, &queue.hour, hour - KEPT).await {
        Ok(()) => queue.hour = Tally::default(),
        Err(error) => tracing::warn!(%error, "figures of the hour not stored"),
    }
}

impl Handle<call::Hours> for Core {
    async fn handle(&self, HoursBack { hours }: HoursBack) -> Result<HourlyFigures> {
        if !(1..=MOST).contains(&hours) {
            return Err(WireError::field("hours", "outOfRange").with("min", 1).with("max", MOST));
        }
        keep(self, &mut *self.downloads.queue.lock().await).await;
        let last = self.now().0.div_euclid(HOUR);
        let first = last - i64::from(hours) + 1;
        let mut known = table::since(&self.db, first).await?.into_iter().peekable();
        let mut all = Vec::with_capacity(hours as usize);
        for hour in first..=last {
            let tally = known.next_if(|(at, _)| *at == hour).map(|(_, tally)| tally);
            let Tally { bytes, started, waited_ms, done, failed, longest } =
                tally.unwrap_or_default();
            let at = Timestamp(hour * HOUR);
            all.push(Hour { at, bytes, started, waited_ms, done, failed, longest });
        }
        Ok(HourlyFigures { hours: all })
    }
}
