use leptos::prelude::*;

use super::Glyph;
use crate::words::use_words;

/// A filter that is on or off; with `on_clear` it has a small cross.
#[component]
pub fn Chip(
    /// Its text, count included.
    #[prop(into)]
    label: Signal<String>,
    /// Whether it is on.
    #[prop(into)]
    on: Signal<bool>,
    /// An icon before the text.
    #[prop(optional, into)]
    icon: MaybeProp<icondata::Icon>,
    /// Pressed.
    #[prop(into)]
    on_press: Callback<()>,
    /// Takes the filter away.
    #[prop(optional, into)]
    on_clear: Option<Callback<()>>,
) -> impl IntoView {
    let words = use_words();
    view! {
        <span class="chip" class:chip--on=on>
            <button
                type="button"
                class="chip__main"
                aria-pressed=move || if on.get() { "true" } else { "false" }
                on:click=move |_| on_press.run(())
            >
                {move || icon.get().map(|icon| view! { <Glyph icon=icon /> })}
                {label}
            </button>
            {move || {
                on_clear
                    .filter(|_| on.get())
                    .map(|on_clear| {
                        view! {
                            <button
                                type="button"
                                class="chip__clear"
                                aria-label=words.signal("common.clear")
                                on:click=move |_| on_clear.run(())
                            >
                                <Glyph icon=icondata::LuX />
                            </button>
                        }
                    })
            }}
        </span>
    }
}

/// A word in a frame, such as a capability.
#[component]
pub fn Tag(children: Children) -> impl IntoView {
    view! { <span class="tag">{children()}</span> }
}
