//! The known servers.

use corral_contract::{
    InstanceId,
    app::SnapshotView,
    event::AppEvent,
    instances::{ApiState, InstanceView},
};

/// All instances in the order they were added.
#[derive(Debug, Clone, Default)]
pub struct Instances {
    items: Vec<InstanceView>,
}

impl Instances {
    /// Replaces all.
    pub fn load(&mut self, snapshot: &SnapshotView) {
        self.items.clone_from(&snapshot.instances);
    }

    /// Applies an event; whether anything changed.
    pub fn apply(&mut self, event: &AppEvent) -> bool {
        match event {
            AppEvent::Instance(view) => {
                match self.items.iter_mut().find(|each| each.id == view.id) {
                    Some(each) if *each == **view => return false,
                    Some(each) => *each = (**view).clone(),
                    None => self.items.push((**view).clone()),
                }
                true
            }
            AppEvent::InstanceRemoved(id) => {
                let before = self.items.len();
                self.items.retain(|each| each.id != *id);
                self.items.len() != before
            }
            _ => false,
        }
    }

    /// All of them.
    #[must_use]
    pub fn all(&self) -> &[InstanceView] {
        &self.items
    }

    /// One of them.
    #[must_use]
    pub fn get(&self, id: InstanceId) -> Option<&InstanceView> {
        self.items.iter().find(|each| each.id == id)
    }

    /// Those whose API does not answer.
    pub fn offline(&self) -> impl Iterator<Item = &InstanceView> {
        self.items.iter().filter(|each| each.api.state == ApiState::Down)
    }
}
