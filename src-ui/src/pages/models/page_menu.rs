//! What the page offers beside its buttons: everything about all models at once, and about files.

use corral_contract::{
    running::{StopAll, call::Stop},
    status::Status,
};
use leptos::{prelude::*, task::spawn_local};

use super::list::{List, Open};
use crate::{components::MenuItem, frame::toasts::Toasts, ipc, words::Words};

/// The entries, those that do nothing now with their reason.
pub(super) fn items(list: List, toasts: Toasts, words: Words) -> Vec<MenuItem> {
    let item = |key: &str, name: &str, icon, open: Open| {
        let run = move || list.open.set(open.clone());
        MenuItem { icon: Some(icon), ..MenuItem::new(words.get(key), name, run) }
    };
    let mut stop = MenuItem::new(words.get("run.stopAll"), "stop-all", move || {
        stop_all(list, toasts, words);
    });
    stop.icon = Some(icondata::LuSquare);
    let loaded = list
        .stores
        .models
        .with(|models| models.counts.of(Status::Running) + models.counts.of(Status::Starting));
    stop.reason = (loaded == 0).then(|| words.get("run.nothingRuns"));
    vec![
        stop,
        item("updates.button", "updates", icondata::LuRefreshCw, Open::Updates),
        item("export.button", "export", icondata::LuTable, Open::Table),
        item("moving.importButton", "import-file", icondata::LuFileUp, Open::Import),
        item("moving.saveListButton", "save-list", icondata::LuListChecks, Open::SaveList),
        item("moving.restoreButton", "restore-list", icondata::LuListRestart, Open::RestoreList),
        item("checks.fileButton", "check-file", icondata::LuShieldCheck, Open::CheckFile),
    ]
}

/// Unloads everything of the instances that show; each model is an item of one batch.
fn stop_all(list: List, toasts: Toasts, words: Words) {
    let request = StopAll { instance: list.scope.chosen.get_untracked() };
    spawn_local(async move {
        if let Err(error) = ipc::call::<Stop>(request).await {
            toasts.error(words.get("batch.failed"), error);
        }
    });
}
