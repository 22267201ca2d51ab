use leptos::prelude::*;

/// A choice among many, of the system's own kind.
#[component]
pub fn Select(
    /// Id, unique in the window.
    #[prop(into)]
    id: String,
    /// Value and text of each.
    #[prop(into)]
    options: Signal<Vec<(String, String)>>,
    /// The chosen value.
    #[prop(into)]
    value: Signal<String>,
    /// Its name where no label stands beside it.
    #[prop(optional, into)]
    label: MaybeProp<String>,
    /// Another one was chosen.
    #[prop(into)]
    on_change: Callback<String>,
) -> impl IntoView {
    view! {
        <select
            id=id
            class="select"
            aria-label=move || label.get()
            on:change=move |event| on_change.run(event_target_value(&event))
        >
            <For each=move || options.get() key=|option| option.clone() let:option>
                {
                    let (key, text) = option;
                    let chosen = key.clone();
                    view! {
                        <option value=key prop:selected=move || value.with(|value| *value == chosen)>
                            {text}
                        </option>
                    }
                }
            </For>
        </select>
    }
}
