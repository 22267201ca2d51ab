//! What runs and what ended lately, under a button of the top bar.

use corral_contract::{
    BatchId, TaskId,
    models::{BatchOp, BatchView, ItemState},
    tasks::{TaskRef, TaskState, TaskView, call::Cancel},
};
use leptos::{prelude::*, task::spawn_local};

use super::toasts::{Offer, use_toasts};
use crate::{
    components::{IconButton, Part, Popover, ProgressBar, StatusBadge},
    format,
    navigation::{Page, use_navigation},
    problem, state,
    state::use_stores,
    words::{Words, use_words},
};

/// Entries that the popover shows; the rest is on the Activity page.
const SHOWN: usize = 12;
/// Batches that it still shows once they are over.
const FINISHED: usize = 3;

/// The button and its popover.
#[component]
pub(super) fn TaskCenter() -> impl IntoView {
    let (stores, words) = (use_stores(), use_words());
    let open = RwSignal::new(false);
    let running = Memo::new(move |_| stores.tasks.with(|tasks| tasks.running().count()));
    let label = Signal::derive(move || match running.get() {
        0 => words.get("top.tasks"),
        count => words.fill("top.tasksRunning", &[("n", &count.to_string())]),
    });
    let trigger = move || {
        view! {
            <IconButton
                icon=Signal::derive(move || {
                    if running.get() > 0 { icondata::LuLoaderCircle } else { icondata::LuListTodo }
                })
                turning=Signal::derive(move || running.get() > 0)
                label=label
                popup=true
                on_press=move |_| open.update(|open| *open = !*open)
                attr:data-testid="task-center"
            />
        }
    };
    view! {
        <Popover open label=words.signal("top.tasks") right=true trigger=trigger>
            <TaskList open />
        </Popover>
    }
}

#[component]
fn TaskList(open: RwSignal<bool>) -> impl IntoView {
    let (stores, words, navigation) = (use_stores(), use_words(), use_navigation());
    let toasts = use_toasts();
    let ids = Memo::new(move |_| {
        stores
            .tasks
            .with(|tasks| tasks.all().iter().take(SHOWN).map(|task| task.id).collect::<Vec<_>>())
    });
    let batches = Memo::new(move |_| {
        stores.tasks.with(|tasks| {
            let waits = |batch: &&BatchView| batch.undone || batch.undo_until.is_some();
            let running = tasks.batches().iter().filter(|batch| batch.finished_at.is_none());
            let finished = tasks.batches().iter().filter(|batch| {
                // One alone was told like any other operation.
                batch.finished_at.is_some() && batch.items.len() > 1
            });
            running
                .filter(|batch| !waits(batch))
                .chain(finished.filter(|batch| !batch.undone).take(FINISHED))
                .map(BatchFigures::of)
                .collect::<Vec<_>>()
        })
    });
    view! {
        <div class="task-list">
            <For each=move || batches.get() key=|batch| *batch let:batch>
                <button
                    type="button"
                    class="task-list__batch"
                    data-testid="task-batch"
                    on:click=move |_| {
                        open.set(false);
                        toasts.open(Offer::Batch(batch.id));
                    }
                >
                    {move || batch.line(words)}
                    {(!batch.finished).then(|| view! {
                        <ProgressBar
                            parts=vec![Part::of(batch.done as u64, batch.total as u64, "busy")]
                            label=words.signal("top.tasks")
                            process=true
                        />
                    })}
                </button>
            </For>
            <Show when=move || ids.with(Vec::is_empty)>
                <p class="faint">{words.signal("tasks.none")}</p>
            </Show>
            <For each=move || ids.get() key=|id| *id let:id>
                <TaskLine id />
            </For>
            <a
                class="task-list__all"
                href="#activity"
                on:click=move |event| {
                    event.prevent_default();
                    open.set(false);
                    navigation.open(Page::Activity);
                }
            >
                {words.signal("tasks.openAll")}
            </a>
        </div>
    }
}

/// What the list says of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct BatchFigures {
    id: BatchId,
    op: BatchOp,
    /// Items that are over; of a finished batch those that went well.
    done: usize,
    total: usize,
    finished: bool,
}

impl BatchFigures {
    fn of(batch: &BatchView) -> BatchFigures {
        let finished = batch.finished_at.is_some();
        let counts = |state: ItemState| match state {
            ItemState::Waiting | ItemState::Working => false,
            ItemState::Done => true,
            ItemState::Skipped | ItemState::Failed | ItemState::Cancelled => !finished,
        };
        BatchFigures {
            id: batch.id,
            op: batch.op,
            done: batch.items.iter().filter(|item| counts(item.state)).count(),
            total: batch.items.len(),
            finished,
        }
    }

    fn line(&self, words: Words) -> String {
        let (done, total) = (self.done.to_string(), self.total.to_string());
        if self.finished {
            let key = format!("batchDone.{}", self.op.as_str());
            return words.fill(&key, &[("done", &done), ("total", &total)]);
        }
        let op = words.get(&format!("batchOp.{}", self.op.as_str()));
        words.fill("tasks.batch", &[("op", &op), ("done", &done), ("total", &total)])
    }
}

#[component]
fn TaskLine(id: TaskId) -> impl IntoView {
    let (stores, words, toasts) = (use_stores(), use_words(), use_toasts());
    let task = Memo::new(move |_| stores.tasks.with(|tasks| tasks.get(id).cloned()));
    let with = move |read: fn(&TaskView) -> Option<String>| {
        task.with(|task| task.as_ref().and_then(read)).unwrap_or_default()
    };
    let state = Memo::new(move |_| {
        task.with(|task| task.as_ref().map_or(TaskState::Done, |task| task.state))
    });
    let line = move || {
        task.with(|task| {
            let task = task.as_ref()?;
            if let Some(problem) = &task.problem {
                return Some(problem::line(words, problem));
            }
            if state::tasks::is_over(task.state) {
                let at = task.finished_at.unwrap_or(task.created_at);
                return Some(format::age(words, at, stores.now.get()));
            }
            let phase = words.get_or(&format!("taskPhase.{}", task.phase), &task.phase);
            let percent = task.progress.as_ref().and_then(|progress| progress.percent());
            let percent = percent.or(task.figures.and_then(|figures| figures.percent()));
            Some(match percent {
                Some(percent) => format!("{phase} · {percent} %"),
                None => phase,
            })
        })
    };
    let cancel = move |_| {
        spawn_local(async move {
            if let Err(error) = ipc_cancel(id).await {
                toasts.error(words.get("tasks.cancel"), error);
            }
        });
    };
    let can_cancel =
        Memo::new(move |_| task.with(|task| task.as_ref().is_some_and(|task| task.can_cancel)));
    view! {
        <div class="task-list__line">
            <span class="cut">
                {move || words.get(&format!("task.{}", with(|task| Some(task.kind.as_str().to_owned()))))}
                " "
                <strong>{move || with(|task| Some(task.target.clone()))}</strong>
            </span>
            <StatusBadge
                icon=Signal::derive(move || task_look(state.get()).0)
                tone=Signal::derive(move || task_look(state.get()).1)
                text=Signal::derive(move || words.get(&format!("taskState.{}", state.get().as_str())))
                turning=Signal::derive(move || state.get() == TaskState::Running)
            />
            <small class="task-list__phase">{line}</small>
            <Show when=move || can_cancel.get()>
                <IconButton
                    icon=icondata::LuX
                    label=words.signal("tasks.cancel")
                    on_press=cancel
                    attr:data-testid="task-cancel"
                />
            </Show>
        </div>
    }
}

async fn ipc_cancel(id: TaskId) -> Result<(), corral_contract::WireError> {
    crate::ipc::call::<Cancel>(TaskRef { id }).await.map(|_| ())
}

/// Icon and tone of a task's state.
#[must_use]
pub fn task_look(state: TaskState) -> (icondata::Icon, &'static str) {
    match state {
        TaskState::Waiting => (icondata::LuClock, "off"),
        TaskState::Running => (icondata::LuLoaderCircle, "busy"),
        TaskState::Done => (icondata::LuCircleCheck, "ok"),
        TaskState::Failed => (icondata::LuCircleAlert, "bad"),
        TaskState::Cancelled | TaskState::Interrupted => (icondata::LuCircleX, "warn"),
    }
}
