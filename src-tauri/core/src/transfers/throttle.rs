//! How fast bytes may come, shared by every connection and changeable at any time.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

/// Longest time whose worth of bytes may come at once after a rest.
const BURST: Duration = Duration::from_millis(100);

/// A bucket that fills at a rate. Taking more than there is leaves a debt that the next one waits
/// for, so that the mean is kept whatever the sizes of the pieces are.
#[derive(Debug, Default)]
pub struct Throttle {
    state: Mutex<State>,
    changed: Notify,
    taken: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    /// Bytes per second; `None` = as many as come.
    rate: Option<u64>,
    /// Bytes that may be taken; below zero while a debt is paid off.
    there: f64,
    since: Option<Instant>,
}

impl Throttle {
    /// Sets the rate in bytes per second; it holds at once, for those who wait as well.
    pub fn set(&self, rate: Option<u64>) {
        {
            let mut state = self.state();
            if state.rate == rate {
                return;
            }
            state.set(rate, Instant::now());
        }
        self.changed.notify_waiters();
    }

    /// Bytes per second; `None` = as many as come.
    #[must_use]
    pub fn rate(&self) -> Option<u64> {
        self.state().rate
    }

    /// Bytes that were taken so far.
    #[must_use]
    pub fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    /// Takes bytes that have come; returns when the next ones may. Dropping it pays nothing back.
    pub async fn take(&self, bytes: usize) {
        self.taken.fetch_add(bytes as u64, Ordering::Relaxed);
        let mut due = bytes as f64;
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let Some(wait) = self.state().take(std::mem::take(&mut due), Instant::now()) else {
                return;
            };
            tokio::select! {
                () = tokio::time::sleep(wait) => return,
                () = &mut changed => {}
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn set(&mut self, rate: Option<u64>, now: Instant) {
        self.rate = rate;
        self.since = Some(now);
        // A debt made at a high rate must not be paid off at a low one.
        self.there = 0.0;
    }

    fn fill(&mut self, now: Instant) {
        let since = self.since.replace(now).unwrap_or(now);
        if let Some(rate) = self.rate {
            let rate = rate as f64;
            let came = now.saturating_duration_since(since).as_secs_f64() * rate;
            self.there = (self.there + came).min(rate * BURST.as_secs_f64());
        }
    }

    fn take(&mut self, bytes: f64, now: Instant) -> Option<Duration> {
        let rate = self.rate?;
        self.fill(now);
        self.there -= bytes;
        let missing = -self.there;
        (missing > 0.0).then(|| Duration::from_secs_f64(missing / (rate.max(1) as f64)))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    const PIECE: f64 = 16_384.0;

    /// Bytes that four takers get in ten seconds, on a clock of its own: each takes a piece as soon
    /// as the one before let it.
    fn taken(state: &mut State, from: Instant) -> (f64, Instant) {
        let end = from + Duration::from_secs(10);
        let mut due = [from; 4];
        let mut taken = 0.0;
        loop {
            let Some(next) = due.iter_mut().min() else { return (taken, end) };
            if *next >= end {
                return (taken, end);
            }
            taken += PIECE;
            *next += state.take(PIECE, *next).unwrap_or_default();
        }
    }

    // criterion: 8.5
    #[test]
    fn keeps_its_rate_within_five_percent_and_follows_a_change() {
        let mut state = State::default();
        let mut now = Instant::now();
        for rate in [1_000_000_u64, 40_000_000, 5_000_000] {
            state.set(Some(rate), now);
            let (taken, end) = taken(&mut state, now);
            let off = taken / (rate as f64 * 10.0);
            assert!((0.95..=1.05).contains(&off), "{rate}: {off}");
            now = end;
        }
    }

    // criterion: 8.5
    #[tokio::test]
    async fn lets_go_of_those_who_wait_when_it_is_lifted() {
        let throttle = Arc::new(Throttle::default());
        throttle.set(Some(1));
        let waiting = tokio::spawn({
            let throttle = throttle.clone();
            // Eleven days, if nobody lifted it.
            async move { throttle.take(1_000_000).await }
        });
        tokio::task::yield_now().await;
        throttle.set(None);
        waiting.await.expect("it ends");
    }
}
