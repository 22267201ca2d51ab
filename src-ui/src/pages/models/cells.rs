//! The cells of a row. Each follows only what it shows, so that a tick of progress moves a bar and
//! two texts and nothing else.

use std::sync::Arc;

use corral_contract::{
    InstanceId, WireError,
    models::ModelRow,
    progress::{LayerState, Progress, WaitReason},
    status::{Install, Status},
};
use leptos::prelude::*;

use super::{
    actions::{Actions, icon, label, next_step, why_not},
    list::use_list,
};
use crate::{
    components::{Button, Checkbox, IconButton, StatusBadge, use_menu},
    format, problem,
    state::{Stores, pending::Pending},
    words::{Words, use_words},
};

mod memory;

pub use memory::memory_cell;

/// The row at a place, followed.
pub type Row = Memo<Option<Arc<ModelRow>>>;

/// The content of one cell.
#[must_use]
pub fn cell(row: Row, place: usize, key: &'static str, actions: Actions) -> AnyView {
    let (words, stores) = (actions.words, actions.list.stores);
    match key {
        "select" => view! { <SelectCell row place /> }.into_any(),
        "status" => view! { <StatusCell row /> }.into_any(),
        "name" => view! { <NameCell row /> }.into_any(),
        "memory" => memory_cell(row, words, stores).into_any(),
        "actions" => view! { <ActionsCell row actions /> }.into_any(),
        _ => {
            let text =
                Memo::new(move |_| row.with(|row| plain(row.as_deref(), key, words, stores)));
            view! { <span class=class(key) title=move || hint(row, key)>{text}</span> }.into_any()
        }
    }
}

fn class(key: &str) -> &'static str {
    match key {
        "size" => "num cut",
        "digest" => "mono cut dim",
        _ => "num cut dim",
    }
}

fn hint(row: Row, key: &str) -> Option<String> {
    row.with(|row| {
        let row = row.as_ref()?;
        match key {
            "created" => Some(format::moment(row.created_at)),
            "digest" => row.digest.clone(),
            "message" => Some(row.message.clone()),
            "capabilities" => Some(row.capabilities.join(", ")),
            "from" => Some(row.registry.clone()),
            "size" => row.bytes.map(|bytes| format!("{} B", format::count(bytes))),
            _ => None,
        }
    })
}

/// A cell that is a text.
fn plain(row: Option<&ModelRow>, key: &str, words: Words, stores: Stores) -> String {
    let Some(row) = row else {
        return String::new();
    };
    let none = || words.get("common.none");
    match key {
        "size" if row.cloud => words.get("status.cloud"),
        "size" if row.size.is_empty() => words.get("common.unknown"),
        "size" => row.size.clone(),
        "quantization" => row.quantization.clone().unwrap_or_else(none),
        "from" => words.get(&format!("origin.{}", row.from.as_str())),
        "unloads" => match &row.memory {
            Some(memory) => match memory.expires_at {
                Some(at) => format::clock(at.since(stores.now.get()) / 1000),
                None => words.get("models.pinned"),
            },
            None => none(),
        },
        "created" => format::day(words, row.created_at, stores.now.get_untracked()),
        "instance" => instance_name(stores, row.instance),
        "id" => row.id.to_string(),
        "message" => Some(row.message.clone()).filter(|text| !text.is_empty()).unwrap_or_else(none),
        "log" => words.get(if row.log_file_exist { "common.yes" } else { "common.no" }),
        "digest" => {
            row.digest.as_deref().map(format::short_digest).map_or_else(none, str::to_owned)
        }
        "modified" => row.modified_at.map_or_else(none, format::moment),
        "capabilities" if row.capabilities.is_empty() => none(),
        "capabilities" => row.capabilities.join(", "),
        _ => String::new(),
    }
}

/// The shown name of an instance.
#[must_use]
pub fn instance_name(stores: Stores, id: InstanceId) -> String {
    stores.instances.with(|instances| {
        instances.get(id).map(|each| each.name.clone()).unwrap_or_else(|| id.to_string())
    })
}

#[component]
fn SelectCell(row: Row, place: usize) -> impl IntoView {
    let (words, list) = (use_words(), use_list());
    let ticked = Memo::new(move |_| list.stores.models.with(|models| models.is_selected(place)));
    view! {
        <Show when=move || row.with(Option::is_some)>
            <Checkbox
                bare=true
                ticked=Signal::derive(move || ticked.get().into())
                label=Signal::derive(move || {
                    let name = row.with(|row| row.as_ref().map(|row| row.name.clone()));
                    words.fill("models.selectRow", &[("name", &name.unwrap_or_default())])
                })
                skip_tab=Signal::derive(move || list.active.get() != place)
                on_toggle=move |event: web_sys::MouseEvent| {
                    list.stores.models.update(|models| {
                        if event.shift_key() { models.extend(place) } else { models.toggle(place) }
                    });
                }
            />
        </Show>
    }
}

/// Icon and tone of a status.
#[must_use]
pub fn look(status: Status, cloud: bool) -> (icondata::Icon, &'static str) {
    match status {
        Status::Running => (icondata::LuCircleCheck, "ok"),
        Status::Starting | Status::Stopping => (icondata::LuLoaderCircle, "busy"),
        Status::Downloading => (icondata::LuDownload, "busy"),
        Status::Verifying => (icondata::LuShield, "busy"),
        Status::Queued => (icondata::LuClock, "busy"),
        Status::Paused => (icondata::LuPause, "warn"),
        Status::Stopped if cloud => (icondata::LuCloud, "off"),
        Status::Stopped => (icondata::LuSquare, "off"),
        Status::Failed => (icondata::LuCircleAlert, "bad"),
        Status::Crashed => (icondata::LuZap, "bad"),
        Status::Unavailable => (icondata::LuCircleDashed, "off"),
    }
}

/// The status with its reason under it; `row` may be the drawer's as well.
#[component]
pub fn StatusCell(row: Row) -> impl IntoView {
    let (words, list) = (use_words(), use_list());
    let stores = list.stores;
    let status = Memo::new(move |_| {
        row.with(|row| {
            row.as_ref().map(|row| {
                let action = stores.pending.with(|pending| pending.of(row.id));
                (Pending::assumed(action, row.status), row.cloud)
            })
        })
    });
    let reason = Memo::new(move |_| {
        row.with(|row| row.as_deref().and_then(|row| reason(row, words, stores)))
    });
    view! {
        {move || match status.get() {
            None => view! { <span class="models__wait"></span> }.into_any(),
            Some((status, cloud)) => {
                let (icon, tone) = look(status, cloud);
                let key = if cloud && status == Status::Stopped {
                    "status.cloud".to_owned()
                } else {
                    format!("status.{}", status.as_str())
                };
                view! {
                    <StatusBadge
                        icon=icon
                        tone=tone
                        text=Signal::derive(move || words.get(&key))
                        turning=matches!(status, Status::Starting | Status::Stopping)
                    />
                }
                    .into_any()
            }
        }}
        {move || {
            reason.get().map(|(text, bad)| {
                let hint = text.clone();
                view! { <small class="models__why" class:models__why--bad=bad title=hint>{text}</small> }
            })
        }}
    }
}

/// One line under the status when something is not as usual, and whether it is bad.
fn reason(row: &ModelRow, words: Words, stores: Stores) -> Option<(String, bool)> {
    if !row.online {
        let text = match row.seen_at {
            Some(at) => words.fill("models.asOf", &[("time", &format::time_of_day(at))]),
            None => words.get("why.offline"),
        };
        return Some((text, false));
    }
    if let (Status::Failed | Status::Crashed, Some(error)) = (row.status, &row.problem) {
        return Some((problem::reason(words, error), true));
    }
    match row.status {
        Status::Queued | Status::Paused | Status::Downloading | Status::Verifying => {
            let wait = row.job.and_then(|id| {
                stores
                    .downloads
                    .with(|downloads| downloads.get(id).and_then(|job| job.wait.clone()))
            });
            match (wait, &row.progress) {
                (Some(wait), _) => Some((waiting(&wait, words, stores), false)),
                (None, Some(progress)) => layers(progress, words).map(|text| (text, false)),
                (None, None) => None,
            }
        }
        Status::Starting => Some((words.get("taskPhase.loading"), false)),
        Status::Unavailable => Some((words.get("models.goneFromServer"), false)),
        _ => None,
    }
}

/// Why a job stands still, in words.
#[must_use]
pub fn waiting(wait: &WaitReason, words: Words, stores: Stores) -> String {
    match wait {
        WaitReason::Queue { position } => {
            let ahead = position.saturating_sub(1).to_string();
            words.fill("wait.queue", &[("n", &ahead)])
        }
        WaitReason::User => words.get("wait.user"),
        WaitReason::Offline => words.get("wait.offline"),
        WaitReason::Quit => words.get("wait.quit"),
        WaitReason::Disk { missing } => {
            words.fill("wait.disk", &[("missing", &corral_contract::size::format(*missing))])
        }
        WaitReason::Retry { at, attempt, code } => {
            let left = (at - stores.now.get().0) / 1000;
            let error = problem::line(words, &WireError::new(*code));
            words.fill(
                "wait.retry",
                &[
                    ("time", &format::clock(left)),
                    ("attempt", &attempt.to_string()),
                    ("problem", &error),
                ],
            )
        }
    }
}

fn layers(progress: &Progress, words: Words) -> Option<String> {
    let total = progress.layers.len();
    let over =
        |state| matches!(state, LayerState::Present | LayerState::Fetched | LayerState::Verified);
    let done = progress.layers.iter().filter(|layer| over(layer.state)).count();
    (total > 1).then(|| {
        let now = (done + 1).min(total).to_string();
        words.fill("models.layer", &[("n", &now), ("total", &total.to_string())])
    })
}

#[component]
fn NameCell(row: Row) -> impl IntoView {
    let list = use_list();
    let stores = list.stores;
    // Where several instances show, the row says whose it is.
    let instance = Memo::new(move |_| {
        let several = stores.instances.with(|instances| instances.all().len() > 1);
        let one = stores.models.with(|models| models.query().instance_id.is_some());
        let id = row.with(|row| row.as_ref().map(|row| row.instance));
        id.filter(|_| several && !one).map(|id| instance_name(stores, id))
    });
    let name = Memo::new(move |_| {
        row.with(|row| row.as_ref().map(|row| (row.id, row.name.clone(), row.aliases.clone())))
    });
    move || {
        name.get().map(|(id, name, aliases)| {
            let (model, tag) = split(&name);
            let title = if aliases.is_empty() {
                name.clone()
            } else {
                format!("{name} = {}", aliases.join(" = "))
            };
            view! {
                <button
                    type="button"
                    class="models__name cut"
                    tabindex="-1"
                    title=title
                    on:click=move |event| {
                        if !event.ctrl_key() && !event.meta_key() && !event.shift_key() {
                            list.detail.set(Some(id));
                        }
                    }
                >
                    {model}
                    <span class="faint">{tag}</span>
                </button>
                <small class="models__why">{instance}</small>
            }
        })
    }
}

/// A name without its tag, and the tag with its colon.
#[must_use]
pub fn split(name: &str) -> (String, String) {
    match name.rfind(':') {
        Some(place) => (name[..place].to_owned(), name[place..].to_owned()),
        None => (name.to_owned(), String::new()),
    }
}

/// The next step as a button, everything else behind the dots.
#[component]
fn ActionsCell(row: Row, actions: Actions) -> impl IntoView {
    let (words, menu) = (use_words(), use_menu());
    let pending = Memo::new(move |_| {
        row.with(|row| row.as_ref().map(|row| row.id))
            .is_some_and(|id| actions.list.stores.pending.with(|pending| pending.of(id).is_some()))
    });
    let step = Memo::new(move |_| {
        row.with(|row| {
            let row = row.as_deref()?;
            let action = next_step(row)?;
            Some((action, row.status, why_not(words, action, row).unwrap_or_default()))
        })
    });
    let items = Signal::derive(move || {
        row.with(|row| row.as_deref().map(|row| actions.menu(row)).unwrap_or_default())
    });
    view! {
        <div class="models__actions">
            {move || {
                step.get().map(|(action, status, reason)| {
                    view! {
                        <Button
                            small=true
                            icon=if action == corral_contract::status::Action::Resume
                                && status == Status::Paused
                            {
                                icondata::LuPlay
                            } else {
                                icon(action)
                            }
                            reason=reason
                            pending=pending
                            on_press=move |()| {
                                if let Some(row) = row.get_untracked() {
                                    actions.act(action, &row);
                                }
                            }
                            attr:data-testid=format!("row-action-{}", action.as_str())
                        >
                            {words.signal(label(action, status))}
                        </Button>
                    }
                })
            }}
            <Show when=move || row.with(Option::is_some)>
                <IconButton
                    icon=icondata::LuEllipsis
                    label=words.signal("common.more")
                    popup=true
                    on_press=move |event: web_sys::MouseEvent| {
                        let name = row.with_untracked(|row| row.as_ref().map(|row| row.name.clone()));
                        menu.open_under(&event, name.unwrap_or_default(), items);
                    }
                    attr:data-testid="row-menu"
                />
            </Show>
        </div>
    }
}

/// Whether a row's download figures are worth a bar.
#[must_use]
pub(super) fn moving(row: &ModelRow) -> bool {
    row.progress.is_some() && !matches!(row.install, Install::Ready | Install::Unavailable)
}
