//! The options of a start as fields.

use corral_contract::models::StartOptions;
use leptos::prelude::*;

use crate::{
    components::{Field, Segmented, TextInput},
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
    /// A number that is at least so large.
    fn at_least(least: i32) -> Number {
        let text = RwSignal::new(String::new());
        let fits =
            move |text: &str| number::<i32>(text).is_some_and(|it| it.is_none_or(|it| it >= least));
        Number { text, wrong: Memo::new(move |_| text.with(|text| !fits(text))) }
    }

    fn put<T: ToString>(self, value: Option<T>) {
        self.text.set(value.map(|value| value.to_string()).unwrap_or_default());
    }
}

/// What stands in the fields.
#[derive(Clone, Copy)]
pub(super) struct Form {
    keep: RwSignal<String>,
    context: Number,
    gpu: Number,
    threads: Number,
    batch: Number,
    main_gpu: Number,
    mmap: RwSignal<&'static str>,
    /// Something in them is no option.
    pub(super) wrong: Memo<bool>,
}

impl Form {
    /// Empty: all is the server's choice.
    pub(super) fn new() -> Form {
        let context = Number::at_least(4);
        let gpu = Number::at_least(-1);
        let threads = Number::at_least(0);
        let batch = Number::at_least(1);
        let main_gpu = Number::at_least(0);
        let wrong = Memo::new(move |_| {
            [context, gpu, threads, batch, main_gpu].iter().any(|field| field.wrong.get())
        });
        let (keep, mmap) = (RwSignal::new(String::new()), RwSignal::new("auto"));
        Form { keep, context, gpu, threads, batch, main_gpu, mmap, wrong }
    }

    /// The options; `None` while something is wrong.
    pub(super) fn options(self) -> Option<StartOptions> {
        if self.wrong.get_untracked() {
            return None;
        }
        let text = |field: Number| field.text.get_untracked();
        let keep = self.keep.get_untracked().trim().to_owned();
        Some(StartOptions {
            keep_alive: Some(keep).filter(|text| !text.is_empty()),
            num_ctx: number(&text(self.context)).flatten(),
            num_gpu: number(&text(self.gpu)).flatten(),
            num_thread: number(&text(self.threads)).flatten(),
            num_batch: number(&text(self.batch)).flatten(),
            main_gpu: number(&text(self.main_gpu)).flatten(),
            use_mmap: match self.mmap.get_untracked() {
                "on" => Some(true),
                "off" => Some(false),
                _ => None,
            },
        })
    }

    /// Shows these options in the fields.
    pub(super) fn show(self, options: &StartOptions) {
        self.keep.set(options.keep_alive.clone().unwrap_or_default());
        self.context.put(options.num_ctx);
        self.gpu.put(options.num_gpu);
        self.threads.put(options.num_thread);
        self.batch.put(options.num_batch);
        self.main_gpu.put(options.main_gpu);
        self.mmap.set(match options.use_mmap {
            Some(true) => "on",
            Some(false) => "off",
            None => "auto",
        });
    }
}

/// The fields.
#[component]
pub(super) fn FormFields(form: Form) -> impl IntoView {
    let words = use_words();
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
    let mmap = form.mmap;
    view! {
        <div class="detail__grid">
            <Field
                id="run-keep"
                label=words.signal("field.keepAlive")
                hint=words.signal("run.keepHint")
            >
                <TextInput id="run-keep" value=form.keep placeholder=words.signal("common.auto") />
            </Field>
            {field("run-ctx", "field.numCtx", form.context)}
            {field("run-gpu", "field.numGpu", form.gpu)}
            {field("run-threads", "field.numThread", form.threads)}
            {field("run-batch", "field.numBatch", form.batch)}
            {field("run-main", "field.mainGpu", form.main_gpu)}
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
