//! The Settings page.

use leptos::prelude::*;

use crate::{components::EmptyState, words::use_words};

/// The Settings page.
#[component]
pub fn SettingsPage() -> impl IntoView {
    let words = use_words();
    view! {
        <div class="page__head">
            <h1 class="page__title">{words.signal("nav.settings")}</h1>
        </div>
        <EmptyState icon=icondata::LuSettings title=words.signal("common.loading") />
    }
}
