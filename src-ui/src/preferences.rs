//! What the window alone remembers: theme, columns, widths. The core keeps the file, this is the
//! copy that views read.

use corral_contract::{
    command::Nothing,
    desktop::{
        Preferences as Stored,
        call::{LoadPreferences, SavePreferences},
    },
};
use leptos::{prelude::*, task::spawn_local};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use crate::ipc;

/// The window's preferences.
#[derive(Clone, Copy)]
pub struct Preferences {
    values: RwSignal<Map<String, Value>>,
    loaded: RwSignal<bool>,
    /// Rises with each change.
    version: StoredValue<u64>,
    writing: StoredValue<bool>,
}

impl Preferences {
    /// Starts empty and loads what was kept.
    #[must_use]
    pub fn provide() -> Preferences {
        let preferences = Preferences {
            values: RwSignal::new(Map::new()),
            loaded: RwSignal::new(false),
            version: StoredValue::new(0),
            writing: StoredValue::new(false),
        };
        spawn_local(async move {
            if let Ok(stored) = ipc::call::<LoadPreferences>(Nothing {}).await {
                // What was changed while loading is newer than the file.
                preferences.values.update(|values| {
                    for (key, value) in stored.values {
                        values.entry(key).or_insert(value);
                    }
                });
            }
            preferences.loaded.set(true);
        });
        provide_context(preferences);
        preferences
    }

    /// Whether the kept values are there; before that, defaults show.
    #[must_use]
    pub fn loaded(self) -> bool {
        self.loaded.get()
    }

    /// The value of `key`, followed; `None` when there is none or it has another form.
    #[must_use]
    pub fn get<T: DeserializeOwned>(self, key: &str) -> Option<T> {
        self.values
            .with(|values| values.get(key).cloned())
            .and_then(|value| serde_json::from_value(value).ok())
    }

    /// Sets a value and keeps it. It is written at once, so that a reload or an end right after
    /// finds it; what changes while that is under way is written after it, together.
    pub fn set<T: Serialize>(self, key: &str, value: &T) {
        let Ok(value) = serde_json::to_value(value) else {
            return;
        };
        if self.values.with_untracked(|values| values.get(key) == Some(&value)) {
            return;
        }
        self.values.update(|values| {
            values.insert(key.to_owned(), value);
        });
        self.version.update_value(|version| *version += 1);
        self.write();
    }

    fn write(self) {
        if self.writing.get_value() {
            return;
        }
        let version = self.version.get_value();
        self.writing.set_value(true);
        let values = self.values.get_untracked();
        spawn_local(async move {
            // A preference that could not be written only lasts until the next start.
            let _ = ipc::call::<SavePreferences>(Stored { values }).await;
            self.writing.set_value(false);
            if self.version.get_value() != version {
                self.write();
            }
        });
    }
}

/// The window's preferences.
#[must_use]
pub fn use_preferences() -> Preferences {
    expect_context()
}
