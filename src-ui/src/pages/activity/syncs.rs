use corral_contract::{
    InstanceId, WireError,
    sync::{SyncHistoryRequest, SyncReport, SyncResult, Trigger, call},
};
use leptos::prelude::*;

use super::{
    audit::choices,
    paging::{FEW, PagedList, Paging},
};
use crate::{
    components::{Button, Checkbox, CopyButton, IconButton, Select, StatusBadge, Ticked},
    format,
    frame::toasts::{Offer, use_toasts},
    ipc, problem,
    state::{Stores, use_stores},
    words::{Words, use_words},
};

/// As many as the core gives at once.
const MOST: u32 = 200;

/// What the list is narrowed to; empty words narrow nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Filter {
    instance: String,
    trigger: String,
    result: String,
}

impl Filter {
    fn request(&self, before: Option<i64>, limit: u32) -> SyncHistoryRequest {
        SyncHistoryRequest {
            instance: self.instance.parse().ok().map(InstanceId),
            trigger: Trigger::parse(&self.trigger),
            result: SyncResult::parse(&self.result),
            before,
            limit: limit.min(MOST),
        }
    }
}

async fn ask(request: SyncHistoryRequest) -> Result<(Vec<SyncReport>, bool), WireError> {
    ipc::call::<call::History>(request).await.map(|history| (history.items, history.more))
}

fn look_of(result: SyncResult) -> (icondata::Icon, &'static str) {
    match result {
        SyncResult::Changed => (icondata::LuCircleCheck, "ok"),
        SyncResult::Unchanged => (icondata::LuCircle, "off"),
        SyncResult::Failed => (icondata::LuCircleAlert, "bad"),
        SyncResult::Stopped => (icondata::LuCircleX, "warn"),
    }
}

fn name_of(stores: Stores, words: Words, report: &SyncReport) -> String {
    let name = stores
        .instances
        .with(|instances| instances.get(report.instance).map(|each| each.name.clone()));
    name.unwrap_or_else(|| words.get("common.unknown"))
}

/// Past comparisons with the servers, newest first.
#[component]
pub(super) fn Syncs() -> impl IntoView {
    let (stores, words, toasts) = (use_stores(), use_words(), use_toasts());
    let paging = Paging::<SyncReport>::new();
    let filter = RwSignal::new(Filter::default());
    // Reports to compare: at most two, the one ticked last stays.
    let ticked = RwSignal::new(Vec::<SyncReport>::new());
    Effect::new(move |_| {
        // A sync that begins or ends is an event of this store.
        stores.syncs.track();
        let request = filter.with(|filter| filter.request(None, untrack(|| paging.shown())));
        untrack(|| paging.first(ask(request)));
    });
    let more = move |()| {
        let last = paging.items.with_untracked(|items| items.last().map(|report| report.id));
        paging.next(ask(filter.with_untracked(|filter| filter.request(last, FEW))));
    };
    let row = move |report: SyncReport| {
        let count = |value: u32| format::count(u64::from(value));
        let problems: Vec<String> =
            report.errors.iter().map(|error| problem::line(words, error)).collect();
        let problems = problems.join(" · ");
        let asks = report.asks_empty.then(|| words.get("activity.askedEmpty"));
        let title = problems.clone();
        let id = report.id;
        let open = move || toasts.open(Offer::Report(id));
        let (icon, tone) = look_of(report.result());
        let when = format::moment(report.started_at);
        let label = words.fill("activity.compareThis", &[("time", &when)]);
        let kept = report.clone();
        view! {
            <tr data-testid=format!("sync-row-{id}") on:dblclick=move |_| open()>
                <td>
                    <Checkbox
                        ticked=Signal::derive(move || {
                            Ticked::from(ticked.with(|all| all.iter().any(|each| each.id == id)))
                        })
                        label=label
                        bare=true
                        on_toggle=move |_| ticked.update(|all| toggle(all, &kept))
                        attr:data-testid="sync-tick"
                    />
                </td>
                <td class="num dim">{when}</td>
                <td>{name_of(stores, words, &report)}</td>
                <td>{words.get(&format!("trigger.{}", report.trigger.as_str()))}</td>
                <td>
                    <StatusBadge
                        icon=icon
                        tone=tone
                        text=words.get(&format!("syncResult.{}", report.result().as_str()))
                    />
                </td>
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
    let csv = Signal::derive(move || paging.items.with(|items| csv(stores, words, items)));
    view! {
        <Filters filter ticked csv />
        <PagedList
            paging
            empty=words.signal("activity.noSyncs")
            icon=icondata::LuArrowDownUp
            on_more=more
        >
            <table class="activity__table">
                <thead>
                    <tr>
                        <th aria-label=words.signal("activity.compare")></th>
                        <th class="activity__when">{words.signal("activity.when")}</th>
                        <th>{words.signal("top.instance")}</th>
                        <th>{words.signal("activity.trigger")}</th>
                        <th>{words.signal("activity.outcome")}</th>
                        <th class="activity__count">{words.signal("change.added")}</th>
                        <th class="activity__count">{words.signal("change.updated")}</th>
                        <th class="activity__count">{words.signal("change.removed")}</th>
                        <th class="activity__count">{words.signal("sync.unchanged")}</th>
                        <th class="activity__count">{words.signal("sync.took")}</th>
                        <th class="activity__wide">{words.signal("activity.problems")}</th>
                        <th aria-label=words.signal("activity.openReport")></th>
                    </tr>
                </thead>
                <tbody>{move || paging.items.get().into_iter().map(row).collect_view()}</tbody>
            </table>
        </PagedList>
    }
}

#[component]
fn Filters(
    filter: RwSignal<Filter>,
    ticked: RwSignal<Vec<SyncReport>>,
    csv: Signal<String>,
) -> impl IntoView {
    let (stores, words, toasts) = (use_stores(), use_words(), use_toasts());
    let instances = Signal::derive(move || {
        let mut options = vec![(String::new(), words.get("top.allInstances"))];
        stores.instances.with(|all| {
            options.extend(all.all().iter().map(|each| (each.id.to_string(), each.name.clone())));
        });
        options
    });
    let why_not = Signal::derive(move || {
        ticked.with(|all| match all.as_slice() {
            [one, other] if one.instance == other.instance => String::new(),
            [_, _] => words.get("reason.otherInstance"),
            _ => words.get("activity.compareTwo"),
        })
    });
    let compare = move |()| {
        if let [one, other] = ticked.get_untracked().as_slice() {
            toasts.open(Offer::Compare(one.id, other.id));
        }
    };
    view! {
        <div class="page__bar activity__bar">
            <Select
                id="syncs-instance"
                label=words.signal("top.instance")
                options=instances
                value=Signal::derive(move || filter.with(|filter| filter.instance.clone()))
                on_change=move |to| filter.update(|filter| filter.instance = to)
                attr:data-testid="syncs-instance"
            />
            <Select
                id="syncs-trigger"
                label=words.signal("activity.trigger")
                options=Signal::derive(move || {
                    let all: Vec<_> = Trigger::ALL.iter().map(|each| each.as_str()).collect();
                    choices(words, "activity.anyTrigger", "trigger.", &all)
                })
                value=Signal::derive(move || filter.with(|filter| filter.trigger.clone()))
                on_change=move |to| filter.update(|filter| filter.trigger = to)
                attr:data-testid="syncs-trigger"
            />
            <Select
                id="syncs-result"
                label=words.signal("activity.outcome")
                options=Signal::derive(move || {
                    let all: Vec<_> = SyncResult::ALL.iter().map(|each| each.as_str()).collect();
                    choices(words, "activity.anyOutcome", "syncResult.", &all)
                })
                value=Signal::derive(move || filter.with(|filter| filter.result.clone()))
                on_change=move |to| filter.update(|filter| filter.result = to)
                attr:data-testid="syncs-result"
            />
            <span class="page__gap"></span>
            <Button
                small=true
                icon=icondata::LuGitCompareArrows
                reason=why_not
                on_press=compare
                attr:data-testid="syncs-compare"
            >
                {words.signal("activity.compare")}
            </Button>
            <span title=words.signal("activity.copyCsv")>
                <CopyButton text=csv attr:data-testid="syncs-csv" />
            </span>
        </div>
    }
}

/// Ticks a report, or takes its tick away. Of more than two the oldest tick goes.
fn toggle(all: &mut Vec<SyncReport>, report: &SyncReport) {
    let before = all.len();
    all.retain(|each| each.id != report.id);
    if all.len() == before {
        all.push(report.clone());
    }
    if all.len() > 2 {
        all.remove(0);
    }
}

/// The rows that show, for a spreadsheet.
fn csv(stores: Stores, words: Words, items: &[SyncReport]) -> String {
    let mut text = String::from(
        "id,started,instance,trigger,result,added,updated,removed,unchanged,duration_ms,errors\n",
    );
    for report in items {
        let errors: Vec<&str> = report.errors.iter().map(|error| error.code.as_str()).collect();
        let cells = [
            report.id.to_string(),
            format::moment(report.started_at),
            name_of(stores, words, report),
            report.trigger.as_str().to_owned(),
            report.result().as_str().to_owned(),
            report.added.to_string(),
            report.updated.to_string(),
            report.removed.to_string(),
            report.unchanged.to_string(),
            report.duration_ms.to_string(),
            errors.join(" "),
        ];
        text.push_str(&cells.map(|cell| quoted(&cell)).join(","));
        text.push('\n');
    }
    text
}

/// A cell as spreadsheets read it. One that begins like a formula is kept from being one.
fn quoted(cell: &str) -> String {
    let plain =
        if cell.starts_with(['=', '+', '-', '@']) { format!("'{cell}") } else { cell.to_owned() };
    if plain.contains([',', '"', '\n']) {
        format!("\"{}\"", plain.replace('"', "\"\""))
    } else {
        plain
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_become_a_request() {
        let filter = Filter {
            instance: "3".to_owned(),
            trigger: "wake".to_owned(),
            result: "failed".to_owned(),
        };
        assert_eq!(
            filter.request(Some(9), 500),
            SyncHistoryRequest {
                instance: Some(InstanceId(3)),
                trigger: Some(Trigger::Wake),
                result: Some(SyncResult::Failed),
                before: Some(9),
                limit: 200,
            }
        );
        assert_eq!(Filter::default().request(None, 100).trigger, None);
    }

    #[test]
    fn cells_stay_cells() {
        assert_eq!(quoted("lab"), "lab");
        assert_eq!(quoted("a,\"b\""), "\"a,\"\"b\"\"\"");
        assert_eq!(quoted("=1+1"), "'=1+1");
    }
}
