//! Which instance the pages show.

use corral_contract::{InstanceId, instances::InstanceView};
use leptos::prelude::*;

use crate::{preferences::Preferences, state::Stores};

/// The instance whose models show, kept over restarts.
#[derive(Clone, Copy)]
pub struct Scope {
    /// `None` = all instances.
    pub chosen: Signal<Option<InstanceId>>,
    /// Where new downloads go: the chosen one, or the first.
    pub target: Signal<Option<InstanceId>>,
    stores: Stores,
    preferences: Preferences,
}

impl Scope {
    /// Follows the preference as long as its instance exists.
    pub fn provide(stores: Stores, preferences: Preferences) {
        let chosen = Memo::new(move |_| {
            let kept = preferences.get::<i64>("instance").map(InstanceId);
            stores.instances.with(|instances| match (instances.all(), kept) {
                ([only], _) => Some(only.id),
                (_, Some(kept)) if instances.get(kept).is_some() => Some(kept),
                _ => None,
            })
        });
        let target = Memo::new(move |_| {
            let first =
                || stores.instances.with(|instances| instances.all().first().map(|each| each.id));
            chosen.get().or_else(first)
        });
        provide_context(Scope {
            chosen: chosen.into(),
            target: target.into(),
            stores,
            preferences,
        });
    }

    /// Shows one instance, or all.
    pub fn choose(self, id: Option<InstanceId>) {
        self.preferences.set("instance", &id.map(|id| id.0));
    }

    /// What is known about the chosen instance.
    #[must_use]
    pub fn view(self) -> Option<InstanceView> {
        let id = self.chosen.get()?;
        self.stores.instances.with(|instances| instances.get(id).cloned())
    }
}

/// Which instance the pages show.
#[must_use]
pub fn use_scope() -> Scope {
    expect_context()
}
