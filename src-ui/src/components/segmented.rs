use leptos::prelude::*;
use wasm_bindgen::JsCast;

/// A choice among few, all in sight.
#[component]
pub fn Segmented(
    /// Names the choice.
    #[prop(into)]
    label: Signal<String>,
    /// Value and text of each.
    #[prop(into)]
    options: Signal<Vec<(&'static str, String)>>,
    /// The chosen value.
    #[prop(into)]
    value: Signal<String>,
    /// Another one was chosen.
    #[prop(into)]
    on_change: Callback<&'static str>,
) -> impl IntoView {
    let move_by = move |event: web_sys::KeyboardEvent, by: i32| {
        event.prevent_default();
        let all = options.get_untracked();
        let place = all.iter().position(|(each, _)| value.with_untracked(|it| it == each));
        let count = i32::try_from(all.len()).unwrap_or(1).max(1);
        let place = place.and_then(|place| i32::try_from(place).ok()).unwrap_or(0);
        let next = usize::try_from((place + by).rem_euclid(count)).unwrap_or(0);
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
            class="segmented"
            role="radiogroup"
            aria-label=label
            on:keydown=move |event| match event.key().as_str() {
                "ArrowRight" | "ArrowDown" => move_by(event, 1),
                "ArrowLeft" | "ArrowUp" => move_by(event, -1),
                _ => {}
            }
        >
            <For each=move || options.get() key=|(key, text)| (*key, text.clone()) let:option>
                {
                    let (key, text) = option;
                    let on = Signal::derive(move || value.with(|value| value == key));
                    view! {
                        <button
                            type="button"
                            role="radio"
                            class="segmented__option"
                            class:segmented__option--on=on
                            aria-checked=move || if on.get() { "true" } else { "false" }
                            tabindex=move || if on.get() { "0" } else { "-1" }
                            data-testid=format!("option-{key}")
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
