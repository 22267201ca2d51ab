//! Compares with the server now; shows how far it is and can be stopped.

use corral_contract::{
    ErrorCode, InstanceId,
    instances::InstanceRef,
    sync::call::{Cancel, Run},
};
use leptos::{prelude::*, task::spawn_local};

use super::list::{List, use_list};
use crate::{
    components::{Button, IconButton},
    frame::toasts::{Offer, Toasts, use_toasts},
    ipc,
    words::{Words, use_words},
};

/// The instances that the page shows.
fn shown(list: List) -> Vec<InstanceId> {
    match list.scope.chosen.get() {
        Some(id) => vec![id],
        None => list
            .stores
            .instances
            .with(|instances| instances.all().iter().map(|each| each.id).collect()),
    }
}

/// Syncs what the page shows; the reports come as events.
pub(super) fn sync_chosen(list: List, toasts: Toasts, words: Words) {
    for id in untrack(|| shown(list)) {
        spawn_local(async move {
            match ipc::call::<Run>(InstanceRef { id }).await {
                Ok(_) => {}
                Err(error) if error.code == ErrorCode::Cancelled => {}
                Err(error) if error.code == ErrorCode::EmptyListSuspicious => {
                    toasts.open(Offer::Sync(id));
                }
                Err(error) => toasts.error(words.get("sync.failed"), error),
            }
        });
    }
}

/// The button; while a sync runs it shows how far it is, with a cross to stop it.
#[component]
pub(super) fn SyncButton() -> impl IntoView {
    let (words, list, toasts) = (use_words(), use_list(), use_toasts());
    let running = Memo::new(move |_| {
        let shown = shown(list);
        list.stores.syncs.with(|syncs| {
            let running = shown.iter().filter_map(|id| syncs.running(*id));
            running
                .map(|sync| (sync.done, sync.total))
                .reduce(|one, other| (one.0 + other.0, one.1 + other.1))
        })
    });
    let on = Memo::new(move |_| running.with(Option::is_some));
    let text = move || match running.get() {
        Some((done, total)) if total > 0 => words
            .fill("sync.progress", &[("done", &done.to_string()), ("total", &total.to_string())]),
        Some(_) => words.get("statusBar.syncing"),
        None => words.get("sync.button"),
    };
    let cancel = move |_| {
        for id in untrack(|| shown(list)) {
            spawn_local(async move {
                if let Err(error) = ipc::call::<Cancel>(InstanceRef { id }).await {
                    toasts.error(words.get("sync.failed"), error);
                }
            });
        }
    };
    let reason = Signal::derive(move || {
        if shown(list).is_empty() { words.get("top.noInstance") } else { String::new() }
    });
    view! {
        <Show when=move || on.get()>
            <IconButton
                icon=icondata::LuX
                label=words.signal("sync.cancel")
                on_press=cancel
                attr:data-testid="sync-cancel"
            />
        </Show>
        <Button
            icon=icondata::LuRefreshCw
            pending=on
            reason=reason
            on_press=move |()| sync_chosen(list, toasts, words)
            attr:data-testid="sync-button"
        >
            <span class="num">{text}</span>
        </Button>
    }
}
