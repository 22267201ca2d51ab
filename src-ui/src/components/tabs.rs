use leptos::prelude::*;
use wasm_bindgen::JsCast;

/// The tabs over a panel; arrows move between them.
#[component]
pub fn Tabs(
    /// Names the group.
    #[prop(into)]
    label: Signal<String>,
    /// Value and text of each.
    #[prop(into)]
    tabs: Signal<Vec<(&'static str, String)>>,
    /// The chosen one.
    #[prop(into)]
    value: Signal<&'static str>,
    /// What the `data-testid` of each begins with.
    #[prop(default = "tab")]
    prefix: &'static str,
    /// Another one was chosen.
    #[prop(into)]
    on_change: Callback<&'static str>,
) -> impl IntoView {
    let move_by = move |event: web_sys::KeyboardEvent, by: usize| {
        event.prevent_default();
        let all = tabs.get_untracked();
        let place = all.iter().position(|(key, _)| *key == value.get_untracked()).unwrap_or(0);
        let next = (place + by) % all.len().max(1);
        if let Some((chosen, _)) = all.get(next) {
            on_change.run(chosen);
        }
        let group = event.current_target().and_then(|it| it.dyn_into::<web_sys::Element>().ok());
        let button = group
            .and_then(|group| group.query_selector_all("button").ok())
            .and_then(|buttons| buttons.get(u32::try_from(next).unwrap_or(0)))
            .and_then(|button| button.dyn_into::<web_sys::Element>().ok());
        if let Some(button) = button {
            super::menu::focus(&button);
        }
    };
    view! {
        <div
            class="tabs"
            role="tablist"
            aria-label=label
            on:keydown=move |event| match event.key().as_str() {
                "ArrowRight" => move_by(event, 1),
                "ArrowLeft" => move_by(event, tabs.with_untracked(Vec::len).saturating_sub(1)),
                _ => {}
            }
        >
            <For each=move || tabs.get() key=|(key, text)| (*key, text.clone()) let:tab>
                {
                    let (key, text) = tab;
                    let on = Signal::derive(move || value.get() == key);
                    view! {
                        <button
                            type="button"
                            role="tab"
                            class="tabs__tab"
                            class:tabs__tab--on=on
                            aria-selected=move || if on.get() { "true" } else { "false" }
                            tabindex=move || if on.get() { "0" } else { "-1" }
                            data-testid=format!("{prefix}-{key}")
                            on:click=move |_| on_change.run(key)
                        >
                            {text}
                        </button>
                    }
                }
            </For>
        </div>
    }
}
