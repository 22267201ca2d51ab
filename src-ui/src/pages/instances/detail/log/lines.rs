//! The lines on the screen: one height each, only those in view are in the document.

use std::sync::Arc;

use corral_contract::{
    serverlogs::{LineLevel, LogLine},
    size,
};
use leptos::{html, prelude::*};
use wasm_bindgen::JsCast;

use super::{file::NameFile, reading::Reading};
use crate::{
    components::{CopyButton, EmptyState, ErrorCard, Note, Skeleton, Tone},
    format,
    pages::advice,
    words::use_words,
};

/// Height of a line, in px, as the style sheet has it.
const HEIGHT: f64 = 20.0;
/// Lines drawn beyond what is in view.
const SPARE: usize = 20;
/// So close to an end more is read, in lines.
const CLOSE: usize = 40;

/// The lines, with what there is to say about them.
#[component]
pub(super) fn Lines(reading: Reading) -> impl IntoView {
    let words = use_words();
    let node = NodeRef::<html::Div>::new();
    let (top, height) = (RwSignal::new(0.0), RwSignal::new(600.0));
    let total = Memo::new(move |_| reading.lines.with(Vec::len));
    let range = Memo::new(move |_| {
        let first = ((top.get() / HEIGHT) as usize).saturating_sub(SPARE);
        let count = (height.get() / HEIGHT) as usize + 2 * SPARE;
        (first.min(total.get()), (first + count).min(total.get()))
    });
    let shown = Memo::new(move |_| {
        let (first, end) = range.get();
        reading.lines.with(|lines| {
            let drawn = lines.get(first..end.min(lines.len())).unwrap_or_default();
            drawn.iter().enumerate().map(|(n, line)| (first + n, line.clone())).collect::<Vec<_>>()
        })
    });
    let scroll_to = move |to: f64| {
        request_animation_frame(move || {
            if let Some(box_) = node.try_get_untracked().flatten() {
                box_.set_scroll_top(to as i32);
            }
        });
    };
    // At the end it stays at the end.
    Effect::new(move |_| {
        let total = total.get();
        if reading.follow.get() {
            scroll_to(total as f64 * HEIGHT);
        }
    });
    // What comes before moves nothing.
    Effect::new(move |before: Option<u64>| {
        let (times, by) = reading.prepended.get();
        if before.is_some_and(|before| before != times) {
            scroll_to(top.get_untracked() + by as f64 * HEIGHT);
        }
        times
    });
    Effect::new(move |_| {
        let Some(place) = reading.reveal.get() else { return };
        let at =
            reading.lines.with_untracked(|lines| lines.iter().position(|line| line.place == place));
        if let Some(at) = at {
            scroll_to((at as f64 * HEIGHT - height.get_untracked() / 3.0).max(0.0));
        }
    });
    let scrolled = move |event: web_sys::Event| {
        let box_ = event.target().and_then(|it| it.dyn_into::<web_sys::Element>().ok());
        let Some(box_) = box_ else { return };
        let up = f64::from(box_.scroll_top()) + 1.0 < top.get_untracked();
        top.set(f64::from(box_.scroll_top()));
        height.set(f64::from(box_.client_height()));
        let left = box_.scroll_height() - box_.scroll_top() - box_.client_height();
        // Who scrolls up wants to read there.
        if up && left > 60 {
            reading.stop_following();
        }
        if box_.scroll_top() < (CLOSE as f64 * HEIGHT) as i32 {
            reading.read_back();
        } else if left < (CLOSE as f64 * HEIGHT) as i32 {
            reading.read_on();
        }
    };
    let step = move |by: isize| {
        let next = reading.lines.with_untracked(|lines| {
            let chosen = reading.chosen.get_untracked();
            let at = lines.iter().position(|line| Some(&line.place) == chosen.as_ref());
            let last = lines.len().checked_sub(1)? as isize;
            let next = at.map_or(last, |at| (at as isize + by).clamp(0, last));
            Some(lines[next as usize].place.clone())
        });
        if let Some(place) = next {
            reading.stop_following();
            reading.chosen.set(Some(place.clone()));
            reading.reveal.set(Some(place));
        }
    };
    let keys = move |event: web_sys::KeyboardEvent| {
        let page = (height.get_untracked() / HEIGHT) as isize;
        match event.key().as_str() {
            "ArrowDown" => step(1),
            "ArrowUp" => step(-1),
            "PageDown" => step(page),
            "PageUp" => step(-page),
            "Home" => step(isize::MIN / 2),
            "End" => reading.to_end(),
            _ => return,
        }
        event.prevent_default();
    };
    let nothing = move || total.get() == 0 && reading.problem.with(Option::is_none);
    let why = move || reading.origin.with(|origin| origin.as_ref().and_then(|it| it.why.clone()));
    view! {
        {move || {
            reading.problem.get().map(|problem| {
                let problem = advice::textual(problem);
                view! { <div class="server-log__note"><ErrorCard error=Signal::stored(problem) /></div> }
            })
        }}
        {move || {
            reading.remark.get().map(|key| {
                view! {
                    <div class="server-log__note">
                        <Note tone=Tone::Warning>{words.signal(key)}</Note>
                    </div>
                }
            })
        }}
        <Show when=move || nothing() && reading.origin.with(Option::is_none)>
            <Skeleton rows=6 />
        </Show>
        <Show when=move || nothing() && reading.origin.with(Option::is_some)>
            <EmptyState
                icon=icondata::LuFileText
                title=Signal::derive(move || match why() {
                    Some(why) => words.get(&format!("serverlogs.why.{why}")),
                    None => words.get("serverlogs.empty"),
                })
            >
                <NameFile reading />
            </EmptyState>
        </Show>
        <div
            node_ref=node
            class="server-log__lines"
            tabindex="0"
            role="log"
            aria-live="off"
            aria-label=words.signal("serverlogs.lines")
            data-testid="server-log-lines"
            on:scroll=scrolled
            on:keydown=keys
        >
            <div class="server-log__all" style:height=move || format!("{}px", total.get() as f64 * HEIGHT)>
                <For each=move || shown.get() key=|(at, line)| (*at, line.place.clone()) let:item>
                    <Row reading at=item.0 line=item.1 />
                </For>
            </div>
        </div>
    }
}

#[component]
fn Row(reading: Reading, at: usize, line: Arc<LogLine>) -> impl IntoView {
    let place = line.place.clone();
    let chosen = Memo::new(move |_| reading.chosen.with(|it| it.as_deref() == Some(&*place)));
    let class = match line.level {
        LineLevel::Debug | LineLevel::Info => "server-log__line",
        LineLevel::Warn => "server-log__line server-log__line--warn",
        LineLevel::Error => "server-log__line server-log__line--error",
    };
    let mut text = line.text.replace('\n', " ");
    for (name, value) in &line.fields {
        text.push_str(&format!("  {name}={value}"));
    }
    let time = line.at.map(format::time_of_day).unwrap_or_default();
    let place = line.place.clone();
    view! {
        <div
            class=class
            class:server-log__line--chosen=chosen
            style:transform=format!("translateY({}px)", at as f64 * HEIGHT)
            on:click=move |_| {
                reading.stop_following();
                reading.chosen.set(Some(place.clone()));
            }
        >
            <span class="server-log__time num">{time}</span>
            <code>{text}</code>
        </div>
    }
}

/// The chosen line with all its fields.
#[component]
pub(super) fn Chosen(reading: Reading) -> impl IntoView {
    let words = use_words();
    let line = Memo::new(move |_| {
        let place = reading.chosen.get()?;
        reading.lines.with(|lines| lines.iter().find(|line| line.place == place).cloned())
    });
    move || {
        line.get().map(|line| {
            let whole = {
                let fields = line.fields.iter().map(|(name, value)| format!("{name}={value:?}"));
                let parts = std::iter::once(line.text.clone()).chain(fields);
                parts.collect::<Vec<_>>().join(" ")
            };
            let field = |name: String, value: String| {
                view! { <dt>{name}</dt> <dd><code>{value}</code></dd> }
            };
            let head = [
                Some(words.get(&format!("serverlogs.kind.{}", line.kind.as_str()))),
                line.at.map(format::moment),
                line.source.clone(),
                (line.cut > 0)
                    .then(|| words.fill("serverlogs.cut", &[("bytes", &size::format(line.cut))])),
            ];
            let head = head.into_iter().flatten().collect::<Vec<_>>().join(" · ");
            view! {
                <section
                    class="server-log__chosen"
                    aria-label=words.signal("serverlogs.selected")
                    data-testid="server-log-chosen"
                >
                    <header>
                        <span class="faint num">{head}</span>
                        <CopyButton text=Signal::stored(whole) />
                    </header>
                    <pre>{line.text.clone()}</pre>
                    <dl class="facts">
                        {line
                            .fields
                            .iter()
                            .map(|(name, value)| field(name.clone(), value.clone()))
                            .collect_view()}
                    </dl>
                </section>
            }
        })
    }
}
