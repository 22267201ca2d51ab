use corral_contract::{
    TaskId, WireError,
    tasks::{LogPage, LogRequest, call},
};
use leptos::{html, prelude::*, task::spawn_local};

use super::lines;
use crate::{
    components::{
        Checkbox, CopyButton, Drawer, EmptyState, ErrorCard, Skeleton, TextInput, Ticked,
    },
    ipc,
    pages::advice,
    state::use_stores,
    words::use_words,
};

/// More than this of a log is not kept in the window, in bytes.
const MOST: usize = 2_000_000;

/// What was read of a log so far.
#[derive(Clone, Copy)]
pub(in crate::pages) struct Reading {
    id: TaskId,
    text: RwSignal<String>,
    offset: StoredValue<u64>,
    growing: RwSignal<bool>,
    exists: RwSignal<Option<bool>>,
    problem: RwSignal<Option<WireError>>,
    busy: StoredValue<bool>,
}

impl Reading {
    /// Starts reading, and reads on as long as the task writes and the caller's view lives.
    pub(in crate::pages) fn open(id: TaskId) -> Reading {
        let reading = Reading {
            id,
            text: RwSignal::default(),
            offset: StoredValue::new(0),
            growing: RwSignal::new(true),
            exists: RwSignal::new(None),
            problem: RwSignal::new(None),
            busy: StoredValue::new(false),
        };
        let now = use_stores().now;
        // A log that is being written has no events of its own: it is read on with the clock of
        // the window while it shows.
        Effect::new(move |_| {
            now.track();
            if untrack(|| reading.growing.get()) {
                reading.read_on();
            }
        });
        reading
    }

    /// Reads on to the end of what is there.
    fn read_on(self) {
        if self.busy.get_value() {
            return;
        }
        self.busy.set_value(true);
        spawn_local(async move {
            while let Some(offset) = self.offset.try_get_value() {
                match ipc::call::<call::Log>(LogRequest { id: self.id, offset }).await {
                    Ok(page) => {
                        if !self.take(&page, offset) {
                            break;
                        }
                    }
                    Err(problem) => {
                        self.problem.try_set(Some(problem));
                        break;
                    }
                }
            }
            self.busy.try_set_value(false);
        });
    }

    /// Takes a page; whether there is more to read now.
    fn take(self, page: &LogPage, offset: u64) -> bool {
        self.problem.try_set(None);
        self.exists.try_set(Some(page.exists));
        if !page.text.is_empty() {
            self.text.try_update(|text| {
                text.push_str(&page.text);
                if text.len() > MOST {
                    *text = lines::tail(text, MOST / 2).to_owned();
                }
            });
        }
        self.growing.try_set(page.growing);
        self.offset.try_set_value(page.next_offset);
        page.next_offset > offset && page.next_offset < page.total
    }
}

/// The log of a task, with search, following its end.
#[component]
pub(super) fn LogDrawer(id: TaskId, #[prop(into)] on_close: Callback<()>) -> impl IntoView {
    let (stores, words) = (use_stores(), use_words());
    let reading = Reading::open(id);
    let width = RwSignal::new(640.0);
    let task = Memo::new(move |_| stores.tasks.with(|tasks| tasks.get(id).cloned()));
    let title = move || {
        task.with(|task| match task {
            Some(task) => {
                format!("{} · {}", words.get(&format!("task.{}", task.kind.as_str())), task.target)
            }
            None => words.fill("activity.taskNumber", &[("id", &id.to_string())]),
        })
    };
    let problem =
        Memo::new(move |_| task.with(|task| task.as_ref().and_then(|task| task.problem.clone())));
    let head = move || {
        view! {
            <div class="task-log__title">
                <h2>{title}</h2>
                <p class="faint" role="status">
                    {move || {
                        let key = if reading.growing.get() { "activity.growing" } else { "activity.ended" };
                        words.get(key)
                    }}
                </p>
            </div>
            <CopyButton text=reading.text />
        }
    };
    view! {
        <Drawer
            label=Signal::derive(title)
            width=width
            on_resize=move |to| width.set(to)
            on_close=on_close
            head=head
            attr:data-testid="task-log-drawer"
        >
            {move || {
                problem.get().map(|problem| {
                    let problem = advice::textual(problem);
                    view! { <div class="task-log__problem"><ErrorCard error=Signal::stored(problem) /></div> }
                })
            }}
            <TaskLog reading />
        </Drawer>
    }
}

/// The lines of a log, with a search field and a box for staying at its end.
#[component]
pub(in crate::pages) fn TaskLog(reading: Reading) -> impl IntoView {
    let words = use_words();
    let follow = RwSignal::new(true);
    let query = RwSignal::new(String::new());
    view! {
        <div class="task-log__bar">
            <TextInput
                id="task-log-search"
                value=query
                placeholder=words.signal("activity.searchLog")
                attr:data-testid="task-log-search"
                attr:aria-label=words.signal("activity.searchLog")
            />
            <Checkbox
                ticked=Signal::derive(move || Ticked::from(follow.get()))
                label=words.signal("activity.follow")
                on_toggle=move |_| follow.update(|on| *on = !*on)
                attr:data-testid="task-log-follow"
            />
        </div>
        <LogText reading query follow />
    }
}

#[component]
fn LogText(reading: Reading, query: RwSignal<String>, follow: RwSignal<bool>) -> impl IntoView {
    let words = use_words();
    let node = NodeRef::<html::Div>::new();
    let shown = Memo::new(move |_| {
        reading.text.with(|text| query.with(|query| lines::matching(text, query)))
    });
    Effect::new(move |_| {
        shown.track();
        if follow.get()
            && let Some(box_) = node.get()
        {
            request_animation_frame(move || box_.set_scroll_top(box_.scroll_height()));
        }
    });
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
        <div node_ref=node class="task-log" tabindex="0" role="log" aria-live="off" data-testid="task-log">
            <For each=move || shown.get() key=|line| line.clone() let:line>
                <div class="task-log__line">
                    <span class="task-log__number">{line.0}</span>
                    <code>{line.1}</code>
                </div>
            </For>
        </div>
    }
}
