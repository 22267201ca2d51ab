//! What making would do, asked while it is written.

use std::time::Duration;

use corral_contract::{
    ErrorCode, WireError,
    makes::{FoundFile, MakeCheck, MakeModel, Way, call::Check},
    size,
};
use leptos::{prelude::*, task::spawn_local};

use crate::{
    components::{Checkbox, ErrorCard, Note, Tone},
    format, ipc,
    words::{Words, use_words},
};

/// After the last key before the core is asked.
const PAUSE: Duration = Duration::from_millis(350);

/// What is known about what is written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Checked {
    /// `None` while nothing was asked or the answer is on its way.
    pub(super) answer: RwSignal<Option<MakeCheck>>,
    failure: RwSignal<Option<WireError>>,
}

impl Checked {
    /// Asks again whenever the request changes, a moment after the last key.
    pub(super) fn follow(request: Memo<Option<MakeModel>>) -> Checked {
        let checked = Checked { answer: RwSignal::new(None), failure: RwSignal::new(None) };
        let turn = StoredValue::new(0_u64);
        Effect::new(move |_| {
            let request = request.get();
            turn.update_value(|turn| *turn += 1);
            let mine = turn.get_value();
            checked.failure.set(None);
            let Some(request) = request else {
                checked.answer.set(None);
                return;
            };
            let ask = move || {
                if turn.try_get_value() == Some(mine) {
                    spawn_local(async move {
                        let answer = ipc::call::<Check>(request).await;
                        if turn.try_get_value() == Some(mine) {
                            match answer {
                                Ok(answer) => checked.answer.set(Some(answer)),
                                Err(error) => {
                                    checked.answer.set(None);
                                    checked.failure.set(Some(error));
                                }
                            }
                        }
                    });
                }
            };
            set_timeout(ask, PAUSE);
        });
        checked
    }

    /// Why it would be refused, other than by its name being taken.
    pub(super) fn refusal(self) -> Option<WireError> {
        let refusal = self.answer.with(|it| it.as_ref().and_then(|it| it.refusal.clone()));
        refusal.filter(|error| error.code != ErrorCode::AlreadyExists).or(self.failure.get())
    }
}

/// The same in words.
#[component]
pub(super) fn CheckPanel(
    checked: Checked,
    /// Whether a model of that name may go.
    overwrite: RwSignal<bool>,
) -> impl IntoView {
    let words = use_words();
    view! {
        <div class="make__check" aria-live="polite" data-testid="make-check">
            {move || {
                checked
                    .refusal()
                    .map(|error| {
                        view! {
                            <div data-testid="make-refusal">
                                <ErrorCard error=Signal::stored(error) />
                            </div>
                        }
                    })
            }}
            {move || checked.answer.get().map(|answer| facts(words, &answer))}
            {move || {
                let replaced = checked.answer.get().and_then(|answer| answer.replaces);
                replaced
                    .map(|replaced| {
                        let bytes = replaced.bytes.map(size::format).unwrap_or_default();
                        let values = [("name", replaced.name.as_str()), ("bytes", bytes.as_str())];
                        let text = words.fill("make.replaces", &values);
                        let running = replaced.running.then(|| words.get("make.replacesRunning"));
                        view! {
                            <Note tone=Tone::Warning>
                                <span data-testid="make-replaces">{text} " " {running}</span>
                                <Checkbox
                                    ticked=Signal::derive(move || overwrite.get().into())
                                    label=words.signal("make.overwrite")
                                    on_toggle=move |_| overwrite.update(|on| *on = !*on)
                                    attr:data-testid="make-overwrite"
                                />
                            </Note>
                        }
                    })
            }}
        </div>
    }
}

fn facts(words: Words, answer: &MakeCheck) -> Option<impl IntoView + use<>> {
    if answer.files.is_empty() {
        return None;
    }
    let rows = answer.files.iter().map(|file| {
        let name = file.path.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
        view! {
            <dt class="mono cut" title=file.path.clone()>{name}</dt>
            <dd class="num">{about(words, file)}</dd>
        }
    });
    let rows = rows.collect_view();
    let cost = cost(words, answer);
    Some(view! {
        <dl class="facts">{rows}</dl>
        <p class="dim num" data-testid="make-cost">{cost}</p>
    })
}

/// What a file is, in one line.
pub(super) fn about(words: Words, file: &FoundFile) -> String {
    let parts = [
        Some(words.get(&format!("fileKind.{}", file.kind.as_str()))),
        file.architecture.clone(),
        file.quantization.clone(),
        file.parameters.map(|n| words.fill("checks.elements", &[("n", &format::count(n))])),
        Some(size::format(file.bytes)),
        file.detail.clone(),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

/// What it takes before the server begins, and what the server adds.
pub(super) fn cost(words: Words, answer: &MakeCheck) -> String {
    let bytes = size::format(answer.bytes);
    let way = match answer.way {
        Way::Nothing => String::new(),
        way => words.fill(&format!("way.{}", way.as_str()), &[("bytes", &bytes)]),
    };
    if answer.rewritten == 0 {
        return way;
    }
    let again = words.fill("make.rewritten", &[("bytes", &size::format(answer.rewritten))]);
    format!("{way} {again}")
}
