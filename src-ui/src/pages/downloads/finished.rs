use corral_contract::{
    JobId,
    command::Nothing,
    downloads::{JobView, call::ClearFinished},
    size,
};
use leptos::prelude::*;

use super::{row::ended, said};
use crate::{
    components::{Button, StatusBadge},
    pages::sending::Sending,
    state::use_stores,
    words::use_words,
};

/// What is over, folded away.
#[component]
pub(super) fn Finished(jobs: Memo<Vec<JobId>>, sending: Sending) -> impl IntoView {
    let words = use_words();
    let title =
        move || words.fill("downloads.finished", &[("n", &jobs.with(Vec::len).to_string())]);
    let clear = move |()| sending.send::<ClearFinished>("clear", Nothing {});
    view! {
        <details class="downloads-finished" data-testid="downloads-finished">
            <summary>{title}</summary>
            <div class="downloads-finished__bar">
                <span class="faint">{words.signal("downloads.clearHint")}</span>
                <Button
                    small=true
                    icon=icondata::LuEraser
                    pending=sending.pending("clear")
                    on_press=clear
                    attr:data-testid="downloads-clear"
                >
                    {words.signal("downloads.clear")}
                </Button>
            </div>
            <ul class="downloads-finished__list">
                <For each=move || jobs.get() key=|id| *id let:id>
                    <Over id />
                </For>
            </ul>
        </details>
    }
}

#[component]
fn Over(id: JobId) -> impl IntoView {
    let (stores, words) = (use_stores(), use_words());
    let job = Memo::new(move |_| stores.downloads.with(|downloads| downloads.get(id).cloned()));
    let row = move |job: JobView| {
        let (icon, tone, word) = said::look(&job);
        let bytes = job.progress.total.unwrap_or(job.progress.done);
        view! {
            <li class="downloads-finished__job">
                <span class="cut">{job.name.clone()}</span>
                <StatusBadge icon=icon tone=tone text=words.get(&word) />
                <span class="num dim">{size::format(bytes)}</span>
                <span class="num dim">{ended(&job)}</span>
            </li>
        }
    };
    move || job.get().map(row)
}
