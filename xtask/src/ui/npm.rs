//! The one thing that comes from npm: wasm-opt.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use anyhow::{Result, bail};

use crate::{place, process};

/// Path of a program of the package binaryen, a script for node; installed first when
/// `package-lock.json` is newer than what is installed.
pub(super) fn script(name: &str) -> Result<PathBuf> {
    let folder = place::root().join("src-ui");
    // npm writes this file last, so its time is that of a complete installation.
    let installed = modified(&folder.join("node_modules").join(".package-lock.json"));
    if installed.is_none() || installed < modified(&folder.join("package-lock.json")) {
        let Some(npm) = process::find("npm") else {
            bail!("npm is missing: install Node 20 or newer");
        };
        process::run(Command::new(npm).args(["ci", "--loglevel=error"]).current_dir(&folder))?;
    }
    Ok(folder.join("node_modules").join("binaryen").join("bin").join(name))
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|facts| facts.modified()).ok()
}
