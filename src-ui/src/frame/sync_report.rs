//! What a sync found, and the question when a server's list is suddenly empty.

use corral_contract::{
    InstanceId, WireError,
    instances::InstanceRef,
    sync::{
        CompareReports, Comparison, SyncReport, SyncReportRef, SyncResult,
        call::{Compare, ConfirmEmpty, Report},
    },
};
use leptos::{prelude::*, task::spawn_local};

use super::toasts::use_toasts;
use crate::{
    components::{Button, ButtonKind, Dialog, ErrorCard, Note, Skeleton, Tone},
    format, ipc, problem,
    state::use_stores,
    words::{Words, use_words},
};

mod changes;

use changes::changes;

/// A dialog about the last report of an instance.
#[component]
pub(super) fn SyncReportDialog(
    instance: InstanceId,
    #[prop(into)] on_close: Callback<()>,
) -> impl IntoView {
    let (stores, words, toasts) = (use_stores(), use_words(), use_toasts());
    let report = Memo::new(move |_| stores.syncs.with(|syncs| syncs.report(instance).cloned()));
    let asks = Memo::new(move |_| {
        report.with(|report| report.as_ref().is_none_or(|report| report.asks_empty))
    });
    let name = move || {
        stores.instances.with(|instances| {
            instances.get(instance).map(|each| each.name.clone()).unwrap_or_default()
        })
    };
    let title = Signal::derive(move || {
        let key = if asks.get() { "sync.emptyTitle" } else { "sync.reportTitle" };
        words.fill(key, &[("name", &name())])
    });
    let confirm = move |()| {
        on_close.run(());
        spawn_local(async move {
            let answer = ipc::call::<ConfirmEmpty>(InstanceRef { id: instance }).await;
            if let Err(error) = answer {
                toasts.error(words.get("sync.failed"), error);
            }
        });
    };
    let footer = move || {
        view! {
            <Button on_press=on_close autofocus=true attr:data-testid="sync-report-close">
                {move || words.get(if asks.get() { "sync.keep" } else { "common.close" })}
            </Button>
            <Show when=move || asks.get()>
                <Button
                    kind=ButtonKind::Danger
                    on_press=confirm
                    attr:data-testid="sync-confirm-empty"
                >
                    {words.signal("advice.confirmEmpty")}
                </Button>
            </Show>
        }
    };
    view! {
        <Dialog title=title on_close=on_close footer=footer narrow=true attr:data-testid="sync-report">
            <Show when=move || asks.get()>
                <Note tone=Tone::Warning>{words.signal("sync.emptyBody")}</Note>
            </Show>
            {move || report.get().map(|report| facts(words, &report))}
        </Dialog>
    }
}

/// A dialog about a report of any time.
#[component]
pub(super) fn PastSyncReport(id: i64, #[prop(into)] on_close: Callback<()>) -> impl IntoView {
    let (stores, words) = (use_stores(), use_words());
    let answer = RwSignal::new(None::<Result<SyncReport, WireError>>);
    spawn_local(async move {
        let report = ipc::call::<Report>(SyncReportRef { id }).await;
        // Gone when the dialog was closed meanwhile.
        answer.try_set(Some(report));
    });
    let title = Signal::derive(move || {
        let instance = answer.with(|answer| Some(answer.as_ref()?.as_ref().ok()?.instance));
        let name = instance
            .and_then(|id| stores.instances.with(|all| all.get(id).map(|each| each.name.clone())))
            .unwrap_or_else(|| words.get("common.unknown"));
        words.fill("sync.reportTitle", &[("name", &name)])
    });
    let footer = move || {
        view! {
            <Button on_press=on_close autofocus=true attr:data-testid="sync-report-close">
                {words.signal("common.close")}
            </Button>
        }
    };
    view! {
        <Dialog title=title on_close=on_close footer=footer narrow=true attr:data-testid="sync-report">
            {move || match answer.get() {
                None => view! { <Skeleton rows=3 /> }.into_any(),
                Some(Ok(report)) => facts(words, &report).into_any(),
                Some(Err(error)) => view! { <ErrorCard error=Signal::stored(error) /> }.into_any(),
            }}
        </Dialog>
    }
}

/// The figures, what went wrong and every model that changed.
fn facts(words: Words, report: &SyncReport) -> impl IntoView + use<> {
    let count = |value: u32| format::count(u64::from(value));
    let errors: Vec<String> =
        report.errors.iter().map(|error| problem::line(words, error)).collect();
    let more = u64::from(report.added + report.updated + report.removed)
        .saturating_sub(report.items.len() as u64);
    let stopped = report.result() == SyncResult::Stopped;
    view! {
        {stopped.then(|| view! { <Note>{words.get("sync.stopped")}</Note> })}
        <dl class="facts">
            <dt>{words.get("sync.trigger")}</dt>
            <dd>{words.get(&format!("trigger.{}", report.trigger.as_str()))}</dd>
            <dt>{words.get("change.added")}</dt>
            <dd class="num">{count(report.added)}</dd>
            <dt>{words.get("change.updated")}</dt>
            <dd class="num">{count(report.updated)}</dd>
            <dt>{words.get("change.removed")}</dt>
            <dd class="num">{count(report.removed)}</dd>
            <dt>{words.get("sync.unchanged")}</dt>
            <dd class="num">{count(report.unchanged)}</dd>
            <dt>{words.get("sync.took")}</dt>
            <dd class="num">{format!("{:.1} s", report.duration_ms as f64 / 1000.0)}</dd>
        </dl>
        <ul class="result-list">
            {errors
                .into_iter()
                .map(|text| view! { <li class="result-list__item bad">{text}</li> })
                .collect_view()}
            {changes(words, &report.items)}
        </ul>
        {(more > 0).then(|| view! {
            <p class="dim">{words.fill("models.andMore", &[("n", &more.to_string())])}</p>
        })}
    }
}

/// A dialog about what changed from one report to another.
#[component]
pub(super) fn ComparedReports(
    one: i64,
    other: i64,
    #[prop(into)] on_close: Callback<()>,
) -> impl IntoView {
    let words = use_words();
    let answer = RwSignal::new(None::<Result<Comparison, WireError>>);
    spawn_local(async move {
        let compared = ipc::call::<Compare>(CompareReports { one, other }).await;
        // Gone when the dialog was closed meanwhile.
        answer.try_set(Some(compared));
    });
    let footer = move || {
        view! {
            <Button on_press=on_close autofocus=true attr:data-testid="sync-compare-close">
                {words.signal("common.close")}
            </Button>
        }
    };
    view! {
        <Dialog
            title=words.signal("sync.compareTitle")
            on_close=on_close
            footer=footer
            attr:data-testid="sync-compare"
        >
            {move || match answer.get() {
                None => view! { <Skeleton rows=3 /> }.into_any(),
                Some(Ok(compared)) => compared_facts(words, &compared).into_any(),
                Some(Err(error)) => view! { <ErrorCard error=Signal::stored(error) /> }.into_any(),
            }}
        </Dialog>
    }
}

fn compared_facts(words: Words, compared: &Comparison) -> impl IntoView + use<> {
    let (from, to) = (compared.earlier.started_at, compared.later.started_at);
    let (from, to) = (format::moment(from), format::moment(to));
    let none = compared.items.is_empty();
    view! {
        <p class="dim num">{words.fill("sync.compareSpan", &[("from", &from), ("to", &to)])}</p>
        {(!compared.whole).then(|| view! {
            <Note tone=Tone::Warning>{words.get("sync.compareNotWhole")}</Note>
        })}
        {none.then(|| view! { <p>{words.get("sync.compareSame")}</p> })}
        <ul class="result-list" data-testid="sync-compare-items">{changes(words, &compared.items)}</ul>
    }
}
