//! Single settings: the palette opens the page and goes to the control.

use leptos::prelude::*;

use super::entry::{Doing, Entry, Section};
use crate::{components, navigation::Page};

/// Settings by the name of their text and of their control.
const FIELDS: &[&str] = &[
    "fetchWay",
    "parallelDownloads",
    "parallelInAll",
    "connections",
    "diskReserveMb",
    "maxAttempts",
    "bandwidthKb",
    "pauseOnMetered",
    "onlyWhileIdle",
    "smokeTest",
    "resumeOnStart",
    "syncMinutes",
    "syncFailures",
    "syncKeepDays",
    "syncKeepReports",
    "pollVisibleSeconds",
    "pollHiddenSeconds",
    "undoSeconds",
    "loadTimeoutSeconds",
    "notifyDownloadDone",
    "notifyFailed",
    "notifyInstanceDown",
    "notifyModelCrashed",
];

/// One entry per setting.
pub(super) fn entries(doing: Doing) -> impl Iterator<Item = Entry> {
    let Doing { words, navigation, .. } = doing;
    FIELDS.iter().map(move |field| Entry {
        section: Section::Settings,
        name: (*field).to_owned(),
        icon: icondata::LuSettings,
        label: words.get(&format!("settings.{field}")),
        object: None,
        shortcut: None,
        score: 0,
        run: Callback::new(move |()| {
            navigation.open(Page::Settings);
            doing.then(move || show(field));
        }),
    })
}

/// Brings the control into view and gives it the focus.
fn show(field: &str) {
    let found = document().query_selector(&format!("[data-testid='settings-{field}']"));
    if let Ok(Some(control)) = found {
        control.scroll_into_view();
        components::focus(&control);
    }
}
