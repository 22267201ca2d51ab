//! Servers of this machine that want the same thing.

use corral_contract::steering::Conflict;
use leptos::prelude::*;

use crate::{
    components::{Note, Tone},
    words::use_words,
};

/// A note for each of them.
#[component]
pub(super) fn Conflicts(all: Vec<Conflict>) -> impl IntoView {
    let words = use_words();
    let note = |Conflict { over, what, pid }: Conflict| {
        let key = format!("steering.contested.{}", over.as_str());
        let pid = pid.map(|pid| pid.to_string());
        let text = move || {
            let mut values = vec![("what", what.as_str())];
            values.extend(pid.as_deref().map(|pid| ("pid", pid)));
            words.fill(&key, &values)
        };
        view! {
            <Note tone=Tone::Warning icon=icondata::LuTriangleAlert attr:data-testid="conflict">
                {text}
            </Note>
        }
    };
    all.into_iter().map(note).collect_view()
}
