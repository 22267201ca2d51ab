//! The core opens its database while the window already paints; whoever is faster waits here.

use std::time::Duration;

use corral_contract::{ErrorCode, WireError};
use corral_core::{Core, Result};
use tokio::sync::watch;

/// A core that is not there by then will not come.
const LIMIT: Duration = Duration::from_secs(120);

/// The core once it runs, or why it does not.
pub struct Ready(watch::Sender<Option<Result<Core>>>);

impl Default for Ready {
    fn default() -> Self {
        Ready(watch::channel(None).0)
    }
}

impl Ready {
    /// Tells everybody who waits. The first call counts.
    pub fn settle(&self, core: Result<Core>) {
        self.0.send_if_modified(|state| {
            let first = state.is_none();
            if first {
                *state = Some(core);
            }
            first
        });
    }

    /// The core if it runs already.
    #[must_use]
    pub fn now(&self) -> Option<Core> {
        self.0.borrow().as_ref()?.as_ref().ok().cloned()
    }

    /// Waits for the core, two minutes at most. Safe to cancel.
    ///
    /// # Errors
    /// Why the core did not start; `TIMED_OUT`.
    pub async fn core(&self) -> Result<Core> {
        let mut state = self.0.subscribe();
        let settled =
            async { state.wait_for(Option::is_some).await.ok().and_then(|core| core.clone()) };
        match tokio::time::timeout(LIMIT, settled).await {
            Ok(Some(core)) => core,
            // The sender is this very value, so that it cannot be gone.
            Ok(None) => Err(WireError::new(ErrorCode::ShuttingDown)),
            Err(_) => Err(WireError::new(ErrorCode::TimedOut)),
        }
    }
}
