//! The log of a task: in a drawer here, and among the details of a model.

use corral_contract::TaskId;
use leptos::prelude::*;

use crate::{
    components::{Drawer, ErrorCard},
    pages::advice,
    state::use_stores,
    words::use_words,
};

mod reading;
mod view;

pub(in crate::pages) use reading::Reading;
pub(in crate::pages) use view::TaskLog;

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
