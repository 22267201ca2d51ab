//! Corral's window: pages that read stores, stores that are fed by the core's snapshot and events.
//!
//! `components` know neither the core nor its stores; `ipc::js` is the only place that touches
//! Tauri's script; the reducers in `state` are plain Rust and tested on the host.

#![expect(
    unreachable_pub,
    reason = "the component macro writes a second function with the visibility of the first"
)]

pub mod app;
pub mod components;
mod fault;
pub mod format;
pub mod frame;
pub mod ipc;
pub mod navigation;
pub mod pages;
mod paint;
pub mod preferences;
pub mod problem;
pub mod state;
pub mod words;

/// Puts the window's content in place of the boot frame.
pub fn mount() {
    fault::watch();
    words::take_over();
    if let Some(boot) = leptos::prelude::document().get_element_by_id("boot") {
        boot.remove();
    }
    leptos::mount::mount_to_body(app::App);
}
