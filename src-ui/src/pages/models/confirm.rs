//! Questions before models are interrupted.

use corral_contract::{
    ModelId,
    models::{BatchOp, BatchOperate, ModelRow, StartOptions, call::Batch},
    status::Action,
};
use leptos::{prelude::*, task::spawn_local};

use super::{
    actions::{Actions, why_not},
    batch_bar::needs,
    list::use_list,
};
use crate::{
    components::{Button, ButtonKind, Confirm, Dialog, Note, Tone},
    frame::toasts::use_toasts,
    ipc,
    words::use_words,
};

/// Names listed before the rest is only counted.
const LISTED: usize = 50;

/// Lists what an operation over the selection will do, and what it skips and why.
#[component]
pub(super) fn ConfirmBatch(op: BatchOp) -> impl IntoView {
    let (words, list, toasts) = (use_words(), use_list(), use_toasts());
    let models = list.stores.models;
    let rows = models.with_untracked(|models| models.selected_rows());
    let total = models.with_untracked(|models| models.selected().len());
    let ids = models.with_untracked(|models| models.selected().iter().copied().collect::<Vec<_>>());
    let allows = move |row: &ModelRow| row.actions.contains(&needs(op));
    let able = rows.iter().filter(|row| allows(row)).count() + (total - rows.len());
    let title = Signal::derive(move || {
        let key = format!("batchAsk.{}", op.as_str());
        words.fill(&key, &[("n", &able.to_string())])
    });
    let close = move |()| list.close();
    let go = move |()| {
        list.close();
        let ids = ids.clone();
        spawn_local(async move {
            match ipc::call::<Batch>(BatchOperate { op, ids }).await {
                Ok(_) => models.update(|models| models.select_none()),
                Err(error) => toasts.error(words.get("batch.failed"), error),
            }
        });
    };
    let go = Callback::new(go);
    let footer = move || {
        view! {
            <Button on_press=close autofocus=true attr:data-testid="batch-cancel">
                {words.signal("common.cancel")}
            </Button>
            <Button
                kind=ButtonKind::Primary
                on_press=go
                attr:data-testid="batch-confirm"
            >
                {words.signal(op_label(op))}
            </Button>
        }
    };
    let several = op == BatchOp::Start && able > 1;
    let more = total.saturating_sub(LISTED);
    view! {
        <Dialog
            title=title
            on_close=close
            footer=footer
            narrow=true
            attr:data-testid="dialog-batch"
        >
            {several.then(|| view! { <Note>{words.signal("batchAsk.memory")}</Note> })}
            <ul class="result-list">
                {rows
                    .into_iter()
                    .take(LISTED)
                    .map(|row| {
                        let skipped = why_not(words, needs(op), &row);
                        let faint = skipped.is_some();
                        view! {
                            <li class="result-list__item" class:faint=faint>
                                <span class="cut">{row.name.clone()}</span>
                                <span class="num">{row.size.clone()}</span>
                                {skipped.map(|why| {
                                    view! {
                                        <small class="result-list__why">
                                            {words.fill("batchAsk.skipped", &[("why", &why)])}
                                        </small>
                                    }
                                })}
                            </li>
                        }
                    })
                    .collect_view()}
            </ul>
            {(more > 0).then(|| {
                view! {
                    <p class="dim">
                        {words.fill("models.andMore", &[("n", &more.to_string())])}
                    </p>
                }
            })}
        </Dialog>
    }
}

fn op_label(op: BatchOp) -> &'static str {
    match op {
        BatchOp::Start => "batchOp.start",
        BatchOp::Stop => "batchOp.stop",
        BatchOp::Delete => "batchOp.delete",
        BatchOp::Recreate => "batchOp.recreate",
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
