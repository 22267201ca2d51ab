use leptos::prelude::*;
use leptos_icons::Icon;

/// A Lucide icon of 16 px beside a word; it says nothing by itself to a screen reader.
#[component]
pub fn Glyph(
    /// The icon.
    #[prop(into)]
    icon: Signal<icondata::Icon>,
    /// Turns without end, for work under way.
    #[prop(optional, into)]
    turning: Signal<bool>,
) -> impl IntoView {
    view! {
        <span class="glyph" class:glyph--turning=turning aria-hidden="true">
            <Icon icon=icon />
        </span>
    }
}
