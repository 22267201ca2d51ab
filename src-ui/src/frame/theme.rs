//! Light, dark, or as the system.

use leptos::prelude::*;
use wasm_bindgen::{JsCast, closure::Closure};

use crate::preferences::Preferences;

/// The preference's key; its values are `system`, `light` and `dark`.
pub const KEY: &str = "theme";

/// Sets the theme of the document, now and with each change of preference or system.
pub fn follow(preferences: Preferences) {
    let query = window().match_media("(prefers-color-scheme: dark)").ok().flatten();
    let dark = RwSignal::new(query.as_ref().is_some_and(|query| query.matches()));
    if let Some(query) = query {
        let on_change = Closure::<dyn Fn(web_sys::Event)>::new(move |event: web_sys::Event| {
            let query = event.target().and_then(|it| it.dyn_into::<web_sys::MediaQueryList>().ok());
            dark.set(query.is_some_and(|query| query.matches()));
        });
        let _ =
            query.add_event_listener_with_callback("change", on_change.as_ref().unchecked_ref());
        on_change.forget();
    }
    Effect::new(move |_| {
        if !preferences.loaded() {
            // Until then the page keeps the theme that its first script chose.
            return;
        }
        let chosen = preferences.get::<String>(KEY).unwrap_or_default();
        let theme = match chosen.as_str() {
            "light" | "dark" => chosen.as_str(),
            _ if dark.get() => "dark",
            _ => "light",
        };
        if let Some(root) = document().document_element() {
            let _ = root.set_attribute("data-theme", theme);
        }
        if let Ok(Some(storage)) = window().local_storage() {
            // Only spares the next start a flash.
            let _ = storage.set_item("corral.theme", &chosen);
        }
    });
}
