//! Test prompts: the last one of each model.

use std::collections::HashMap;

use corral_contract::{ModelId, event::AppEvent, running::Trial};

/// The last test prompt of each model, as far as it is known.
#[derive(Debug, Clone, Default)]
pub struct Trials(HashMap<ModelId, Trial>);

impl Trials {
    /// The last one of a model.
    #[must_use]
    pub fn of(&self, model: ModelId) -> Option<&Trial> {
        self.0.get(&model)
    }

    /// Applies an event; whether it changed anything.
    pub fn apply(&mut self, event: &AppEvent) -> bool {
        match event {
            AppEvent::Trial(trial) => {
                self.0.insert(trial.model, (**trial).clone());
                true
            }
            AppEvent::ModelsRemoved(ids) => {
                let before = self.0.len();
                self.0.retain(|model, _| !ids.contains(model));
                self.0.len() != before
            }
            _ => false,
        }
    }
}
