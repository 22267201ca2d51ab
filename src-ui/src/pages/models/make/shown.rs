//! A Modelfile as the editor shows it: in colours, with its mistakes.

use corral_contract::modelfile::{MarkKind, Parsed, Problem};
use leptos::prelude::*;

use crate::{
    components::Glyph,
    words::{Words, use_words},
};

/// Longer texts are shown in one colour, in bytes: they were pasted, and each key draws them anew.
const COLOURED: usize = 100 << 10;

/// The text in pieces with their classes.
pub(super) fn pieces(text: &str, parsed: &Parsed) -> Vec<(String, &'static str)> {
    if text.len() > COLOURED {
        return vec![(text.to_owned(), "")];
    }
    let mut pieces = Vec::new();
    let mut at = 0;
    for mark in &parsed.marks {
        let (Some(between), Some(marked)) =
            (text.get(at..mark.start), text.get(mark.start..mark.end))
        else {
            continue;
        };
        if !between.is_empty() {
            pieces.push((between.to_owned(), ""));
        }
        let class = match mark.kind {
            MarkKind::Instruction => "code__instruction",
            MarkKind::Name => "code__name",
            MarkKind::Value => "",
            MarkKind::Comment => "code__comment",
            MarkKind::Wrong => "code__wrong",
        };
        pieces.push((marked.to_owned(), class));
        at = mark.end;
    }
    pieces.push((text.get(at..).unwrap_or_default().to_owned(), ""));
    pieces
}

/// One mistake in words.
pub(super) fn said(words: Words, problem: &Problem) -> String {
    let reason = words.get(&format!("reason.{}", problem.why.as_str()));
    let line = problem.line.to_string();
    words.fill("make.problem", &[("line", &line), ("reason", &reason), ("what", &problem.what)])
}

/// All mistakes; a press goes to the place.
#[component]
pub(super) fn Problems(
    #[prop(into)] problems: Signal<Vec<Problem>>,
    jump: RwSignal<Option<(u32, u32)>>,
) -> impl IntoView {
    let words = use_words();
    // More than these are not read; the next show when some are mended.
    const MOST: usize = 50;
    view! {
        <ul class="make__problems" aria-live="polite" data-testid="make-problems">
            {move || {
                problems
                    .get()
                    .into_iter()
                    .take(MOST)
                    .map(|problem| {
                        let warning = problem.why.is_warning();
                        let icon = if warning {
                            icondata::LuTriangleAlert
                        } else {
                            icondata::LuCircleAlert
                        };
                        let (line, column) = (problem.line, problem.column);
                        view! {
                            <li>
                                <button
                                    type="button"
                                    class="make__problem"
                                    class:make__problem--warning=warning
                                    data-testid=format!("make-problem-{line}")
                                    on:click=move |_| jump.set(Some((line, column)))
                                >
                                    <Glyph icon=icon />
                                    <span>{said(words, &problem)}</span>
                                </button>
                            </li>
                        }
                    })
                    .collect_view()
            }}
        </ul>
    }
}
