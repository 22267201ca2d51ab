//! macOS from Linux: compiled with zig's C compiler. Linking would need Apple's SDK, so it is a
//! check and no test.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::tally::{self, Tally};
use crate::{place, process};

pub(super) const TARGET: &str = "aarch64-apple-darwin";

/// Pinned like everything else that takes part in a build.
const TOOLS: &[&str] = &["ziglang==0.17.1", "cargo-zigbuild==0.24.0"];

/// Shell and core compile.
pub(super) fn check() -> Result<Tally> {
    if !cfg!(target_os = "linux") {
        println!("skipped: checking for macOS from here is set up for Linux only");
        return Ok(Tally::SKIPPED);
    }
    let programs = tools()?;
    let mut search = vec![programs.clone()];
    search.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
    let mut command = Command::new(programs.join("cargo-zigbuild"));
    command
        .args(["check", "--package", "corral", "--package", "corral-core", "--target", TARGET])
        .current_dir(place::root())
        .env("CC_aarch64_apple_darwin", place::root().join("xtask").join("macos").join("cc"))
        .env("CORRAL_ZIG", &programs)
        .env("PATH", env::join_paths(search).context("PATH cannot be extended")?);
    tally::check(&mut command)
}

/// Folder with `cargo-zigbuild`, in a Python environment inside the build folder.
fn tools() -> Result<PathBuf> {
    let home = place::target().join("zig");
    let programs = home.join("bin");
    if !programs.join("cargo-zigbuild").is_file() {
        create(&home)?;
    }
    Ok(programs)
}

fn create(home: &Path) -> Result<()> {
    process::run(Command::new("python3").args(["-m", "venv"]).arg(home))?;
    process::run(
        Command::new(home.join("bin").join("pip")).args(["install", "--quiet"]).args(TOOLS),
    )
}
