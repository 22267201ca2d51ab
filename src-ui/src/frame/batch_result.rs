//! The items of a batch, how each ended, and another try for those that failed.

use corral_contract::{
    BatchId,
    models::{
        BatchOp, BatchOperate, BatchRef, ItemState,
        call::{Batch, CancelBatch},
    },
};
use leptos::{prelude::*, task::spawn_local};

use super::toasts::use_toasts;
use crate::{
    components::{Button, ButtonKind, Dialog, Part, ProgressBar, StatusBadge},
    ipc, problem,
    state::use_stores,
    words::use_words,
};

/// A dialog about one batch; it follows the batch while it runs.
#[component]
pub(super) fn BatchResult(batch: BatchId, #[prop(into)] on_close: Callback<()>) -> impl IntoView {
    let (stores, words, toasts) = (use_stores(), use_words(), use_toasts());
    let view = Memo::new(move |_| stores.tasks.with(|tasks| tasks.batch(batch).cloned()));
    let count = move |state: ItemState| {
        view.with(|view| {
            view.as_ref()
                .map_or(0, |view| view.items.iter().filter(|item| item.state == state).count())
        })
    };
    let total = move || view.with(|view| view.as_ref().map_or(0, |view| view.items.len()));
    let title = Signal::derive(move || {
        let op = view.with(|view| view.as_ref().map_or(BatchOp::Start, |view| view.op));
        words.fill(
            &format!("batchDone.{}", op.as_str()),
            &[("done", &count(ItemState::Done).to_string()), ("total", &total().to_string())],
        )
    });
    let parts = Signal::derive(move || {
        let share = |state| count(state) as f64 / total().max(1) as f64;
        vec![
            Part { share: share(ItemState::Done), tone: "gpu" },
            Part { share: share(ItemState::Skipped), tone: "off" },
            Part { share: share(ItemState::Failed), tone: "bad" },
        ]
    });
    let retry = move |()| {
        let Some((op, ids)) = view.with_untracked(|view| {
            view.as_ref().map(|view| {
                let failed = view.items.iter().filter(|item| item.state == ItemState::Failed);
                (view.op, failed.map(|item| item.model).collect::<Vec<_>>())
            })
        }) else {
            return;
        };
        on_close.run(());
        spawn_local(async move {
            if let Err(error) = ipc::call::<Batch>(BatchOperate { op, ids }).await {
                toasts.error(words.get("batch.failed"), error);
            }
        });
    };
    let runs = Memo::new(move |_| {
        view.with(|view| view.as_ref().is_some_and(|view| view.finished_at.is_none()))
    });
    let stopping = RwSignal::new(false);
    let stop = move |()| {
        stopping.set(true);
        spawn_local(async move {
            if let Err(error) = ipc::call::<CancelBatch>(BatchRef { batch }).await {
                stopping.try_set(false);
                toasts.error(words.get("batch.stopFailed"), error);
            }
        });
    };
    let footer = move || {
        view! {
            <Button on_press=on_close autofocus=true>
                {words.signal("common.close")}
            </Button>
            <Show when=move || runs.get()>
                <Button
                    pending=stopping
                    icon=icondata::LuSquare
                    on_press=stop
                    attr:data-testid="batch-stop"
                >
                    {words.signal("batch.stopRest")}
                </Button>
            </Show>
            <Show when=move || !runs.get() && count(ItemState::Failed) != 0>
                <Button
                    kind=ButtonKind::Primary
                    on_press=retry
                    attr:data-testid="batch-retry"
                >
                    {words.signal("batch.retryFailed")}
                </Button>
            </Show>
        }
    };
    view! {
        <Dialog title=title on_close=on_close footer=footer narrow=true attr:data-testid="batch-result">
            <ProgressBar parts=parts label=title process=true />
            <ul class="result-list">
                <For
                    each=move || view.with(|view| view.as_ref().map(|view| view.items.clone()).unwrap_or_default())
                    key=|item| (item.model, item.state)
                    let:item
                >
                    {
                        let (icon, tone) = look(item.state);
                        let state = item.state;
                        let error = item.problem.clone();
                        view! {
                            <li class="result-list__item">
                                <span class="cut">{item.name.clone()}</span>
                                <StatusBadge
                                    icon=icon
                                    tone=tone
                                    text=Signal::derive(move || {
                                        words.get(&format!("itemState.{}", state.as_str()))
                                    })
                                    turning=state == ItemState::Working
                                />
                                {error.map(|error| {
                                    view! {
                                        <small class="result-list__why">
                                            {move || problem::line(words, &error)}
                                        </small>
                                    }
                                })}
                            </li>
                        }
                    }
                </For>
            </ul>
        </Dialog>
    }
}

fn look(state: ItemState) -> (icondata::Icon, &'static str) {
    match state {
        ItemState::Waiting => (icondata::LuClock, "off"),
        ItemState::Working => (icondata::LuLoaderCircle, "busy"),
        ItemState::Done => (icondata::LuCircleCheck, "ok"),
        ItemState::Skipped => (icondata::LuMinus, "off"),
        ItemState::Failed => (icondata::LuCircleAlert, "bad"),
        ItemState::Cancelled => (icondata::LuCircleX, "warn"),
    }
}
