//! What the system and the window's size ask for, followed.

use leptos::prelude::*;
use wasm_bindgen::{JsCast, closure::Closure};

/// Whether a media query holds, as long as the window lives.
#[must_use]
pub fn holds(query: &str) -> RwSignal<bool> {
    let list = window().match_media(query).ok().flatten();
    let now = RwSignal::new(list.as_ref().is_some_and(|list| list.matches()));
    if let Some(list) = list {
        let on_change = Closure::<dyn Fn(web_sys::Event)>::new(move |event: web_sys::Event| {
            let list = event.target().and_then(|it| it.dyn_into::<web_sys::MediaQueryList>().ok());
            now.try_set(list.is_some_and(|list| list.matches()));
        });
        // Only fails for events that the target does not know.
        let _ = list.add_event_listener_with_callback("change", on_change.as_ref().unchecked_ref());
        on_change.forget();
    }
    now
}

/// Whether the window is narrower than 1100 px; the navigation then shows icons alone.
#[derive(Clone, Copy)]
pub struct Narrow(pub RwSignal<bool>);

/// Whether the window is narrow.
#[must_use]
pub fn use_narrow() -> Narrow {
    expect_context()
}
