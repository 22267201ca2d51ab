//! What a page shows until the first snapshot is there.

use leptos::prelude::*;

use crate::{
    components::{ErrorCard, Skeleton},
    state::{Link, use_stores},
};

/// Its children as soon as the stores hold anything; before that grey bars, or why there is
/// nothing. Later breaks are the banner's business: what was loaded stays in sight.
#[component]
pub fn Loaded(children: ChildrenFn) -> impl IntoView {
    let stores = use_stores();
    let ready = Memo::new(move |_| stores.system.with(|system| !system.version.is_empty()));
    let lost = move || match stores.link.get() {
        Link::Lost(problem) => Some(problem),
        Link::Connecting | Link::Live => None,
    };
    move || {
        if ready.get() {
            return children().into_any();
        }
        match lost() {
            Some(problem) => view! {
                <div class="page__body">
                    <ErrorCard error=Signal::stored(problem) />
                </div>
            }
            .into_any(),
            None => view! { <Skeleton rows=6 /> }.into_any(),
        }
    }
}
