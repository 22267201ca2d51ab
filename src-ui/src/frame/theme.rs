//! Light, dark, or as the system.

use leptos::prelude::*;

use super::media;
use crate::preferences::Preferences;

/// The preference's key; its values are `system`, `light` and `dark`.
pub const KEY: &str = "theme";

/// Sets the theme of the document, now and with each change of preference or system.
pub fn follow(preferences: Preferences) {
    let dark = media::holds("(prefers-color-scheme: dark)");
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
