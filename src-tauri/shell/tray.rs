//! The tray icon: how things stand, and the few commands worth having without the window.
//!
//! What it shows is a pure function of a [`picture::Picture`]; the picture follows the bus. On
//! Linux there may be nobody who shows tray icons; then there is no tray, and nothing ever hides.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tauri::{AppHandle, Manager, Runtime};

mod act;
mod follow;
#[cfg(target_os = "linux")]
mod host;
pub mod menu;
pub mod picture;
mod view;

use crate::window;

/// Whether somebody shows our icon now.
#[derive(Default)]
pub struct Host(AtomicBool);

impl Host {
    /// Whether the window may hide, because the tray can bring it back.
    #[must_use]
    pub fn there(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    fn set(&self, there: bool) {
        self.0.store(there, Ordering::SeqCst);
    }
}

/// Shows the icon as soon as somebody can show it.
pub fn start<R: Runtime>(app: &AppHandle<R>) {
    let view = Arc::new(view::View::default());
    follow::start(app, Arc::clone(&view));
    #[cfg(target_os = "linux")]
    host::watch(app, view);
    #[cfg(not(target_os = "linux"))]
    host_changed(app, &view, true, true);
}

/// Makes the tray, or makes sure that nobody misses it: a window that only the tray could bring
/// back shows itself when the tray is gone. A start that wanted to hide goes to the task bar.
fn host_changed<R: Runtime>(app: &AppHandle<R>, view: &view::View<R>, there: bool, first: bool) {
    let there = there && view.make(app);
    app.state::<Host>().set(there);
    if there || window::visible(app) {
        return;
    }
    if first {
        window::present_quietly(app);
    } else {
        window::present(app);
    }
}
