use leptos::prelude::*;

/// Something that is on or off and takes effect at once.
#[component]
pub fn Switch(
    /// Whether it is on.
    #[prop(into)]
    on: Signal<bool>,
    /// Its name.
    #[prop(into)]
    label: Signal<String>,
    /// What it means, under the name.
    #[prop(optional, into)]
    hint: Signal<String>,
    /// Why it cannot be changed.
    #[prop(optional, into)]
    reason: Signal<String>,
    /// Turned to the given side.
    #[prop(into)]
    on_change: Callback<bool>,
) -> impl IntoView {
    let blocked = Signal::derive(move || reason.with(|text| !text.is_empty()));
    let under = move || if blocked.get() { reason.get() } else { hint.get() };
    view! {
        <button
            type="button"
            role="switch"
            class="switch"
            aria-checked=move || if on.get() { "true" } else { "false" }
            aria-disabled=move || blocked.get().then_some("true")
            on:click=move |_| {
                if !blocked.get_untracked() {
                    on_change.run(!on.get_untracked());
                }
            }
        >
            <span class="switch__text">
                {label}
                {move || Some(under()).filter(|text| !text.is_empty()).map(|text| {
                    view! { <small class="switch__hint">{text}</small> }
                })}
            </span>
            <span class="switch__track" aria-hidden="true"></span>
        </button>
    }
}
