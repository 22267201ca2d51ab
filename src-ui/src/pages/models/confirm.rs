//! Questions before models are interrupted.

use corral_contract::{
    ModelId, WireError,
    models::{
        BatchOp, BatchOperate, BatchPreview, BatchPreviewItem, StartOptions,
        call::{Batch, PreviewBatch},
    },
    size,
    status::Action,
};
use leptos::{prelude::*, task::spawn_local};

use super::{actions::Actions, list::use_list, make_room::Going};
use crate::{
    components::{Confirm, Dialog, DialogFoot, ErrorCard, Note, Skeleton, Tone},
    frame::toasts::use_toasts,
    ipc, problem,
    words::use_words,
};

/// Names listed before the rest is only counted.
const LISTED: usize = 50;

/// Lists what an operation over the selection will do, and what it skips and why.
#[component]
pub(super) fn ConfirmBatch(op: BatchOp) -> impl IntoView {
    let (words, list, toasts) = (use_words(), use_list(), use_toasts());
    let models = list.stores.models;
    let ids = models.with_untracked(|models| {
        let mut ids: Vec<_> = models.selected().iter().copied().collect();
        ids.sort_unstable();
        ids
    });
    let total = ids.len();
    let preview = RwSignal::new(None::<BatchPreview>);
    let failure = RwSignal::new(None::<WireError>);
    let request = BatchOperate { op, ids: ids.clone() };
    spawn_local(async move {
        match ipc::call::<PreviewBatch>(request).await {
            Ok(answer) => preview.try_set(Some(answer)),
            Err(error) => {
                failure.try_set(Some(error));
                None
            }
        };
    });
    let able = Memo::new(move |_| {
        preview.with(|preview| {
            let preview = preview.as_ref()?;
            Some(preview.items.iter().filter(|item| item.skipped.is_none()).count())
        })
    });
    let title = Signal::derive(move || {
        let key = format!("batchAsk.{}", op.as_str());
        words.fill(&key, &[("n", &able.get().unwrap_or(total).to_string())])
    });
    let close = move |()| list.close();
    let go = Callback::new(move |()| {
        list.close();
        let ids = ids.clone();
        spawn_local(async move {
            match ipc::call::<Batch>(BatchOperate { op, ids }).await {
                Ok(_) => models.update(|models| models.select_none()),
                Err(error) => toasts.error(words.get("batch.failed"), error),
            }
        });
    });
    let reason = Signal::derive(move || match able.get() {
        None => words.get("common.loading"),
        Some(0) => words.get("batchAsk.nothing"),
        Some(_) => String::new(),
    });
    let footer = move || {
        view! {
            <DialogFoot
                cancel="batch-cancel"
                submit="batch-confirm"
                go=words.signal(op_label(op))
                reason=reason
                on_go=go
                autofocus=true
                on_close=close
            />
        }
    };
    view! {
        <Dialog
            title=title
            on_close=close
            footer=footer
            narrow=true
            attr:data-testid="dialog-batch"
        >
            {move || match (preview.get(), failure.get()) {
                (_, Some(error)) => view! { <ErrorCard error=Signal::stored(error) /> }.into_any(),
                (None, None) => view! { <Skeleton rows=total.min(4) /> }.into_any(),
                (Some(preview), None) => view! { <Planned preview /> }.into_any(),
            }}
        </Dialog>
    }
}

/// What will be done, and what is skipped; those that are skipped come first.
#[component]
fn Planned(preview: BatchPreview) -> impl IntoView {
    let words = use_words();
    let BatchPreview { mut items, bytes, start } = preview;
    let (total, skipped) =
        (items.len(), items.iter().filter(|item| item.skipped.is_some()).count());
    items.sort_by_key(|item| item.skipped.is_none());
    let more = total.saturating_sub(LISTED);
    let mut facts = vec![
        words.fill("batchAsk.able", &[("n", &(total - skipped).to_string())]),
        words.fill("batchAsk.bytes", &[("bytes", &size::format(bytes))]),
    ];
    if skipped > 0 {
        facts.push(words.fill("batchAsk.skippedCount", &[("n", &skipped.to_string())]));
    }
    let line = move |item: BatchPreviewItem| {
        let why = item.skipped.map(|problem| problem::line(words, &problem));
        let faint = why.is_some();
        view! {
            <li class="result-list__item" class:faint=faint>
                <span class="cut">{item.name}</span>
                <span class="num">{item.bytes.map(size::format)}</span>
                {why.map(|why| {
                    view! {
                        <small class="result-list__why">
                            {words.fill("batchAsk.skipped", &[("why", &why)])}
                        </small>
                    }
                })}
            </li>
        }
    };
    view! {
        <p class="dim num" data-testid="batch-facts">{facts.join(" · ")}</p>
        {start.map(|preview| view! { <Going preview /> })}
        <ul class="result-list">{items.into_iter().take(LISTED).map(line).collect_view()}</ul>
        {(more > 0).then(|| {
            view! { <p class="dim">{words.fill("models.andMore", &[("n", &more.to_string())])}</p> }
        })}
    }
}

fn op_label(op: BatchOp) -> &'static str {
    match op {
        BatchOp::Start => "batchOp.start",
        BatchOp::Stop => "batchOp.stop",
        BatchOp::Delete => "batchOp.delete",
        BatchOp::Recreate => "batchOp.recreate",
        BatchOp::Verify => "batchOp.verify",
    }
}

/// Rebuilding stops a running model: whoever uses it is interrupted.
#[component]
pub(super) fn ConfirmRecreate(id: ModelId, actions: Actions) -> impl IntoView {
    let (words, list) = (use_words(), use_list());
    let row = list.stores.models.with_untracked(|models| models.get(id).cloned());
    let name = row.as_ref().map(|row| row.name.clone()).unwrap_or_default();
    let title = Signal::derive(move || words.fill("recreate.title", &[("name", &name)]));
    let close = move |()| list.close();
    let go = Callback::new(move |()| {
        if let Some(row) = &row {
            actions.run(Action::Recreate, row, StartOptions::default());
        }
    });
    view! {
        <Confirm
            title=title
            go=words.signal("action.recreate")
            keep=words.signal("common.cancel")
            harmless=true
            name="recreate"
            on_go=go
            on_close=close
            attr:data-testid="dialog-recreate"
        >
            <Note tone=Tone::Warning>{words.signal("recreate.running")}</Note>
            <p>{words.signal("recreate.body")}</p>
        </Confirm>
    }
}
