//! Events to windows, tray and notifications: one order, one number each.

use std::sync::{Arc, Mutex, PoisonError};

use corral_contract::event::{AppEvent, Envelope};
use tokio::sync::broadcast;

/// Events kept for a slow listener before it is told to take a new snapshot.
const DEPTH: usize = 1024;

/// Sends each event to every listener, numbered without gaps.
#[derive(Clone)]
pub struct Bus(Arc<Inner>);

struct Inner {
    // Number and send happen under one lock: otherwise two senders could hand out 7 and 8 and
    // send them as 8, 7.
    last: Mutex<u64>,
    sender: broadcast::Sender<Arc<Envelope>>,
}

impl Default for Bus {
    fn default() -> Self {
        Bus(Arc::new(Inner { last: Mutex::new(0), sender: broadcast::channel(DEPTH).0 }))
    }
}

impl Bus {
    /// Tells everybody.
    pub fn send(&self, event: AppEvent) {
        let mut last = self.0.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last += 1;
        // The only error is "nobody listens".
        let _ = self.0.sender.send(Arc::new(Envelope { seq: *last, event }));
    }

    /// Number of the last event.
    #[must_use]
    pub fn seq(&self) -> u64 {
        *self.0.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on.
    #[must_use]
    pub fn listen(&self) -> Listener {
        Listener(self.0.sender.subscribe())
    }
}

/// One receiver of events.
pub struct Listener(broadcast::Receiver<Arc<Envelope>>);

impl Listener {
    /// The next event; [`AppEvent::Resync`] after falling behind, `None` when the core is gone.
    /// Safe to cancel.
    pub async fn next(&mut self) -> Option<Arc<Envelope>> {
        match self.0.recv().await {
            Ok(envelope) => Some(envelope),
            Err(broadcast::error::RecvError::Lagged(_)) => {
                Some(Arc::new(Envelope { seq: 0, event: AppEvent::Resync }))
            }
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}
