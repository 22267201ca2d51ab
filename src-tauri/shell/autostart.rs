//! Whether Corral starts at login. Off until the user turns it on; what is shown is what the
//! system says, not what was asked for.

use corral_contract::{ErrorCode, WireError};
use corral_core::Result;
use tauri::{AppHandle, Runtime, plugin::TauriPlugin};
use tauri_plugin_autostart::{Builder, ManagerExt};

use crate::startup::HIDDEN;

/// The plugin, set to start Corral without its window.
#[must_use]
pub fn plugin<R: Runtime>() -> TauriPlugin<R> {
    Builder::new().app_name("Corral").arg(HIDDEN).build()
}

/// The state by the system's own word, and why it cannot be told if so.
pub async fn state<R: Runtime>(app: &AppHandle<R>) -> (bool, Option<String>) {
    match apart(app, |app| app.autolaunch().is_enabled()).await {
        Ok(on) => (on, None),
        Err(error) => (false, error.detail.or(Some(error.code.as_str().to_owned()))),
    }
}

/// Turns it on or off.
///
/// # Errors
/// `FILE_SYSTEM` with the system's words.
pub async fn set<R: Runtime>(app: &AppHandle<R>, on: bool) -> Result<()> {
    apart(app, move |app| if on { app.autolaunch().enable() } else { app.autolaunch().disable() })
        .await
}

/// Files or the registry are touched: not on a thread that answers the window.
async fn apart<R: Runtime, T: Send + 'static>(
    app: &AppHandle<R>,
    work: impl FnOnce(&AppHandle<R>) -> std::result::Result<T, tauri_plugin_autostart::Error>
    + Send
    + 'static,
) -> Result<T> {
    let app = app.clone();
    let failed = |error: String| {
        WireError::new(ErrorCode::FileSystem).with("what", "autostart").detail(error)
    };
    tokio::task::spawn_blocking(move || work(&app).map_err(|error| error.to_string()))
        .await
        .map_err(|error| failed(error.to_string()))?
        .map_err(failed)
}
