//! Files that were dropped onto the window. The shell tells their paths; the Models page takes them.

use corral_contract::desktop::{DROPPED, Dropped};
use leptos::{prelude::*, task::spawn_local};

use crate::{
    ipc,
    navigation::{Navigation, Page},
};

/// What waits to be taken.
#[derive(Clone, Copy)]
struct Drops(RwSignal<Option<Vec<String>>>);

/// Listens as long as the window lives.
pub fn hear(navigation: Navigation) {
    let waiting = RwSignal::new(None);
    provide_context(Drops(waiting));
    spawn_local(async move {
        ipc::listen_to(DROPPED, move |Dropped { paths }| {
            waiting.set(Some(paths));
            navigation.open(Page::Models);
        })
        .await;
    });
}

/// The paths that wait; whoever takes them sets it to `None`.
#[must_use]
pub fn use_dropped() -> RwSignal<Option<Vec<String>>> {
    expect_context::<Drops>().0
}
