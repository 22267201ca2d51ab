//! What one domain tells the others inside the core. Windows listen to the [`crate::bus`] instead.

use corral_contract::{InstanceId, JobId, ModelId};
use tokio::sync::broadcast;

/// Something that other domains react to. Losing one is harmless: each listener also looks at the
/// state itself from time to time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// A new instance is known; start its poller.
    InstanceAdded(InstanceId),
    /// Address or headers changed.
    InstanceChanged(InstanceId),
    InstanceRemoved(InstanceId),
    /// The server that Corral runs ended and nobody had asked for it; `installs` knows how.
    ServerExited(InstanceId),
    /// The API answers again, or for the first time.
    InstanceUp(InstanceId),
    InstanceDown(InstanceId),
    /// A download ended well; the server lists the model.
    JobDone {
        job: JobId,
        model: ModelId,
        instance: InstanceId,
    },
    /// An operation of ours changed what the server has or runs.
    Operated(InstanceId),
    SettingsChanged,
    /// The schedule of its syncs is another one now.
    Scheduled(InstanceId),
    /// The user stopped the server: it is not missed.
    StoppedByUser(InstanceId),
    /// The user started it.
    StartedByUser(InstanceId),
    /// The window shows (`true`) or not.
    Visible(bool),
}

/// Sends [`Signal`]s to every domain that listens.
#[derive(Debug, Clone)]
pub struct Signals(broadcast::Sender<Signal>);

impl Default for Signals {
    fn default() -> Self {
        Signals(broadcast::channel(256).0)
    }
}

impl Signals {
    /// Tells all listeners; nobody listening is fine.
    pub fn send(&self, signal: Signal) {
        // The only error is "no receiver".
        let _ = self.0.send(signal);
    }

    /// From now on.
    #[must_use]
    pub fn listen(&self) -> broadcast::Receiver<Signal> {
        self.0.subscribe()
    }
}
