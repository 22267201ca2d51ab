//! How the model came to be in its state.

use std::sync::Arc;

use corral_contract::models::{HistoryEntry, ModelDetail};
use leptos::prelude::*;

use crate::{
    components::EmptyState,
    format,
    pages::cause,
    words::{Words, use_words},
};

/// Changes of state with their causes, newest first.
#[component]
pub(super) fn History(detail: Arc<ModelDetail>) -> impl IntoView {
    let words = use_words();
    if detail.history.is_empty() {
        return view! {
            <EmptyState icon=icondata::LuHistory title=words.signal("detail.noHistory") />
        }
        .into_any();
    }
    view! {
        <section class="detail__section">
            <div>
                {detail
                    .history
                    .iter()
                    .cloned()
                    .map(|entry| view! { <Moment words entry /> })
                    .collect_view()}
            </div>
        </section>
    }
    .into_any()
}

#[component]
fn Moment(words: Words, entry: HistoryEntry) -> impl IntoView {
    let HistoryEntry { from, to, at, .. } = entry;
    let (_, note) = untrack(|| cause::in_words(words, &entry));
    let status = move |word: &str| words.get(&format!("status.{word}"));
    view! {
        <div class="detail__moment">
            <span class="num dim">{format::moment(at)}</span>
            <span>
                {move || match from {
                    Some(from) => format!("{} → {}", status(from.as_str()), status(to.as_str())),
                    None => status(to.as_str()),
                }}
                <span class="faint">
                    " · " {move || cause::in_words(words, &entry).0}
                </span>
            </span>
            {(!note.is_empty()).then(|| view! { <small>{note}</small> })}
        </div>
    }
}
