use leptos::prelude::*;
use wasm_bindgen::JsCast;

/// A label, a control, and under it a hint or what is wrong.
#[component]
pub fn Field(
    /// The id of the control inside.
    id: &'static str,
    /// Its name.
    #[prop(into)]
    label: Signal<String>,
    /// Shown while nothing is wrong.
    #[prop(optional, into)]
    hint: Signal<String>,
    /// What is wrong; empty when nothing is.
    #[prop(optional, into)]
    error: Signal<String>,
    children: Children,
) -> impl IntoView {
    let wrong = Signal::derive(move || error.with(|text| !text.is_empty()));
    view! {
        <div class="field" class:field--wrong=wrong>
            <label class="field__label" for=id>{label}</label>
            {children()}
            <p class="field__note" id=format!("{id}-note") aria-live="polite">
                {move || if wrong.get() { error.get() } else { hint.get() }}
            </p>
        </div>
    }
}

/// Several lines of text.
#[component]
pub fn TextArea(
    /// Id, unique in the window.
    id: &'static str,
    /// What stands there.
    value: RwSignal<String>,
    /// Lines that show at once.
    #[prop(default = 4)]
    rows: u32,
    /// An example in grey.
    #[prop(optional, into)]
    placeholder: Signal<String>,
) -> impl IntoView {
    view! {
        <textarea
            id=id
            class="text-input text-input--area"
            rows=rows
            placeholder=placeholder
            aria-describedby=format!("{id}-note")
            prop:value=value
            on:input=move |event| value.set(event_target_value(&event))
        ></textarea>
    }
}

/// One line of text.
#[component]
pub fn TextInput(
    /// Id, unique in the window.
    id: &'static str,
    /// What stands there.
    value: RwSignal<String>,
    /// An example in grey.
    #[prop(optional, into)]
    placeholder: Signal<String>,
    /// Whether what stands there is wrong.
    #[prop(optional, into)]
    invalid: Signal<bool>,
    /// In the typewriter face, for names and addresses.
    #[prop(optional)]
    mono: bool,
    /// `password` hides what is typed.
    #[prop(default = "text")]
    kind: &'static str,
    /// Takes the focus when its dialog opens.
    #[prop(optional)]
    autofocus: bool,
    /// Changed, not in the middle of composing a character.
    #[prop(optional, into)]
    on_change: Option<Callback<String>>,
    /// Its name where no label stands beside it.
    #[prop(optional, into)]
    label: MaybeProp<String>,
    /// Enter, not in the middle of composing a character; whether with Shift.
    #[prop(optional, into)]
    on_enter: Option<Callback<bool>>,
) -> impl IntoView {
    let take = move |text: String| {
        if value.with_untracked(|old| *old != text) {
            value.set(text.clone());
            if let Some(on_change) = on_change {
                on_change.run(text);
            }
        }
    };
    view! {
        <input
            id=id
            class="text-input"
            class:text-input--mono=mono
            type=kind
            spellcheck="false"
            autocomplete="off"
            autocapitalize="off"
            autofocus=autofocus
            placeholder=placeholder
            aria-label=move || label.get()
            aria-invalid=move || invalid.get().then_some("true")
            aria-describedby=format!("{id}-note")
            prop:value=value
            on:keydown=move |event| {
                if event.key() == "Enter"
                    && !event.is_composing()
                    && let Some(on_enter) = on_enter
                {
                    event.prevent_default();
                    on_enter.run(event.shift_key());
                }
            }
            on:input=move |event| {
                let composing = event
                    .dyn_ref::<web_sys::InputEvent>()
                    .is_some_and(web_sys::InputEvent::is_composing);
                if !composing {
                    take(event_target_value(&event));
                }
            }
            on:compositionend=move |event| take(event_target_value(&event))
        />
    }
}
