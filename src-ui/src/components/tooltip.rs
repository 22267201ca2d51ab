use leptos::prelude::*;

/// A word with an explanation, shown on hover and read out to a screen reader.
#[component]
pub fn Tooltip(
    /// Id, unique in the window.
    id: &'static str,
    /// The explanation.
    #[prop(into)]
    text: Signal<String>,
    children: Children,
) -> impl IntoView {
    view! {
        <span class="tooltip" title=text aria-describedby=id>
            {children()}
            <span id=id class="visually-hidden">{text}</span>
        </span>
    }
}
