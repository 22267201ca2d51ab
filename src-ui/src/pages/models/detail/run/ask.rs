//! A test prompt: the answer as it comes, and how fast it was.

use corral_contract::{
    ErrorCode,
    running::{AskModel, Trial, call::Ask},
    tasks::{TaskRef, call::Cancel},
};
use leptos::prelude::*;

use super::super::super::{cells::Row, list::use_list};
use crate::{
    components::{Button, ButtonKind, ErrorCard, Field, TextArea},
    format,
    pages::{advice, sending::Sending},
    words::{Words, use_words},
};

/// Tokens of an answer: enough to see how fast it is.
const MOST: u32 = 256;

/// The question and what came of it.
#[component]
pub(super) fn AskForm(row: Row) -> impl IntoView {
    let (words, list) = (use_words(), use_list());
    let sending = Sending::here();
    let prompt = RwSignal::new(String::new());
    let failure = RwSignal::new(None);
    let id = row.with_untracked(|row| row.as_ref().map(|row| row.id));
    let trial = Memo::new(move |_| {
        list.stores.trials.with(|trials| id.and_then(|id| trials.of(id).cloned()))
    });
    let running = Memo::new(move |_| trial.with(|it| it.as_ref().is_some_and(|it| !it.done)));
    let submit = move || {
        let Some(model) = id else { return };
        failure.set(None);
        let text = prompt.get_untracked();
        let text = if text.trim().is_empty() { words.get("ask.example") } else { text };
        let request = AskModel { model, prompt: text, most: MOST };
        sending.ask::<Ask>("ask", request, move |answer| {
            if let Err(error) = answer {
                failure.set(Some(error));
            }
        });
    };
    let stop = move |()| {
        if let Some(task) = trial.with_untracked(|it| it.as_ref().map(|it| it.task)) {
            sending.send::<Cancel>("stop", TaskRef { id: task });
        }
    };
    let blocked = Signal::derive(move || {
        row.with(|row| match row.as_deref() {
            Some(row) if !row.online => words.get("why.offline"),
            _ => String::new(),
        })
    });
    let wrong = Signal::derive(move || {
        failure.with(|error| {
            error.as_ref().map(|it| advice::reason(words, it, "prompt")).unwrap_or_default()
        })
    });
    let problem = move || {
        let own = failure.get().filter(|error| error.code != ErrorCode::InvalidInput);
        let told = trial.with(|it| it.as_ref().and_then(|it| it.problem.clone()));
        own.or(told).filter(|error| error.code != ErrorCode::Cancelled).map(advice::textual)
    };
    view! {
        <section class="detail__section">
            <h3>{words.signal("ask.title")}</h3>
            <form
                on:submit=move |event| {
                    event.prevent_default();
                    submit();
                }
            >
                <Field id="ask-prompt" label=words.signal("ask.prompt") error=wrong>
                    <TextArea
                        id="ask-prompt"
                        value=prompt
                        rows=3
                        placeholder=words.signal("ask.example")
                    />
                </Field>
                <div class="run__times">
                    <Show
                        when=move || running.get()
                        fallback=move || {
                            view! {
                                <Button
                                    kind=ButtonKind::Primary
                                    icon=icondata::LuSend
                                    reason=blocked
                                    submit=true
                                    pending=sending.pending("ask")
                                    attr:data-testid="ask-submit"
                                >
                                    {words.signal("ask.go")}
                                </Button>
                            }
                        }
                    >
                        <Button icon=icondata::LuSquare on_press=stop attr:data-testid="ask-stop">
                            {words.signal("ask.stop")}
                        </Button>
                    </Show>
                </div>
            </form>
            {move || problem().map(|error| view! { <ErrorCard error=Signal::stored(error) /> })}
            {move || trial.get().map(|trial| view! { <Answer trial /> })}
        </section>
    }
}

#[component]
fn Answer(trial: Trial) -> impl IntoView {
    let words = use_words();
    let figures = figures(words, &trial);
    let vector = trial.vector.clone().map(|vector| {
        let first: Vec<String> = vector.first.iter().map(|it| format!("{it:.4}")).collect();
        let count = format::count(u64::from(vector.dimensions));
        let more = if vector.dimensions as usize > first.len() { ", …" } else { "" };
        (words.fill("ask.dimensions", &[("n", &count)]), format!("[{}{more}]", first.join(", ")))
    });
    view! {
        {(!trial.thinking.is_empty()).then(|| {
            view! {
                <details class="ask__thinking">
                    <summary class="dim">{words.get("ask.thinking")}</summary>
                    <pre class="detail__text">{trial.thinking.clone()}</pre>
                </details>
            }
        })}
        {(!trial.text.is_empty()).then(|| {
            view! {
                <pre
                    class="detail__text"
                    data-testid="ask-answer"
                    aria-live="polite"
                    aria-busy=if trial.done { "false" } else { "true" }
                >
                    {trial.text.clone()}
                </pre>
            }
        })}
        {vector.map(|(dimensions, numbers)| {
            view! {
                <p data-testid="ask-vector">{dimensions}</p>
                <pre class="detail__text">{numbers}</pre>
            }
        })}
        <p class="dim num" data-testid="ask-figures">{figures}</p>
    }
}

/// What was measured, in one line.
fn figures(words: Words, trial: &Trial) -> String {
    let mut parts: Vec<String> = Vec::new();
    if let Some(speed) = trial.speed {
        parts.push(words.fill("ask.speed", &[("n", &format!("{speed:.1}"))]));
    }
    if let Some(first) = trial.first_ms {
        parts.push(words.fill("ask.first", &[("time", &format::milliseconds(first))]));
    }
    if let Some(load) = trial.load_ms {
        parts.push(words.fill("ask.load", &[("time", &format::milliseconds(load))]));
    }
    if let Some(tokens) = trial.answer_tokens {
        parts.push(words.fill("ask.tokens", &[("n", &format::count(tokens))]));
    }
    parts.push(words.fill("ask.took", &[("time", &format::milliseconds(trial.took_ms))]));
    parts.join(" · ")
}
