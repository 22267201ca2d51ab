//! Whether `src-ui/dist` was built from exactly the sources that lie here now.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use anyhow::{Context, Result};

use super::{Variant, module};
use crate::{fingerprint, place};

/// Files and folders, from the root of the checkout, that shape the window.
const SOURCES: &[&str] = &[
    "Cargo.lock",
    "Cargo.toml",
    "src-tauri/contract/Cargo.toml",
    "src-tauri/contract/src",
    "src-tauri/locale/Cargo.toml",
    "src-tauri/locale/src",
    "src-ui/Cargo.toml",
    "src-ui/boot.js",
    "src-ui/index.html",
    "src-ui/locales",
    "src-ui/package-lock.json",
    "src-ui/src",
    "src-ui/styles",
    "xtask/src/ui",
    "xtask/src/ui.rs",
];

/// What this variant of the sources of now is known by.
pub(super) fn wanted(variant: Variant) -> Result<String> {
    let variant = match variant {
        Variant::Dev => "dev",
        Variant::Release => "release",
    };
    Ok(format!("{variant} {}", fingerprint::of(SOURCES)?))
}

/// What the finished `src-ui/dist` was built from, if it is complete.
pub(super) fn held() -> Option<String> {
    if !place::dist().join(module::WASM).is_file() {
        return None;
    }
    fs::read_to_string(stamp()).ok()
}

/// Notes what `src-ui/dist` now holds.
pub(super) fn remember(fingerprint: &str) -> Result<()> {
    fs::write(stamp(), fingerprint).with_context(|| format!("cannot write {}", stamp().display()))
}

/// To be called before `src-ui/dist` is touched: what an interrupted build leaves is nothing.
pub(super) fn forget() -> Result<()> {
    match fs::remove_file(stamp()) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", stamp().display()))
        }
        _ => Ok(()),
    }
}

/// Beside `dist`, not in it: everything in `dist` is embedded in the app.
fn stamp() -> PathBuf {
    place::root().join("src-ui").join(".fingerprint")
}
