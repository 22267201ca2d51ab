//! The Instances page.

use leptos::prelude::*;

use crate::{components::EmptyState, words::use_words};

/// The Instances page.
#[component]
pub fn InstancesPage() -> impl IntoView {
    let words = use_words();
    view! {
        <div class="page__head">
            <h1 class="page__title">{words.signal("nav.instances")}</h1>
        </div>
        <EmptyState icon=icondata::LuServer title=words.signal("common.loading") />
    }
}
