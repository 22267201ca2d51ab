//! How often the files of each instance changed: a look older than that is out of date.

use std::collections::HashMap;

use corral_contract::{InstanceId, event::AppEvent};

/// Changes of disks since the window opened.
#[derive(Debug, Clone, Default)]
pub struct Disks(HashMap<InstanceId, u64>);

impl Disks {
    /// Applies an event; whether anything changed.
    pub fn apply(&mut self, event: &AppEvent) -> bool {
        match event {
            AppEvent::DiskChanged(instance) => *self.0.entry(*instance).or_default() += 1,
            _ => return false,
        }
        true
    }

    /// What was missed is not known: every look is out of date.
    pub fn load(&mut self) {
        self.0.values_mut().for_each(|changes| *changes += 1);
    }

    /// Rises whenever the files of an instance changed.
    #[must_use]
    pub fn changes(&self, instance: InstanceId) -> u64 {
        self.0.get(&instance).copied().unwrap_or(0)
    }
}
