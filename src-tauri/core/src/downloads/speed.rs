//! Speed over a sliding window of monotonic time: the user's clock may jump, this does not.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

/// What counts as "now".
const WINDOW: Duration = Duration::from_secs(5);
/// Samples closer than this are one.
const STEP: Duration = Duration::from_millis(100);
/// A shorter stretch says nothing.
const LEAST: Duration = Duration::from_millis(500);

/// Bytes moved, by time.
#[derive(Debug, Default)]
pub(super) struct Speed {
    /// When, and how many bytes in all until then; oldest first.
    samples: VecDeque<(Instant, u64)>,
}

impl Speed {
    /// `moved` bytes in all were moved until `now`. The first call only marks the beginning.
    pub(super) fn moved(&mut self, now: Instant, moved: u64) {
        match self.samples.len().checked_sub(2).and_then(|index| self.samples.get(index)) {
            Some((before, _)) if now.duration_since(*before) < STEP => {
                if let Some(last) = self.samples.back_mut() {
                    *last = (now, moved);
                }
            }
            _ => self.samples.push_back((now, moved)),
        }
        // One sample from before the window stays, as the window's beginning.
        while self.samples.get(1).is_some_and(|(at, _)| now.duration_since(*at) >= WINDOW) {
            self.samples.pop_front();
        }
    }

    /// Bytes per second; `None` before anything was measured, 0 when it stalls.
    pub(super) fn per_second(&self, now: Instant) -> Option<u64> {
        let (last_at, last) = *self.samples.back()?;
        let begin = now.checked_sub(WINDOW);
        let (at, base) = *self
            .samples
            .iter()
            .rev()
            .find(|(at, _)| begin.is_some_and(|begin| *at <= begin))
            .or(self.samples.front())?;
        if begin.is_some_and(|begin| last_at <= begin) {
            return Some(0);
        }
        let stretch = now.duration_since(at);
        if stretch < LEAST {
            return None;
        }
        Some(((last - base) as f64 / stretch.as_secs_f64()) as u64)
    }

    /// Forgets everything: a pause is not slowness.
    pub(super) fn clear(&mut self) {
        self.samples.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_the_last_five_seconds() {
        let start = Instant::now();
        let at = |ms: u64| start + Duration::from_millis(ms);
        let mut speed = Speed::default();
        assert_eq!(speed.per_second(start), None);
        for step in 0..=100_u64 {
            speed.moved(at(step * 60), step * 600);
        }
        let steady = speed.per_second(at(6000)).expect("measured");
        assert!((9_900..=10_100).contains(&steady), "{steady}");
        for step in 0..=100_u64 {
            speed.moved(at(6000 + step * 60), 60_000 + step * 1200);
        }
        let doubled = speed.per_second(at(12_000)).expect("measured");
        assert!((19_800..=20_200).contains(&doubled), "{doubled}");
        let half = speed.per_second(at(14_500)).expect("measured");
        assert!(half < doubled && half > 0, "{half}");
        assert_eq!(speed.per_second(at(18_000)), Some(0), "a stall is a speed of nothing");
        speed.clear();
        assert_eq!(speed.per_second(at(18_000)), None);
    }
}
