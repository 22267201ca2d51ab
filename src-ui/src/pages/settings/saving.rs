use corral_contract::{
    WireError,
    settings::{Settings, call},
};
use leptos::prelude::*;

use crate::{
    pages::sending::Sending,
    state::{Stores, use_stores},
};

/// Saves one change at a time and remembers what was before it.
#[derive(Clone, Copy)]
pub(in crate::pages) struct Saving {
    sending: Sending,
    stores: Stores,
    before: RwSignal<Option<Settings>>,
    /// What the core refused, for the field it names.
    pub(super) refused: RwSignal<Option<WireError>>,
}

impl Saving {
    pub(in crate::pages) fn new() -> Saving {
        Saving {
            sending: Sending::here(),
            stores: use_stores(),
            before: RwSignal::new(None),
            refused: RwSignal::new(None),
        }
    }

    /// The settings as the core has them, followed.
    pub(in crate::pages) fn read<T>(self, read: impl FnOnce(&Settings) -> T) -> T {
        self.stores.system.with(|system| read(&system.settings))
    }

    /// Saves the settings with one change.
    pub(in crate::pages) fn save(self, change: impl FnOnce(&mut Settings)) {
        let before = untrack(|| self.read(Settings::clone));
        let mut after = before.clone();
        change(&mut after);
        if after != before {
            self.replace(after, Some(before));
        }
    }

    /// Whether there is a change to take back.
    pub(super) fn can_undo(self) -> bool {
        self.before.with(Option::is_some)
    }

    /// Takes the last change back.
    pub(super) fn undo(self) {
        if let Some(before) = self.before.get_untracked() {
            self.replace(before, None);
        }
    }

    fn replace(self, after: Settings, before: Option<Settings>) {
        self.refused.set(None);
        self.sending.ask::<call::Update>("settings", after, move |answer| match answer {
            Ok(settings) => {
                // The event says the same; the reply may be here first.
                self.stores.system.update(|system| system.settings = settings);
                self.before.set(before);
            }
            Err(problem) if problem.params.contains_key("field") => {
                self.refused.set(Some(problem));
            }
            Err(problem) => self.sending.failed(problem),
        });
    }
}
