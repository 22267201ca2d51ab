//! A fault of the page itself. The part in which it happened stands still from then on and may show
//! what is no longer true, so it is said, and written to the log.

use std::{panic, sync::LazyLock, time::Duration};

use corral_contract::desktop::{PageFault, call::Fault};
use js_sys::Reflect;
use leptos::{prelude::*, task::spawn_local};
use wasm_bindgen::JsValue;

use crate::ipc;

/// Outside every owner: what is owned may be what broke.
static FIRST: LazyLock<ArcRwSignal<Option<String>>> = LazyLock::new(ArcRwSignal::default);

/// Tells faults from now on.
pub(crate) fn watch() {
    panic::set_hook(Box::new(|fault| {
        console_error_panic_hook::hook(fault);
        let text = fault.to_string();
        // What is under way never goes on, and may hold what this needs.
        set_timeout(move || tell(text), Duration::ZERO);
    }));
    // Without a panic a part ends when the engine has no room for it: a stack, or memory.
    for (event, key) in [("error", "error"), ("unhandledrejection", "reason")] {
        std::mem::forget(window_event_listener_untyped(event, move |event| {
            if let Some(text) = of_the_engine(&event, key) {
                tell(text);
            }
        }));
    }
}

/// What the engine threw; `None` for what was told as a panic, and for what the page throws for
/// itself.
fn of_the_engine(event: &JsValue, key: &str) -> Option<String> {
    let thrown = Reflect::get(event, &key.into()).ok()?;
    let part = |key: &str| Reflect::get(&thrown, &key.into()).ok()?.as_string();
    let (name, text) = (part("name")?, part("message")?);
    let ended = ["RuntimeError", "RangeError"].contains(&&*name);
    // The end of a panic.
    let told = text.to_ascii_lowercase().contains("unreachable");
    (ended && !told).then(|| format!("{name}: {text}"))
}

fn tell(text: String) {
    if FIRST.with_untracked(Option::is_none) {
        FIRST.set(Some(text.clone()));
    }
    spawn_local(async move {
        // It stands in the console, too.
        let _ = ipc::call::<Fault>(PageFault { text }).await;
    });
}

/// The first fault since the page was loaded.
pub(crate) fn first() -> Option<String> {
    FIRST.get()
}
