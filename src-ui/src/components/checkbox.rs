use leptos::prelude::*;

use super::Glyph;

/// State of a checkbox that may stand for several things.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ticked {
    #[default]
    No,
    Some,
    Yes,
}

impl From<bool> for Ticked {
    fn from(on: bool) -> Ticked {
        if on { Ticked::Yes } else { Ticked::No }
    }
}

/// A box to tick, with its text beside it or, where there is no room, with a name alone.
#[component]
pub fn Checkbox(
    /// Its state.
    #[prop(into)]
    ticked: Signal<Ticked>,
    /// Its name.
    #[prop(into)]
    label: Signal<String>,
    /// Only read out, not shown.
    #[prop(optional)]
    bare: bool,
    /// Whether Tab stops here; rows let only the active one.
    #[prop(optional, into)]
    skip_tab: Signal<bool>,
    /// Clicked; the event tells whether Shift was down.
    #[prop(into)]
    on_toggle: Callback<web_sys::MouseEvent>,
) -> impl IntoView {
    view! {
        <button
            type="button"
            role="checkbox"
            class="checkbox"
            aria-label=move || bare.then(|| label.get())
            aria-checked=move || match ticked.get() {
                Ticked::No => "false",
                Ticked::Some => "mixed",
                Ticked::Yes => "true",
            }
            tabindex=move || if skip_tab.get() { "-1" } else { "0" }
            on:click=move |event| {
                event.stop_propagation();
                on_toggle.run(event);
            }
        >
            <span class="checkbox__box">
                {move || match ticked.get() {
                    Ticked::No => None,
                    Ticked::Some => Some(view! { <Glyph icon=icondata::LuMinus /> }),
                    Ticked::Yes => Some(view! { <Glyph icon=icondata::LuCheck /> }),
                }}
            </span>
            {(!bare).then(|| view! { <span>{label}</span> })}
        </button>
    }
}
