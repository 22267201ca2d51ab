//! The whole picture for a window, and the facts about this machine in it.

use corral_contract::{
    app::{SnapshotView, Visible, call},
    command::Nothing,
};

use crate::{
    Core, Result, downloads, installs, instances, labels, models, notices, router::Handle,
    signal::Signal, storage, sync, tasks,
};

mod gpus;
mod host;
mod load;

pub(crate) use host::{Host, look_for_gpus};

/// Finished tasks that a snapshot carries.
const RECENT_TASKS: u32 = 50;

/// Starts measuring this machine.
pub(crate) fn start(core: &Core) {
    host::start(core);
}

impl Handle<call::Snapshot> for Core {
    async fn handle(&self, _: Nothing) -> Result<SnapshotView> {
        // The number first: an event in between is then applied twice, which is harmless; taken
        // last, it would be lost.
        let seq = self.bus.seq();
        Ok(SnapshotView {
            seq,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            now: self.now(),
            instances: instances::views(self).await?,
            installs: installs::view(self).await?,
            counts: models::counts(self, None).await?,
            labels: labels::view(self).await?,
            queue: downloads::queue(self).await?,
            tasks: tasks::recent(self, RECENT_TASKS).await?,
            batches: models::batches(self).await?,
            syncs: sync::running(self),
            notices: notices::recent(self).await?,
            settings: self.settings(),
            subsystems: self.supervisor.subsystems(),
            storage: storage::status(self).await?,
            host: self.host.facts(),
            resources: self.resources.view(),
        })
    }
}

impl Handle<call::SetVisible> for Core {
    async fn handle(&self, Visible { visible }: Visible) -> Result<Nothing> {
        self.signals.send(Signal::Visible(visible));
        Ok(Nothing {})
    }
}

/// Memory and graphics cards of this machine as they are now, outside a running core: for
/// `examples/machine.rs`. Blocks while the drivers answer.
#[must_use]
pub fn look_at_machine() -> corral_contract::app::HostFacts {
    host::look()
}
