//! A certificate authority to trust, in a form.

use leptos::{html, prelude::*, task::spawn_local};
use wasm_bindgen_futures::JsFuture;

use crate::{
    components::{Button, Checkbox, Field, Ticked},
    words::use_words,
};

/// What is written of it.
#[derive(Clone, Copy)]
pub struct Authority {
    text: RwSignal<String>,
    stored: bool,
    /// Forget the stored one.
    remove: RwSignal<bool>,
}

impl Authority {
    /// `stored`: the core has one already.
    #[must_use]
    pub fn new(stored: bool) -> Authority {
        Authority { text: RwSignal::default(), stored, remove: RwSignal::new(false) }
    }

    /// What was written or chosen here.
    #[must_use]
    pub fn written(self) -> Option<String> {
        self.text.with_untracked(|text| {
            let text = text.trim();
            (!text.is_empty()).then(|| text.to_owned())
        })
    }

    /// What to ask of the core: `None` = leave, empty = remove.
    #[must_use]
    pub fn changed(self) -> Option<String> {
        self.written().or_else(|| self.remove.get_untracked().then(String::new))
    }
}

/// A certificate authority to trust: pasted, or read from a file.
#[component]
pub fn AuthorityField(
    /// Id of the text, unique in the window.
    id: &'static str,
    /// What is written.
    authority: Authority,
    /// What is wrong; empty when nothing is.
    error: Signal<String>,
) -> impl IntoView {
    let words = use_words();
    let file = NodeRef::<html::Input>::new();
    let choose = move |()| {
        if let Some(input) = file.get_untracked() {
            input.click();
        }
    };
    let read = move |_| {
        let chosen = file.get_untracked().and_then(|input| input.files()?.get(0));
        if let Some(chosen) = chosen {
            spawn_local(async move {
                // A file that cannot be read leaves the field as it is.
                if let Ok(text) = JsFuture::from(chosen.text()).await {
                    authority.text.try_set(text.as_string().unwrap_or_default());
                }
            });
        }
    };
    view! {
        <Field
            id=id
            label=words.signal("instances.authority")
            hint=words.signal(if authority.stored {
                "instances.authorityStored"
            } else {
                "instances.authorityHint"
            })
            error=error
        >
            <textarea
                id=id
                class="text-input text-input--mono authority"
                rows="3"
                spellcheck="false"
                placeholder="-----BEGIN CERTIFICATE-----"
                aria-invalid=move || error.with(|text| !text.is_empty()).then_some("true")
                aria-describedby=format!("{id}-note")
                data-testid=id
                prop:value=authority.text
                on:input=move |event| authority.text.set(event_target_value(&event))
            ></textarea>
            <div class="authority__ways">
                <Button
                    small=true
                    icon=icondata::LuFileText
                    on_press=choose
                    attr:data-testid=format!("{id}-choose")
                >
                    {words.signal("instances.authorityFile")}
                </Button>
                {authority.stored.then(|| view! {
                    <Checkbox
                        ticked=Signal::derive(move || Ticked::from(authority.remove.get()))
                        label=words.signal("instances.authorityRemove")
                        on_toggle=move |_| authority.remove.update(|remove| *remove = !*remove)
                    />
                })}
                <input
                    node_ref=file
                    type="file"
                    accept=".pem,.crt,.cer"
                    class="visually-hidden"
                    tabindex="-1"
                    aria-hidden="true"
                    data-testid=format!("{id}-file")
                    on:change=read
                />
            </div>
        </Field>
    }
}
