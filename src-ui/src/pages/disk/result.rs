//! What became of each item of a clean-up.

use corral_contract::{
    TaskId,
    disk::{ReclaimOutcome, ReclaimReport, call},
    size,
    tasks::TaskRef,
};
use leptos::prelude::*;

use crate::{
    components::{Button, Dialog, Skeleton, StatusBadge},
    pages::sending::Sending,
    problem,
    state::{tasks::is_over, use_stores},
    words::use_words,
};

/// The dialog; it waits for the end of the task.
#[component]
pub(super) fn Results(task: TaskId, #[prop(into)] on_close: Callback<()>) -> impl IntoView {
    let (words, stores) = (use_words(), use_stores());
    let sending = Sending::here();
    let report = RwSignal::new(None::<ReclaimReport>);
    let over = Memo::new(move |_| {
        stores.tasks.with(|tasks| tasks.get(task).is_some_and(|view| is_over(view.state)))
    });
    Effect::new(move |_| {
        if over.get() {
            let request = TaskRef { id: task };
            untrack(|| {
                sending
                    .then::<call::Report>("report", request, move |found| report.set(Some(found)));
            });
        }
    });
    let title = Signal::derive(move || {
        let bytes = report.with(|report| report.as_ref().map(|report| size::format(report.bytes)));
        match bytes {
            Some(bytes) => words.fill("disk.resultTitle", &[("bytes", &bytes)]),
            None => words.get("taskPhase.removing"),
        }
    });
    let footer = move || {
        view! {
            <Button on_press=on_close autofocus=true attr:data-testid="reclaim-close">
                {words.signal("common.close")}
            </Button>
        }
    };
    let lines = move |report: ReclaimReport| {
        let line = move |item: corral_contract::disk::ReclaimResult| {
            let (icon, tone) = look(item.outcome);
            let key = format!("reclaimOutcome.{}", item.outcome.as_str());
            view! {
                <li class="result-list__item">
                    <span class="cut" title=item.label.clone()>{item.label.clone()}</span>
                    <StatusBadge icon=icon tone=tone text=words.signal_of(key) />
                    {item.problem.map(|error| {
                        view! {
                            <small class="result-list__why">
                                {move || problem::line(words, &error)}
                            </small>
                        }
                    })}
                </li>
            }
        };
        view! { <ul class="result-list">{report.items.into_iter().map(line).collect_view()}</ul> }
    };
    view! {
        <Dialog title=title on_close=on_close footer=footer narrow=true attr:data-testid="reclaim-result">
            {move || match report.get() {
                None => view! { <Skeleton rows=3 /> }.into_any(),
                Some(found) => lines(found).into_any(),
            }}
        </Dialog>
    }
}

fn look(outcome: ReclaimOutcome) -> (icondata::Icon, &'static str) {
    match outcome {
        ReclaimOutcome::Removed => (icondata::LuCircleCheck, "ok"),
        ReclaimOutcome::Handed => (icondata::LuTrash2, "busy"),
        ReclaimOutcome::Changed | ReclaimOutcome::Left => (icondata::LuMinus, "off"),
        ReclaimOutcome::Failed => (icondata::LuCircleAlert, "bad"),
    }
}
