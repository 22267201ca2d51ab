//! The Models page.

use leptos::prelude::*;

use crate::{components::EmptyState, words::use_words};

/// The Models page.
#[component]
pub fn ModelsPage() -> impl IntoView {
    let words = use_words();
    view! {
        <div class="page__head">
            <h1 class="page__title">{words.signal("nav.models")}</h1>
        </div>
        <EmptyState icon=icondata::LuBox title=words.signal("common.loading") />
    }
}
