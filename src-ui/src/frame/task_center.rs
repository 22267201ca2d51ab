//! What runs and what ended lately, under a button of the top bar.

use corral_contract::{
    TaskId,
    models::ItemState,
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
    words::use_words,
};

/// Entries that the popover shows; the rest is on the Activity page.
const SHOWN: usize = 12;

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
            let running = tasks.batches().iter().filter(|batch| {
                batch.finished_at.is_none() && !batch.undone && batch.undo_until.is_none()
            });
            running
                .map(|batch| {
                    let over = |state| !matches!(state, ItemState::Waiting | ItemState::Working);
                    let done = batch.items.iter().filter(|item| over(item.state)).count();
                    (batch.id, batch.op, done, batch.items.len())
                })
                .collect::<Vec<_>>()
        })
    });
    view! {
        <div class="task-list">
            <For each=move || batches.get() key=|batch| *batch let:batch>
                <button
                    type="button"
                    class="task-list__batch"
                    on:click=move |_| {
                        open.set(false);
                        toasts.open(Offer::Batch(batch.0));
                    }
                >
                    {move || {
                        let op = words.get(&format!("batchOp.{}", batch.1.as_str()));
                        let (done, total) = (batch.2.to_string(), batch.3.to_string());
                        words.fill("tasks.batch", &[("op", &op), ("done", &done), ("total", &total)])
                    }}
                    <ProgressBar
                        parts=vec![Part::of(batch.2 as u64, batch.3 as u64, "busy")]
                        label=words.signal("top.tasks")
                        process=true
                    />
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
