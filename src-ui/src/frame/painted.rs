//! Tells the shell when the window shows what it begins with, so that background work starts.

use corral_contract::{command::Nothing, desktop::call::Painted};
use leptos::{prelude::*, task::spawn_local};

use crate::{
    ipc,
    navigation::{Navigation, Page},
    paint::after_paint,
    state::{Link, Stores},
};

/// Waits for the first rows, or for what stands in their place, and for the frame that has them.
pub(crate) fn tell(stores: Stores, navigation: Navigation) {
    let shown = Memo::new(move |_| {
        stores.link.with(|link| *link != Link::Connecting)
            && (navigation.page.get() != Page::Models
                || stores.models.with(|models| models.answered()))
    });
    Effect::new(move |told: Option<bool>| {
        let now = shown.get();
        if now && told != Some(true) {
            ipc::forget_early();
            after_paint(|| {
                spawn_local(async {
                    // The shell does not wait for it for long.
                    let _ = ipc::call::<Painted>(Nothing {}).await;
                });
            });
        }
        now || told == Some(true)
    });
}
