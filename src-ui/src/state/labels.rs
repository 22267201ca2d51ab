//! Tags in use, favourites and saved views.

use corral_contract::{app::SnapshotView, event::AppEvent, labels::LabelsView};

/// What the list can be filtered by.
#[derive(Debug, Clone, Default)]
pub struct Labels {
    pub view: LabelsView,
}

impl Labels {
    /// Replaces all.
    pub fn load(&mut self, snapshot: &SnapshotView) {
        self.view.clone_from(&snapshot.labels);
    }

    /// Applies an event; whether it changed anything.
    pub fn apply(&mut self, event: &AppEvent) -> bool {
        match event {
            AppEvent::Labels(view) => {
                self.view.clone_from(view);
                true
            }
            _ => false,
        }
    }
}
