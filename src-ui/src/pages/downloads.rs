//! The Downloads page.

use leptos::prelude::*;

use crate::{components::EmptyState, words::use_words};

/// The Downloads page.
#[component]
pub fn DownloadsPage() -> impl IntoView {
    let words = use_words();
    view! {
        <div class="page__head">
            <h1 class="page__title">{words.signal("nav.downloads")}</h1>
        </div>
        <EmptyState icon=icondata::LuDownload title=words.signal("common.loading") />
    }
}
