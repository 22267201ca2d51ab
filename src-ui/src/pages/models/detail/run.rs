//! Starting with options of one's own.

use corral_contract::{models::StartOptions, status::Action};
use leptos::prelude::*;

use super::super::{
    actions::{Actions, why_not},
    cells::Row,
};
use crate::{
    components::{Button, ButtonKind, Field, Segmented, TextInput},
    words::use_words,
};

/// Reads a whole number; an empty text leaves the server's choice, `None` is not a number.
fn number<T: std::str::FromStr>(text: &str) -> Option<Option<T>> {
    match text.trim() {
        "" => Some(None),
        text => text.parse().ok().map(Some),
    }
}

/// A field for a whole number, and what is wrong with it.
#[derive(Clone, Copy)]
struct Number {
    text: RwSignal<String>,
    wrong: Memo<bool>,
}

impl Number {
    fn new(check: fn(&str) -> bool) -> Number {
        let text = RwSignal::new(String::new());
        Number { text, wrong: Memo::new(move |_| text.with(|text| !check(text))) }
    }
}

/// The options of a start, and the button.
#[component]
pub(super) fn RunForm(row: Row, actions: Actions) -> impl IntoView {
    let words = use_words();
    let keep = RwSignal::new(String::new());
    let context = Number::new(|text| {
        number::<u32>(text).is_some_and(|value| value.is_none_or(|value| value >= 4))
    });
    let gpu = Number::new(|text| {
        number::<i32>(text).is_some_and(|value| value.is_none_or(|value| value >= -1))
    });
    let threads = Number::new(|text| number::<u32>(text).is_some());
    let batch = Number::new(|text| {
        number::<u32>(text).is_some_and(|value| value.is_none_or(|value| value > 0))
    });
    let main_gpu = Number::new(|text| number::<u32>(text).is_some());
    let mmap = RwSignal::new("auto");
    let wrong = Memo::new(move |_| {
        [context, gpu, threads, batch, main_gpu].iter().any(|field| field.wrong.get())
    });
    let go = move || {
        if wrong.get_untracked() {
            return;
        }
        let text = |field: Number| field.text.get_untracked();
        let options = StartOptions {
            keep_alive: Some(keep.get_untracked().trim().to_owned())
                .filter(|text| !text.is_empty()),
            num_ctx: number(&text(context)).flatten(),
            num_gpu: number(&text(gpu)).flatten(),
            num_thread: number(&text(threads)).flatten(),
            num_batch: number(&text(batch)).flatten(),
            main_gpu: number(&text(main_gpu)).flatten(),
            use_mmap: match mmap.get_untracked() {
                "on" => Some(true),
                "off" => Some(false),
                _ => None,
            },
        };
        if let Some(row) = row.get_untracked() {
            actions.run(Action::Start, &row, options);
        }
    };
    let reason = Signal::derive(move || {
        if wrong.get() {
            return words.get("run.wrong");
        }
        row.with(|row| row.as_deref().and_then(|row| why_not(words, Action::Start, row)))
            .unwrap_or_default()
    });
    let field = move |id: &'static str, key: &'static str, field: Number| {
        view! {
            <Field
                id=id
                label=words.signal(key)
                error=Signal::derive(move || {
                    if field.wrong.get() { words.get("reason.outOfRange") } else { String::new() }
                })
            >
                <TextInput
                    id=id
                    value=field.text
                    placeholder=words.signal("common.auto")
                    invalid=field.wrong
                />
            </Field>
        }
    };
    view! {
        <form
            class="detail__section"
            on:submit=move |event| {
                event.prevent_default();
                if reason.with_untracked(String::is_empty) {
                    go();
                }
            }
        >
            <p class="dim">{words.signal("run.about")}</p>
            <div class="detail__grid">
                <Field id="run-keep" label=words.signal("field.keepAlive") hint=words.signal("run.keepHint")>
                    <TextInput id="run-keep" value=keep placeholder=words.signal("common.auto") />
                </Field>
                {field("run-ctx", "field.numCtx", context)}
                {field("run-gpu", "field.numGpu", gpu)}
                {field("run-threads", "field.numThread", threads)}
                {field("run-batch", "field.numBatch", batch)}
                {field("run-main", "field.mainGpu", main_gpu)}
            </div>
            <div>
                <span class="form-row__label">{words.signal("run.mmap")}</span>
                <Segmented
                    label=words.signal("run.mmap")
                    options=Signal::derive(move || {
                        vec![
                            ("auto", words.get("common.auto")),
                            ("on", words.get("common.yes")),
                            ("off", words.get("common.no")),
                        ]
                    })
                    value=Signal::derive(move || mmap.get().to_owned())
                    on_change=move |choice: &'static str| mmap.set(choice)
                />
            </div>
            <div>
                <Button
                    kind=ButtonKind::Primary
                    icon=icondata::LuPlay
                    reason=reason
                    submit=true
                    attr:data-testid="run-start"
                >
                    {words.signal("run.start")}
                </Button>
            </div>
        </form>
    }
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn empty_leaves_the_choice_to_the_server() {
        assert_eq!(number::<u32>(" "), Some(None));
        assert_eq!(number::<u32>(" 8 "), Some(Some(8)));
        assert_eq!(number::<u32>("-1"), None);
        assert_eq!(number::<i32>("-1"), Some(Some(-1)));
        assert_eq!(number::<u32>("many"), None);
    }
}
