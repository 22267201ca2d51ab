//! What was written and not made yet, kept over closing the dialog and the window.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::preferences::Preferences;

const KEY: &str = "models-drafts";
/// A text above this is not kept, in bytes.
const LONGEST: usize = 256 << 10;
/// Drafts that are kept.
const MOST: usize = 8;

/// One draft.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Draft {
    pub(super) name: String,
    pub(super) text: String,
    pub(super) base: String,
}

/// The draft of a model's Modelfile; the empty name stands for a new one.
pub(super) fn load(preferences: Preferences, of: &str) -> Option<Draft> {
    preferences.get::<BTreeMap<String, Draft>>(KEY)?.remove(of)
}

/// Keeps a draft, or forgets it.
pub(super) fn keep(preferences: Preferences, of: &str, draft: Option<Draft>) {
    let mut all = preferences.get::<BTreeMap<String, Draft>>(KEY).unwrap_or_default();
    match draft.filter(|draft| draft.text.len() <= LONGEST) {
        Some(draft) => drop(all.insert(of.to_owned(), draft)),
        None => drop(all.remove(of)),
    }
    while all.len() > MOST {
        let Some(other) = all.keys().find(|key| *key != of).cloned() else { break };
        all.remove(&other);
    }
    preferences.set(KEY, &all);
}
