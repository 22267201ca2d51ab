//! What was asked for and shows at once, before the core's event says it too.

use std::collections::HashMap;

use corral_contract::{
    ModelId,
    event::AppEvent,
    status::{Action, Status},
};

/// The action under way per model.
#[derive(Debug, Clone, Default)]
pub struct Pending {
    actions: HashMap<ModelId, Action>,
}

impl Pending {
    /// Shows `action` as begun.
    pub fn begin(&mut self, id: ModelId, action: Action) {
        self.actions.insert(id, action);
    }

    /// The action failed, or nothing was heard for too long.
    pub fn end(&mut self, id: ModelId) -> bool {
        self.actions.remove(&id).is_some()
    }

    /// A snapshot tells the truth about everything.
    pub fn clear(&mut self) {
        self.actions.clear();
    }

    /// An event about a model ends what was assumed about it; whether anything changed.
    pub fn apply(&mut self, event: &AppEvent) -> bool {
        if self.actions.is_empty() {
            return false;
        }
        let before = self.actions.len();
        match event {
            AppEvent::Models(rows) => {
                for row in rows {
                    self.actions.remove(&row.id);
                }
            }
            AppEvent::ModelsRemoved(ids) => {
                for id in ids {
                    self.actions.remove(id);
                }
            }
            AppEvent::ModelsReload(_) => self.actions.clear(),
            _ => {}
        }
        self.actions.len() != before
    }

    /// The action under way on a model.
    #[must_use]
    pub fn of(&self, id: ModelId) -> Option<Action> {
        self.actions.get(&id).copied()
    }

    /// The status that shows while `action` is under way on a model in `status`.
    #[must_use]
    pub fn assumed(action: Option<Action>, status: Status) -> Status {
        match action {
            Some(Action::Start) => Status::Starting,
            Some(Action::Close) => Status::Stopping,
            Some(Action::Pause) => Status::Paused,
            Some(Action::Resume) if status == Status::Crashed => Status::Starting,
            Some(Action::Resume | Action::Recreate) => Status::Queued,
            Some(Action::Cancel | Action::Delete) | None => status,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // criterion: 12.6
    #[test]
    fn shows_at_once_and_ends_with_the_event() {
        let mut pending = Pending::default();
        pending.begin(ModelId(1), Action::Start);
        let action = pending.of(ModelId(1));
        assert_eq!(Pending::assumed(action, Status::Stopped), Status::Starting);
        assert!(!pending.apply(&AppEvent::ModelsRemoved(vec![ModelId(2)])));
        assert!(pending.apply(&AppEvent::ModelsRemoved(vec![ModelId(1)])));
        assert_eq!(pending.of(ModelId(1)), None);
        assert_eq!(Pending::assumed(None, Status::Stopped), Status::Stopped);
    }
}
