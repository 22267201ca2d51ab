//! The Activity page.

use leptos::prelude::*;

use crate::{components::EmptyState, words::use_words};

/// The Activity page.
#[component]
pub fn ActivityPage() -> impl IntoView {
    let words = use_words();
    view! {
        <div class="page__head">
            <h1 class="page__title">{words.signal("nav.activity")}</h1>
        </div>
        <EmptyState icon=icondata::LuActivity title=words.signal("common.loading") />
    }
}
