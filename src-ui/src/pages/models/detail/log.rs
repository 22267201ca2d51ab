//! The log of the model's last operation.

use leptos::prelude::*;

use super::super::cells::Row;
use crate::{
    components::EmptyState,
    pages::activity::log::{Reading, TaskLog},
    words::use_words,
};

/// The log of the operation under way, or else of the last one.
#[component]
pub(super) fn Log(row: Row) -> impl IntoView {
    let words = use_words();
    let task = Memo::new(move |_| {
        row.with(|row| row.as_ref().and_then(|row| row.operation.or(row.last_task)))
    });
    move || match task.get() {
        Some(id) => view! { <TaskLog reading=Reading::open(id) /> }.into_any(),
        None => view! {
            <EmptyState icon=icondata::LuFileText title=words.signal("detail.noLog") />
        }
        .into_any(),
    }
}
