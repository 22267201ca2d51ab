use std::collections::BTreeMap;

use corral_contract::{
    TaskId,
    command::Nothing,
    tasks::{TaskListRequest, TaskRef, TaskView, call},
};
use leptos::prelude::*;

use super::paging::{FEW, PagedList, Paging};
use crate::{
    components::{Button, IconButton, Part, ProgressBar, StatusBadge},
    format,
    frame::task_center::task_look,
    ipc,
    navigation::{Page, use_navigation},
    pages::sending::Sending,
    problem,
    state::{Stores, tasks::is_over, use_stores},
    words::use_words,
};

async fn ask(
    before: Option<TaskId>,
    limit: u32,
) -> Result<(Vec<TaskView>, bool), corral_contract::WireError> {
    let request = TaskListRequest { model: None, before, limit };
    ipc::call::<call::List>(request).await.map(|list| (list.items, list.more))
}

/// Every task by its id: the store's view of one is newer than a page's.
fn merged(stores: Stores, paging: Paging<TaskView>) -> BTreeMap<TaskId, TaskView> {
    let mut all: BTreeMap<TaskId, TaskView> =
        paging.items.with(|items| items.iter().map(|task| (task.id, task.clone())).collect());
    stores.tasks.with(|tasks| {
        all.extend(tasks.all().iter().map(|task| (task.id, task.clone())));
    });
    all
}

/// Every operation, newest first.
#[component]
pub(super) fn Tasks(sending: Sending) -> impl IntoView {
    let (stores, words) = (use_stores(), use_words());
    let paging = Paging::<TaskView>::new();
    paging.first(ask(None, FEW));
    let all = Memo::new(move |_| merged(stores, paging));
    let ids = Memo::new(move |_| all.with(|all| all.keys().rev().copied().collect::<Vec<_>>()));
    let more = move |()| {
        let last = paging.items.with_untracked(|items| items.last().map(|task| task.id));
        paging.next(ask(last, FEW));
    };
    let clear = move |()| {
        sending.then::<call::ClearFinished>("clear tasks", Nothing {}, move |cleared| {
            stores.tasks.update(crate::state::tasks::Tasks::forget_finished);
            paging.first(ask(None, FEW));
            let count = cleared.cleared.to_string();
            sending.good(words.fill("activity.cleared", &[("n", &count)]));
        });
    };
    let any_over = Memo::new(move |_| all.with(|all| all.values().any(|task| is_over(task.state))));
    view! {
        <div class="page__bar activity__bar">
            <span class="page__gap"></span>
            <Show when=move || any_over.get()>
                <Button
                    small=true
                    icon=icondata::LuEraser
                    pending=sending.pending("clear tasks")
                    on_press=clear
                    attr:data-testid="tasks-clear"
                >
                    {words.signal("activity.clear")}
                </Button>
            </Show>
        </div>
        <PagedList
            paging
            empty=words.signal("tasks.none")
            icon=icondata::LuListChecks
            others=Signal::derive(move || ids.with(|ids| !ids.is_empty()))
            on_more=more
        >
            <div class="tasks-list" role="list">
                <For each=move || ids.get() key=|id| *id let:id>
                    <Task
                        id
                        task=Memo::new(move |_| all.with(|all| all.get(&id).cloned()))
                        sending
                    />
                </For>
            </div>
        </PagedList>
    }
}

#[component]
fn Task(id: TaskId, task: Memo<Option<TaskView>>, sending: Sending) -> impl IntoView {
    let (stores, words, navigation) = (use_stores(), use_words(), use_navigation());
    let open = move || navigation.open_place(Page::Activity, &format!("task/{id}"));
    // The parts that change while it runs, apart from the row itself.
    let took = move || {
        task.with(|task| {
            task.as_ref().map(|task| {
                let end = task.finished_at.unwrap_or_else(|| stores.now.get());
                format::clock(end.since(task.created_at) / 1000)
            })
        })
    };
    let row = move |task: TaskView| {
        let (icon, tone) = task_look(task.state);
        let running = !is_over(task.state);
        let instance = task.instance.and_then(|instance| {
            stores.instances.with_untracked(|all| {
                let several = all.all().len() > 1;
                all.get(instance)
                    .filter(|it| several && it.name != task.target)
                    .map(|it| it.name.clone())
            })
        });
        let trouble = task.problem.as_ref().map(|problem| problem::line(words, problem));
        let phase = if task.phase.is_empty() || !running {
            String::new()
        } else {
            words.get_or(&format!("taskPhase.{}", task.phase), &task.phase)
        };
        let progress = task.progress.as_ref().filter(|_| running).and_then(|progress| {
            progress.total.map(|total| {
                let label = format::part(progress.done, total);
                let parts = vec![Part::of(progress.done, total, "busy")];
                view! {
                    <ProgressBar parts=Signal::stored(parts) label=Signal::stored(label) process=true />
                }
            })
        });
        let kind = words.get(&format!("task.{}", task.kind.as_str()));
        let state = words.get(&format!("taskState.{}", task.state.as_str()));
        let cancel = task.can_cancel && running;
        let target = task.target.clone();
        view! {
            <StatusBadge icon=icon tone=tone text=state turning=tone == "busy" />
            <span class="task__what">
                <span class="cut"><strong>{kind}</strong> " " {target}</span>
                {instance.map(|name| view! { <small class="faint">{name}</small> })}
                {trouble.map(|text| {
                    let title = text.clone();
                    view! { <small class="task__trouble cut" title=title>{text}</small> }
                })}
            </span>
            <span class="task__phase">{phase} {progress}</span>
            <span class="num dim">{format::moment(task.created_at)}</span>
            <span class="task__actions">
                {task.has_log.then(|| view! {
                    <IconButton
                        icon=icondata::LuScrollText
                        label=words.signal("activity.openLog")
                        on_press=move |_| open()
                        attr:data-testid="task-open-log"
                    />
                })}
                {cancel.then(|| {
                    let request = move |_| sending.send::<call::Cancel>(&format!("cancel task {id}"), TaskRef { id });
                    view! {
                        <IconButton
                            icon=icondata::LuX
                            label=words.signal("tasks.cancel")
                            on_press=request
                            attr:data-testid="task-cancel"
                        />
                    }
                })}
            </span>
        }
    };
    view! {
        <div
            class="task"
            role="listitem"
            tabindex="0"
            data-testid=format!("task-row-{id}")
            on:dblclick=move |_| open()
            on:keydown=move |event| {
                if event.key() == "Enter" && event.target() == event.current_target() {
                    event.prevent_default();
                    open();
                }
            }
        >
            {move || task.get().map(row)}
            <span class="task__took num">{took}</span>
        </div>
    }
}
