use leptos::prelude::*;

use super::Glyph;

/// Nothing is here: says why, and offers the first step as its children.
#[component]
pub fn EmptyState(
    /// A picture of what is missing.
    #[prop(into)]
    icon: Signal<icondata::Icon>,
    /// What is not there.
    #[prop(into)]
    title: Signal<String>,
    /// What the place is for.
    #[prop(optional, into)]
    text: Signal<String>,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    view! {
        <div class="empty-state">
            <Glyph icon=icon />
            <p class="empty-state__title">{title}</p>
            <Show when=move || text.with(|text| !text.is_empty())>
                <p class="empty-state__text">{text}</p>
            </Show>
            {children.map(|children| view! { <div class="empty-state__steps">{children()}</div> })}
        </div>
    }
}
