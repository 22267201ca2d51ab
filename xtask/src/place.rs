//! Where things lie: the checkout and the build folder.

use std::env;
use std::path::PathBuf;

/// Root of the checkout this task was started from.
pub(crate) fn root() -> PathBuf {
    let package = env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    package.parent().map_or_else(|| PathBuf::from("."), PathBuf::from)
}

/// Cargo's build folder: `CARGO_TARGET_DIR`, or `target` in the checkout.
pub(crate) fn target() -> PathBuf {
    match env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => {
            let folder = PathBuf::from(folder);
            std::path::absolute(&folder).unwrap_or(folder)
        }
        None => root().join("target"),
    }
}

/// Build folder of the window's module. Its own, so that cargo's lock on the main one does not
/// make one build wait for the other.
pub(crate) fn ui_target() -> PathBuf {
    target().join("ui")
}

/// The folder that the app embeds as its window.
pub(crate) fn dist() -> PathBuf {
    root().join("src-ui").join("dist")
}
