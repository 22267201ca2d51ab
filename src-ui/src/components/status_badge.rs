use leptos::prelude::*;

use super::Glyph;

/// A state as icon and word; never by colour alone.
#[component]
pub fn StatusBadge(
    /// The icon.
    #[prop(into)]
    icon: Signal<icondata::Icon>,
    /// `ok`, `busy`, `warn`, `bad` or `off`.
    #[prop(into)]
    tone: Signal<&'static str>,
    /// The word.
    #[prop(into)]
    text: Signal<String>,
    /// Work is under way.
    #[prop(optional, into)]
    turning: Signal<bool>,
) -> impl IntoView {
    view! {
        <span class=move || format!("status-badge status-badge--{}", tone.get())>
            <Glyph icon=icon turning=turning />
            {text}
        </span>
    }
}
