//! `cargo xtask dev`: the app, built and opened anew whenever a source changes.

use std::process::{Child, Command};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;

use crate::fingerprint;
use crate::packages::{self, Need};
use crate::ui::{self, Variant};
use crate::{place, process};

/// What the app is made of beside the window.
const SOURCES: &[&str] = &["src-tauri", "migrations", "tauri.conf.json", "icons"];

/// How often sources and app are looked at.
const PAUSE: Duration = Duration::from_millis(400);

/// Build and open a debug build; do so again after every change, until the window is closed
#[derive(Args)]
pub(crate) struct Dev {}

impl Dev {
    pub(crate) fn run(self) -> Result<()> {
        packages::ensure(&[Need::App])?;
        packages::ensure_target("wasm32-unknown-unknown")?;
        loop {
            let seen = state()?;
            let app = build_and_open();
            if let Err(error) = &app {
                eprintln!("dev: {error:#}; waiting for a change (Ctrl+C ends)");
            }
            if closed_before_change(app.ok(), &seen)? {
                return Ok(());
            }
        }
    }
}

fn state() -> Result<String> {
    Ok(ui::sources(Variant::Dev)? + &fingerprint::of(SOURCES)?)
}

fn build_and_open() -> Result<Child> {
    ui::build(Variant::Dev)?;
    process::run(process::cargo().args(["build", "--package", "corral"]))?;
    let app = place::target().join("debug").join(format!("corral{}", std::env::consts::EXE_SUFFIX));
    Command::new(app).spawn().context("cannot start the app")
}

/// Waits until the person closes the app (`true`) or a source changes; the app is then ended. What
/// did not build is waited on without an app.
fn closed_before_change(mut app: Option<Child>, seen: &str) -> Result<bool> {
    loop {
        thread::sleep(PAUSE);
        if let Some(app) = &mut app
            && app.try_wait()?.is_some()
        {
            return Ok(true);
        }
        if state()? != seen {
            if let Some(mut app) = app {
                // It may end by itself just now; either way it is waited for.
                let _ = app.kill();
                app.wait()?;
            }
            return Ok(false);
        }
    }
}
