//! The Activity page: tasks with their logs, state changes, who did what, notices, syncs.

use corral_contract::TaskId;
use leptos::prelude::*;

use crate::{
    components::Tabs,
    navigation::{Page, use_navigation},
    pages::{loaded::Loaded, sending::Sending},
    words::use_words,
};

mod audit;
mod history;
mod lines;
pub(super) mod log;
mod notices;
mod paging;
mod syncs;
mod tasks;

use audit::Audit;
use history::History;
use log::LogDrawer;
use notices::Notices;
use syncs::Syncs;
use tasks::Tasks;

const TABS: &[&str] = &["tasks", "history", "audit", "notices", "syncs"];

/// The tab of a place, and the task whose log is open over it.
fn read(place: &str) -> (&'static str, Option<TaskId>) {
    let (word, id) = place.split_once('/').unwrap_or((place, ""));
    if word == "task" {
        return ("tasks", id.parse().ok().map(TaskId));
    }
    (TABS.iter().find(|tab| **tab == word).copied().unwrap_or("tasks"), None)
}

/// The Activity page.
#[component]
pub fn ActivityPage() -> impl IntoView {
    let (words, navigation) = (use_words(), use_navigation());
    let sending = Sending::here();
    let tab = Memo::new(move |_| navigation.place.with(|place| read(place).0));
    let task = Memo::new(move |_| navigation.place.with(|place| read(place).1));
    let tabs = Signal::derive(move || {
        TABS.iter().map(|tab| (*tab, words.get(&format!("activity.{tab}")))).collect::<Vec<_>>()
    });
    view! {
        <div class="page__head">
            <h1 class="page__title">{words.signal("nav.activity")}</h1>
        </div>
        <Tabs
            label=words.signal("nav.activity")
            tabs=tabs
            value=Signal::from(tab)
            on_change=move |tab| navigation.open_place(Page::Activity, tab)
            prefix="activity-tab"
        />
        <Loaded>
            <div class="activity" role="tabpanel" data-testid="activity-page">
                {move || match tab.get() {
                    "history" => view! { <History /> }.into_any(),
                    "audit" => view! { <Audit /> }.into_any(),
                    "notices" => view! { <Notices /> }.into_any(),
                    "syncs" => view! { <Syncs /> }.into_any(),
                    _ => view! { <Tasks sending /> }.into_any(),
                }}
            </div>
        </Loaded>
        {move || {
            task.get().map(|id| {
                view! { <LogDrawer id on_close=move |()| navigation.open(Page::Activity) /> }
            })
        }}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_places() {
        assert_eq!(read(""), ("tasks", None));
        assert_eq!(read("audit"), ("audit", None));
        assert_eq!(read("task/5"), ("tasks", Some(TaskId(5))));
        assert_eq!(read("nowhere"), ("tasks", None));
    }
}
