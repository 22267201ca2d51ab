//! Why a model changed its state, in words.

use corral_contract::{models::HistoryEntry, status::Cause};

use crate::words::Words;

/// The cause and what is noted beside it; a cause that names its note leaves nothing beside.
#[must_use]
pub fn in_words(words: Words, entry: &HistoryEntry) -> (String, String) {
    if entry.cause == Cause::Evicted && !entry.note.is_empty() {
        return (words.fill("cause.evictedBy", &[("name", &entry.note)]), String::new());
    }
    (words.get(&format!("cause.{}", entry.cause.as_str())), entry.note.clone())
}
