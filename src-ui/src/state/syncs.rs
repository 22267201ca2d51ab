//! Running syncs and the last report of each instance.

use std::collections::BTreeMap;

use corral_contract::{
    InstanceId,
    app::SnapshotView,
    event::AppEvent,
    sync::{SyncProgress, SyncReport},
};

/// Per instance.
#[derive(Debug, Clone, Default)]
pub struct Syncs {
    running: BTreeMap<InstanceId, SyncProgress>,
    reports: BTreeMap<InstanceId, SyncReport>,
}

impl Syncs {
    /// Replaces what runs; reports stay.
    pub fn load(&mut self, snapshot: &SnapshotView) {
        self.running = snapshot
            .syncs
            .iter()
            .filter(|sync| sync.running)
            .map(|sync| (sync.instance, *sync))
            .collect();
    }

    /// Applies an event; whether anything changed.
    pub fn apply(&mut self, event: &AppEvent) -> bool {
        match event {
            AppEvent::Sync(sync) if sync.running => {
                self.running.insert(sync.instance, *sync);
            }
            AppEvent::Sync(sync) => {
                self.running.remove(&sync.instance);
            }
            AppEvent::SyncDone(report) => {
                self.running.remove(&report.instance);
                self.reports.insert(report.instance, report.clone());
            }
            AppEvent::InstanceRemoved(id) => {
                self.running.remove(id);
                self.reports.remove(id);
            }
            _ => return false,
        }
        true
    }

    /// The running sync of an instance.
    #[must_use]
    pub fn running(&self, id: InstanceId) -> Option<SyncProgress> {
        self.running.get(&id).copied()
    }

    /// Whether any instance is being synced.
    #[must_use]
    pub fn any_running(&self) -> bool {
        !self.running.is_empty()
    }

    /// The last report seen by this window.
    #[must_use]
    pub fn report(&self, id: InstanceId) -> Option<&SyncReport> {
        self.reports.get(&id)
    }
}
