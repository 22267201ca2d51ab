//! The bar that takes the toolbar's place while models are selected.

use corral_contract::{
    ModelId,
    models::{BatchOp, ModelRow},
    size,
    status::Action,
};
use leptos::prelude::*;

use super::list::{Open, use_list};
use crate::{
    components::{Button, ButtonKind, IconButton, MenuItem, use_menu},
    format,
    words::use_words,
};

/// Whether a row allows an operation, as far as the row tells.
fn allows(op: BatchOp, row: &ModelRow) -> bool {
    let action = match op {
        BatchOp::Start => Action::Start,
        BatchOp::Stop => Action::Close,
        BatchOp::Delete => Action::Delete,
        BatchOp::Recreate => Action::Recreate,
        BatchOp::Verify => return row.online && row.job.is_none() && !row.cloud,
    };
    row.actions.contains(&action)
}

/// How many are selected, and what can be done to them.
#[component]
pub(super) fn BatchBar() -> impl IntoView {
    let (words, list, menu) = (use_words(), use_list(), use_menu());
    let models = list.stores.models;
    let count = Memo::new(move |_| models.with(|models| models.selected().len()));
    let rows = Memo::new(move |_| {
        models.with(|models| {
            let rows = models.selected_rows();
            let bytes: u64 = rows.iter().filter_map(|row| row.bytes).sum();
            let running = rows.iter().filter(|row| row.memory.is_some()).count();
            let able = BatchOp::ALL
                .iter()
                .map(|op| rows.iter().filter(|row| allows(*op, row)).count())
                .collect::<Vec<_>>();
            (bytes, running, able)
        })
    });
    let total = Memo::new(move |_| models.with(|models| models.total()));
    let reason = move |op: BatchOp| {
        Signal::derive(move || {
            let place = BatchOp::ALL.iter().position(|each| *each == op).unwrap_or(0);
            let able = rows.with(|(_, _, able)| able.get(place).copied().unwrap_or(0));
            if able == 0 { words.get("models.noneAllows") } else { String::new() }
        })
    };
    let batch = move |op: BatchOp| move |()| list.open.set(Open::Batch(op));
    let chosen = move || {
        models.with_untracked(|models| {
            let mut ids: Vec<_> = models.selected().iter().copied().collect();
            ids.sort_unstable();
            ids
        })
    };
    let delete = move |()| list.open.set(Open::Delete(chosen()));
    let verify_reason = reason(BatchOp::Verify);
    let more = Signal::derive(move || {
        let item = |key: &str, name: &str, icon, open: fn(Vec<ModelId>) -> Open| {
            let run = move || list.open.set(open(chosen()));
            MenuItem { icon: Some(icon), ..MenuItem::new(words.get(key), name, run) }
        };
        let mut verify = item("batchOp.verify", "batch-verify", icondata::LuShieldCheck, |_| {
            Open::Batch(BatchOp::Verify)
        });
        verify.reason = Some(verify_reason.get()).filter(|why| !why.is_empty());
        vec![
            item("action.labels", "batch-labels", icondata::LuTag, Open::Labels),
            verify,
            item("export.button", "batch-table", icondata::LuTable, |_| Open::Table),
            item("moving.exportButton", "batch-export", icondata::LuFileDown, Open::Export),
            item("moving.copyButton", "batch-copy-to", icondata::LuSend, Open::CopyTo),
        ]
    });
    view! {
        <div class="batch-bar" role="toolbar" aria-label=words.signal("models.selection")>
            <span class="num" data-testid="batch-count" aria-live="polite">
                {move || {
                    words.fill("models.selected", &[("n", &format::count(count.get() as u64))])
                }}
            </span>
            <span class="batch-bar__sub num">
                {move || {
                    rows.with(|(bytes, running, _)| {
                        let bytes = size::format(*bytes);
                        if *running > 0 {
                            let running = running.to_string();
                            words.fill("models.selectedRunning", &[("bytes", &bytes), ("n", &running)])
                        } else {
                            bytes
                        }
                    })
                }}
            </span>
            <Show when=move || { count.get() < total.get() }>
                <Button
                    small=true
                    kind=ButtonKind::Ghost
                    on_press=move |()| list.select_all_results()
                    attr:data-testid="select-all-results"
                >
                    {move || {
                        let total = format::count(total.get() as u64);
                        words.fill("models.selectAll", &[("n", &total)])
                    }}
                </Button>
            </Show>
            <Button
                small=true
                kind=ButtonKind::Ghost
                on_press=move |()| list.invert()
                attr:data-testid="select-invert"
            >
                {words.signal("models.invert")}
            </Button>
            <span class="page__gap"></span>
            <Button
                small=true
                icon=icondata::LuPlay
                reason=reason(BatchOp::Start)
                on_press=batch(BatchOp::Start)
                attr:data-testid="batch-start"
            >
                {words.signal("batchOp.start")}
            </Button>
            <Button
                small=true
                icon=icondata::LuSquare
                reason=reason(BatchOp::Stop)
                on_press=batch(BatchOp::Stop)
                attr:data-testid="batch-stop"
            >
                {words.signal("batchOp.stop")}
            </Button>
            <Button
                small=true
                icon=icondata::LuRotateCcw
                reason=reason(BatchOp::Recreate)
                on_press=batch(BatchOp::Recreate)
                attr:data-testid="batch-recreate"
            >
                {words.signal("batchOp.recreate")}
            </Button>
            <IconButton
                icon=icondata::LuEllipsis
                label=words.signal("common.more")
                popup=true
                on_press=move |event: web_sys::MouseEvent| {
                    menu.open_under(&event, words.get("common.more"), more);
                }
                attr:data-testid="batch-more"
            />
            <span class="batch-bar__delete">
                <Button
                    small=true
                    icon=icondata::LuTrash2
                    reason=reason(BatchOp::Delete)
                    on_press=delete
                    attr:data-testid="batch-delete"
                >
                    {words.signal("batchOp.delete")}
                </Button>
            </span>
            <Button
                small=true
                kind=ButtonKind::Ghost
                on_press=move |()| models.update(|models| models.select_none())
                attr:data-testid="batch-clear"
            >
                "Esc"
            </Button>
        </div>
    }
}
