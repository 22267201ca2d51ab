//! How many bytes moved in the last hour, by monotonic time.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

const HOUR: Duration = Duration::from_secs(3600);
const SLICE: Duration = Duration::from_secs(60);

/// Bytes per minute, oldest first.
#[derive(Debug, Default)]
pub(super) struct Traffic(VecDeque<(Instant, u64)>);

impl Traffic {
    pub(super) fn add(&mut self, now: Instant, bytes: u64) {
        match self.0.back_mut() {
            Some((since, sum)) if now.duration_since(*since) < SLICE => *sum += bytes,
            _ => self.0.push_back((now, bytes)),
        }
        while self.0.front().is_some_and(|(since, _)| now.duration_since(*since) > HOUR) {
            self.0.pop_front();
        }
    }

    pub(super) fn last_hour(&self, now: Instant) -> u64 {
        let recent = |(since, _): &&(Instant, u64)| now.duration_since(*since) <= HOUR;
        self.0.iter().filter(recent).map(|(_, bytes)| bytes).sum()
    }
}
