//! The first picture comes first: what the core does in the background waits for it.

use std::time::Duration;

use tokio::sync::watch;

/// A page that has not painted by then is broken or on a very slow machine; work begins all the
/// same.
const LIMIT: Duration = Duration::from_secs(3);

/// Whether the page has painted what it begins with.
pub struct Painted(watch::Sender<bool>);

impl Default for Painted {
    fn default() -> Self {
        Painted(watch::channel(false).0)
    }
}

impl Painted {
    /// It has, or nobody looks.
    pub fn tell(&self) {
        self.0.send_replace(true);
    }

    /// Waits for it, three seconds at most. Safe to cancel.
    pub async fn wait(&self) {
        let mut painted = self.0.subscribe();
        // Too late is as good as told, and the sender cannot be gone: it is this very value.
        let _ = tokio::time::timeout(LIMIT, painted.wait_for(|painted| *painted)).await;
    }
}
