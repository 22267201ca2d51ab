use std::time::Duration;

use corral_contract::{Advice, WireError};
use leptos::prelude::*;

use super::{Button, Glyph, IconButton};
use crate::{problem, words::use_words};

/// What failed, why, and what to do, with the code to search for and the raw text folded away.
#[component]
pub fn ErrorCard(
    /// What went wrong.
    #[prop(into)]
    error: Signal<WireError>,
    /// The advice was taken; without this the button is left out.
    #[prop(optional, into)]
    on_advice: Option<Callback<Advice>>,
) -> impl IntoView {
    let words = use_words();
    let text = Memo::new(move |_| {
        let text = error.with(|error| problem::describe(words, error));
        (text.title, text.cause, text.advice)
    });
    let detail = move || error.with(|error| error.detail.clone());
    view! {
        <div class="error-card" role="group" data-testid="error-card">
            <div class="error-card__text">
                <Glyph icon=icondata::LuCircleAlert />
                <div>
                    <p class="error-card__title">{move || text.get().0}</p>
                    <p>{move || text.get().1}</p>
                    <p>{move || text.get().2}</p>
                </div>
            </div>
            <div class="error-card__foot">
                {move || {
                    on_advice
                        .zip(error.with(|error| error.hint))
                        .map(|(on_advice, advice)| {
                            view! {
                                <Button small=true on_press=move |()| on_advice.run(advice)>
                                    {move || words.get(&format!("advice.{}", advice.as_str()))}
                                </Button>
                            }
                        })
                }}
                <code class="error-card__code">{move || error.with(|error| error.code.as_str())}</code>
                <CopyButton text=Signal::derive(move || error.with(ToString::to_string)) />
            </div>
            <Show when=move || detail().is_some()>
                <details class="error-card__detail">
                    <summary>{words.signal("common.details")}</summary>
                    <pre>{detail}</pre>
                </details>
            </Show>
        </div>
    }
}

/// Copies a text and says so for a moment.
#[component]
pub fn CopyButton(
    /// What is copied.
    #[prop(into)]
    text: Signal<String>,
) -> impl IntoView {
    let words = use_words();
    let copied = RwSignal::new(false);
    view! {
        <IconButton
            icon=Signal::derive(move || {
                if copied.get() { icondata::LuCheck } else { icondata::LuCopy }
            })
            label=Signal::derive(move || {
                words.get(if copied.get() { "common.copied" } else { "common.copy" })
            })
            on_press=move |_| {
                // Without a clipboard nothing is copied, and nothing else is lost.
                let _ = window().navigator().clipboard().write_text(&text.get_untracked());
                copied.set(true);
                set_timeout(move || copied.set(false), Duration::from_millis(1500));
            }
        />
    }
}
