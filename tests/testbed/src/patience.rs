//! Waiting for a condition with a generous deadline, instead of sleeping.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Result, bail};
use tokio::sync::watch;

/// How long any wait of the test bed may take before the test fails with what it waited for.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// Takes a lock; a test that panicked while holding it does not hide the next failure.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Counts changes, so that waiting tasks look again only when something happened.
#[derive(Debug)]
pub(crate) struct Changes(watch::Sender<u64>);

impl Default for Changes {
    fn default() -> Self {
        Self(watch::Sender::new(0))
    }
}

impl Changes {
    pub(crate) fn note(&self) {
        self.0.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Waits until `condition` holds, looking again after every noted change.
    ///
    /// # Errors
    /// After [`DEADLINE`], naming `what` was waited for.
    pub(crate) async fn until(&self, what: &str, condition: impl Fn() -> bool) -> Result<()> {
        let mut seen = self.0.subscribe();
        let wait = seen.wait_for(|_| condition());
        match tokio::time::timeout(DEADLINE, wait).await {
            Ok(Ok(_)) => Ok(()),
            _ => bail!("waited in vain for: {what}"),
        }
    }
}
