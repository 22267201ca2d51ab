//! Not one notification per failed download of fifty: the first is told at once, what follows soon
//! after is told together.

use std::time::Duration;

use corral_contract::app::Notice;
use tokio::time::Instant;

/// Least time between two notifications.
pub const PAUSE: Duration = Duration::from_secs(10);

/// Most notices kept while waiting; above it the oldest are only counted in the window.
pub const MOST: usize = 100;

/// Holds notices back while the last notification is fresh.
#[derive(Debug, Default)]
pub struct Group {
    quiet_until: Option<Instant>,
    waiting: Vec<Notice>,
}

impl Group {
    /// Takes a notice; answers what to show now, if anything.
    pub fn add(&mut self, notice: Notice, now: Instant) -> Vec<Notice> {
        if self.waiting.len() == MOST {
            self.waiting.remove(0);
        }
        self.waiting.push(notice);
        self.ripe(now)
    }

    /// When [`Group::ripe`] has something to show; `None` when nothing waits.
    #[must_use]
    pub fn due(&self) -> Option<Instant> {
        if self.waiting.is_empty() { None } else { self.quiet_until }
    }

    /// What to show now: all that waits, or nothing while the last notification is fresh.
    pub fn ripe(&mut self, now: Instant) -> Vec<Notice> {
        if self.waiting.is_empty() || self.quiet_until.is_some_and(|until| now < until) {
            return Vec::new();
        }
        self.quiet_until = Some(now + PAUSE);
        std::mem::take(&mut self.waiting)
    }
}
