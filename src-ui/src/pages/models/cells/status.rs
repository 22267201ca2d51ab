//! The status of a row, and why when it is not as usual.

use corral_contract::{
    models::ModelRow,
    progress::{LayerState, Progress},
    size,
    status::Status,
    updates::{RowUpdate, UpdateState},
};
use leptos::prelude::*;

use super::Row;
use crate::{
    components::StatusBadge,
    format,
    pages::{downloads::said, models::list::use_list},
    problem,
    state::{Stores, pending::Pending},
    words::{Words, use_words},
};

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
    let resting = matches!(row.status, Status::Stopped | Status::Running);
    if let Some(damaged) = row.checked.map(|it| it.damaged).filter(|n| resting && *n > 0) {
        return Some((words.fill("checks.rowDamaged", &[("n", &damaged.to_string())]), true));
    }
    if let Some(update) = row.update.as_ref().filter(|it| resting && !it.snoozed) {
        return Some((newer(update, words), false));
    }
    match row.status {
        Status::Queued | Status::Paused | Status::Downloading | Status::Verifying => {
            let now = stores.now.get();
            let wait = row.job.and_then(|id| {
                let job = stores.downloads.with(|downloads| downloads.get(id).cloned())?;
                Some(said::reason(words, &job, now)).filter(|text| !text.is_empty())
            });
            wait.or_else(|| row.progress.as_ref().and_then(|progress| layers(progress, words)))
                .map(|text| (text, false))
        }
        Status::Starting => Some((words.get("taskPhase.loading"), false)),
        Status::Unavailable => Some((words.get("models.goneFromServer"), false)),
        _ => None,
    }
}

/// Something newer, or the version before that is still kept.
fn newer(update: &RowUpdate, words: Words) -> String {
    match (update.state, update.bytes.filter(|bytes| *bytes > 0)) {
        (UpdateState::Available, Some(bytes)) => {
            words.fill("updates.rowBytes", &[("bytes", &size::format(bytes))])
        }
        (state, _) => words.get(&format!("updates.row.{}", state.as_str())),
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
