//! Whether `src-ui/dist` was built from exactly the sources that lie here now.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::{Variant, module};
use crate::place;

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

/// Fingerprint of path and content of every source file. Content, not time: a fresh checkout or a
/// switch of branches and back is no change.
pub(super) fn of_sources(variant: Variant) -> Result<String> {
    let root = place::root();
    let mut hasher = DefaultHasher::new();
    (variant == Variant::Release).hash(&mut hasher);
    for path in files(&root)? {
        path.strip_prefix(&root).unwrap_or(&path).hash(&mut hasher);
        fs::read(&path)
            .with_context(|| format!("cannot read {}", path.display()))?
            .hash(&mut hasher);
    }
    Ok(format!("{:016x}", hasher.finish()))
}

/// Fingerprint that the finished `src-ui/dist` was built from, if it is complete.
pub(super) fn of_dist() -> Option<String> {
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

fn files(root: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for source in SOURCES {
        let path = root.join(source);
        if path.is_dir() {
            collect(&path, &mut found)?;
        } else if path.is_file() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    for entry in
        fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?
    {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), found)?;
        } else {
            found.push(entry.path());
        }
    }
    Ok(())
}
