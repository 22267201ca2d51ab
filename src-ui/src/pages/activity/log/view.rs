//! The lines of a log on the screen.

use std::sync::Arc;

use corral_contract::desktop::{Folder, FolderRef, call::Reveal};
use leptos::{html, prelude::*};
use wasm_bindgen::JsCast;

use super::{
    super::lines::{self, Level, Line},
    reading::Reading,
};
use crate::{
    components::{
        Button, Checkbox, CopyButton, EmptyState, ErrorCard, IconButton, Select, Skeleton,
        TextInput, Ticked,
    },
    pages::sending::Sending,
    words::use_words,
};

/// Lines drawn at first, and by how many more at each press: thousands at once would stall.
const DRAWN: usize = 1000;

/// What shows of a log.
#[derive(Clone, Copy)]
struct View {
    reading: Reading,
    follow: RwSignal<bool>,
    query: RwSignal<String>,
    /// Lines of this level and above.
    least: RwSignal<Level>,
    lines: Memo<Arc<Vec<Line>>>,
    hits: Memo<Vec<usize>>,
    /// The place among the hits that is shown.
    hit: RwSignal<usize>,
    /// How many lines from the end are drawn.
    drawn: RwSignal<usize>,
}

impl View {
    fn new(reading: Reading) -> View {
        let (query, least) = (RwSignal::new(String::new()), RwSignal::new(Level::Info));
        let lines = Memo::new(move |_| {
            let first = reading.first.get();
            let mut all = reading.text.with(|text| lines::lines(text, first));
            let least = least.get();
            all.retain(|line| line.level >= least);
            Arc::new(all)
        });
        let hits =
            Memo::new(move |_| lines.with(|lines| query.with(|query| lines::hits(lines, query))));
        View {
            reading,
            follow: RwSignal::new(true),
            query,
            least,
            lines,
            hits,
            hit: RwSignal::new(0),
            drawn: RwSignal::new(DRAWN),
        }
    }

    /// The line of the hit that is shown.
    fn at(self) -> Option<u64> {
        let place = self.hits.with(|hits| hits.get(self.hit.get()).copied())?;
        self.lines.with(|lines| lines.get(place).map(|line| line.at))
    }

    /// Goes to another hit, round the ends.
    fn step(self, by: isize) {
        let count = self.hits.with_untracked(Vec::len) as isize;
        if count == 0 {
            return;
        }
        self.follow.set(false);
        let next = (self.hit.get_untracked() as isize + by).rem_euclid(count);
        self.hit.set(next as usize);
        self.reveal();
    }

    /// Draws as many lines as it takes to show the hit, and brings it into view.
    fn reveal(self) {
        let place = self.hits.with_untracked(|hits| hits.get(self.hit.get_untracked()).copied());
        let Some(place) = place else { return };
        let from_end = self.lines.with_untracked(|lines| lines.len()) - place;
        self.drawn.update(|drawn| *drawn = (*drawn).max(from_end + 20));
        request_animation_frame(|| {
            if let Ok(Some(line)) = document().query_selector(".task-log__line--now") {
                line.scroll_into_view();
            }
        });
    }
}

/// The lines of a log: search with its hits, level, staying at the end, copy, the file's folder.
#[component]
pub(in crate::pages) fn TaskLog(reading: Reading) -> impl IntoView {
    let view = View::new(reading);
    // Another question begins with its last hit, which is the latest.
    Effect::new(move |before: Option<String>| {
        let query = view.query.get();
        if before.as_ref().is_some_and(|before| *before != query) {
            let last = view.hits.with_untracked(Vec::len).saturating_sub(1);
            view.hit.set(last);
            view.reveal();
        }
        query
    });
    view! {
        <Bar view />
        <LogText view />
    }
}

#[component]
fn Bar(view: View) -> impl IntoView {
    let (words, sending) = (use_words(), Sending::here());
    let levels = Signal::derive(move || {
        [
            ("info", "activity.levelAll"),
            ("warn", "activity.levelWarn"),
            ("error", "activity.levelError"),
        ]
        .map(|(key, text)| (key.to_owned(), words.get(text)))
        .to_vec()
    });
    let chosen = Signal::derive(move || {
        let word = match view.least.get() {
            Level::Info => "info",
            Level::Warn => "warn",
            Level::Error => "error",
        };
        word.to_owned()
    });
    let choose = move |to: String| {
        view.least.set(match to.as_str() {
            "warn" => Level::Warn,
            "error" => Level::Error,
            _ => Level::Info,
        });
    };
    let count = move || {
        if view.query.with(|query| query.trim().is_empty()) {
            return String::new();
        }
        match view.hits.with(Vec::len) {
            0 => words.get("activity.noHit"),
            all => {
                let now = (view.hit.get() + 1).min(all);
                let values = [("now", now.to_string()), ("all", all.to_string())];
                words.fill("activity.hits", &[("now", &values[0].1), ("all", &values[1].1)])
            }
        }
    };
    let folder = move |_| {
        sending.send::<Reveal>("log folder", FolderRef { folder: Folder::Logs });
    };
    view! {
        <div class="task-log__bar">
            <TextInput
                id="task-log-search"
                value=view.query
                placeholder=words.signal("activity.searchLog")
                label=words.signal("activity.searchLog")
                on_enter=move |shift| view.step(if shift { 1 } else { -1 })
                attr:data-testid="task-log-search"
            />
            <span class="task-log__hits num" role="status" data-testid="task-log-hits">{count}</span>
            <IconButton
                icon=icondata::LuChevronUp
                label=words.signal("activity.previousHit")
                on_press=move |_| view.step(-1)
                attr:data-testid="task-log-previous"
            />
            <IconButton
                icon=icondata::LuChevronDown
                label=words.signal("activity.nextHit")
                on_press=move |_| view.step(1)
                attr:data-testid="task-log-next"
            />
            <Select
                id="task-log-level"
                label=words.signal("activity.level")
                options=levels
                value=chosen
                on_change=choose
                attr:data-testid="task-log-level"
            />
            <Checkbox
                ticked=Signal::derive(move || Ticked::from(view.follow.get()))
                label=words.signal("activity.follow")
                on_toggle=move |_| view.follow.update(|on| *on = !*on)
                attr:data-testid="task-log-follow"
            />
            <CopyButton text=view.reading.text />
            <IconButton
                icon=icondata::LuFolderOpen
                label=words.signal("activity.logFolder")
                on_press=folder
                attr:data-testid="task-log-folder"
            />
        </div>
    }
}

#[component]
fn LogText(view: View) -> impl IntoView {
    let words = use_words();
    let reading = view.reading;
    let node = NodeRef::<html::Div>::new();
    let shown = Memo::new(move |_| {
        let drawn = view.drawn.get();
        view.lines.with(|lines| lines[lines.len().saturating_sub(drawn)..].to_vec())
    });
    let hidden = move || view.lines.with(|lines| lines.len()) > view.drawn.get();
    let earlier = move |()| {
        view.follow.set(false);
        view.drawn.update(|drawn| *drawn += DRAWN);
        if !untrack(hidden) {
            reading.read_back();
        }
    };
    Effect::new(move |_| {
        shown.track();
        if view.follow.get()
            && let Some(box_) = node.get()
        {
            request_animation_frame(move || box_.set_scroll_top(box_.scroll_height()));
        }
    });
    let now = Memo::new(move |_| view.at());
    let found = Memo::new(move |_| {
        let places = view.hits.get();
        view.lines.with(|lines| {
            places
                .iter()
                .filter_map(|place| lines.get(*place))
                .map(|line| line.at)
                .collect::<Vec<_>>()
        })
    });
    let line = move |line: Line| {
        let at = line.at;
        let level = match line.level {
            Level::Info => "task-log__line",
            Level::Warn => "task-log__line task-log__line--warn",
            Level::Error => "task-log__line task-log__line--error",
        };
        view! {
            <div
                class=level
                class:task-log__line--hit=move || found.with(|found| found.binary_search(&at).is_ok())
                class:task-log__line--now=move || now.get() == Some(at)
            >
                <code>{line.text}</code>
            </div>
        }
    };
    view! {
        {move || {
            reading.problem.get().map(|problem| {
                view! { <div class="task-log__problem"><ErrorCard error=Signal::stored(problem) /></div> }
            })
        }}
        <Show when=move || reading.exists.get().is_none() && reading.problem.with(Option::is_none)>
            <Skeleton rows=6 />
        </Show>
        <Show when=move || reading.exists.get() == Some(false)>
            <EmptyState icon=icondata::LuFileText title=words.signal("activity.noLog") />
        </Show>
        <div
            node_ref=node
            class="task-log"
            tabindex="0"
            role="log"
            aria-live="off"
            aria-label=words.signal("tab.log")
            data-testid="task-log"
            on:scroll=move |event| {
                // Who scrolls up wants to read there; back at the end it follows again.
                let box_ = event.target().and_then(|it| it.dyn_into::<web_sys::Element>().ok());
                if let Some(box_) = box_ {
                    let left = box_.scroll_height() - box_.scroll_top() - box_.client_height();
                    if left > 60 && view.follow.get_untracked() {
                        view.follow.set(false);
                    }
                }
            }
        >
            <Show when=move || hidden() || reading.has_earlier()>
                <div class="task-log__earlier">
                    <Button small=true on_press=earlier attr:data-testid="task-log-earlier">
                        {words.signal("activity.earlierLines")}
                    </Button>
                </div>
            </Show>
            <Show when=move || !hidden() && reading.first.get() != 0 && !reading.has_earlier()>
                <p class="task-log__earlier faint">{words.signal("activity.restInFile")}</p>
            </Show>
            <For each=move || shown.get() key=|line| line.at children=line />
        </div>
    }
}
