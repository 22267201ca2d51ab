use corral_contract::{
    WireError,
    sync::{SyncHistoryRequest, SyncReport, call},
};
use leptos::prelude::*;

use super::paging::{PagedList, Paging};
use crate::{
    components::IconButton,
    format,
    frame::toasts::{Offer, use_toasts},
    ipc, problem,
    state::use_stores,
    words::use_words,
};

/// As many as the core gives.
const MOST: u32 = 200;

async fn ask() -> Result<(Vec<SyncReport>, bool), WireError> {
    let request = SyncHistoryRequest { instance: None, limit: MOST };
    ipc::call::<call::History>(request).await.map(|history| (history.items, false))
}

/// Past comparisons with the servers, newest first.
#[component]
pub(super) fn Syncs() -> impl IntoView {
    let (stores, words, toasts) = (use_stores(), use_words(), use_toasts());
    let paging = Paging::<SyncReport>::new();
    Effect::new(move |_| {
        // A sync that begins or ends is an event of this store.
        stores.syncs.track();
        untrack(|| paging.first(ask()));
    });
    let row = move |report: SyncReport| {
        let name = stores
            .instances
            .with(|instances| instances.get(report.instance).map(|each| each.name.clone()));
        let name = name.unwrap_or_else(|| words.get("common.unknown"));
        let count = |value: u32| format::count(u64::from(value));
        let problems: Vec<String> =
            report.errors.iter().map(|error| problem::line(words, error)).collect();
        let problems = problems.join(" · ");
        let asks = report.asks_empty.then(|| words.get("activity.askedEmpty"));
        let title = problems.clone();
        let id = report.id;
        let open = move || toasts.open(Offer::Report(id));
        view! {
            <tr data-testid=format!("sync-row-{id}") on:dblclick=move |_| open()>
                <td class="num dim">{format::moment(report.started_at)}</td>
                <td>{name}</td>
                <td>{words.get(&format!("trigger.{}", report.trigger.as_str()))}</td>
                <td class="num activity__count">{count(report.added)}</td>
                <td class="num activity__count">{count(report.updated)}</td>
                <td class="num activity__count">{count(report.removed)}</td>
                <td class="num activity__count dim">{count(report.unchanged)}</td>
                <td class="num activity__count">
                    {words.fill("top.latency", &[("ms", &format::count(report.duration_ms))])}
                </td>
                <td class="activity__bad" title=title>{asks} {problems}</td>
                <td class="activity__open">
                    <IconButton
                        icon=icondata::LuFileText
                        label=words.signal("activity.openReport")
                        on_press=move |_| open()
                        attr:data-testid="sync-open"
                    />
                </td>
            </tr>
        }
    };
    view! {
        <PagedList
            paging
            empty=words.signal("activity.noSyncs")
            icon=icondata::LuArrowDownUp
            on_more=move |()| {}
        >
            <table class="activity__table">
                <thead>
                    <tr>
                        <th class="activity__when">{words.signal("activity.when")}</th>
                        <th>{words.signal("top.instance")}</th>
                        <th>{words.signal("activity.trigger")}</th>
                        <th class="activity__count">{words.signal("change.added")}</th>
                        <th class="activity__count">{words.signal("change.updated")}</th>
                        <th class="activity__count">{words.signal("change.removed")}</th>
                        <th class="activity__count">{words.signal("sync.unchanged")}</th>
                        <th class="activity__count">{words.signal("sync.took")}</th>
                        <th class="activity__wide">{words.signal("activity.problems")}</th>
                        <th></th>
                    </tr>
                </thead>
                <tbody>{move || paging.items.get().into_iter().map(row).collect_view()}</tbody>
            </table>
        </PagedList>
    }
}
