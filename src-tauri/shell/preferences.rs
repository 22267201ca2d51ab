//! The window's own preferences: theme, columns, last page. What the core needs to know is a
//! setting instead and lies in its database.

use std::sync::Arc;

use corral_contract::{ErrorCode, WireError, desktop::Preferences};
use corral_core::Result;
use tauri::{AppHandle, Runtime};
use tauri_plugin_store::{Store, StoreExt};

/// Name of the file in the app's data folder.
pub const FILE: &str = "preferences.json";

/// Whether a start at login shows no window: read before the core is there.
const START_HIDDEN: &str = "startHidden";

/// Most bytes that all preferences together may take as JSON.
pub const LIMIT: usize = 256 * 1024;

/// All preferences; none when the file is missing or damaged.
///
/// # Errors
/// `FILE_SYSTEM` when the data folder is unknown.
pub fn load<R: Runtime>(app: &AppHandle<R>) -> Result<Preferences> {
    let values = store(app)?.entries().into_iter().collect();
    Ok(Preferences { values })
}

/// Writes the given ones and keeps all others; `null` forgets one.
///
/// # Errors
/// `INVALID_INPUT` above [`LIMIT`], without writing anything; `FILE_SYSTEM` when the file cannot
/// be written.
pub fn save<R: Runtime>(app: &AppHandle<R>, preferences: Preferences) -> Result<()> {
    let store = store(app)?;
    let mut all = load(app)?.values;
    all.extend(preferences.values.clone());
    let size = serde_json::to_vec(&all).map_or(usize::MAX, |json| json.len());
    if size > LIMIT {
        return Err(WireError::field("values", "tooLong").with("max", LIMIT));
    }
    for (key, value) in preferences.values {
        if value.is_null() {
            store.delete(key);
        } else {
            store.set(key, value);
        }
    }
    store.save().map_err(failed)
}

/// Whether a start by the system shows no window. A file that cannot be read says what a new one does.
pub fn start_hidden<R: Runtime>(app: &AppHandle<R>) -> bool {
    let kept = load(app).ok().and_then(|all| all.values.get(START_HIDDEN)?.as_bool());
    kept.unwrap_or(true)
}

/// Keeps it.
///
/// # Errors
/// As [`save`].
pub fn set_start_hidden<R: Runtime>(app: &AppHandle<R>, on: bool) -> Result<()> {
    let values = [(START_HIDDEN.to_owned(), on.into())].into_iter().collect();
    save(app, Preferences { values })
}

fn store<R: Runtime>(app: &AppHandle<R>) -> Result<Arc<Store<R>>> {
    // Saved at once and not by its timer: a page that is closed right after must find it written.
    app.store_builder(FILE).disable_auto_save().build().map_err(failed)
}

fn failed(error: tauri_plugin_store::Error) -> WireError {
    WireError::new(ErrorCode::FileSystem).with("what", FILE).detail(error.to_string())
}
