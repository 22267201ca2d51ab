//! `cargo xtask run`: from a fresh clone to the open window.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};
use clap::Args;

use crate::packages::{self, Need};
use crate::ui::{self, Variant};
use crate::{place, process};

/// Exit status when there is nothing to show a window on.
const NO_DISPLAY: u8 = 2;

/// Install what is missing, build, and open the window
#[derive(Args)]
pub(crate) struct Run {
    /// What the app gets as its arguments
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

impl Run {
    pub(crate) fn run(self) -> Result<ExitCode> {
        if let Some(reason) = no_display() {
            eprintln!("{reason}");
            return Ok(ExitCode::from(NO_DISPLAY));
        }
        let app = build()?;
        open(Command::new(app).args(self.arguments))
    }
}

/// Installs what is missing and builds window and app; returns the app.
pub(crate) fn build() -> Result<PathBuf> {
    packages::ensure(&[Need::App])?;
    packages::ensure_target("wasm32-unknown-unknown")?;
    ui::build(Variant::Release)?;
    process::run(process::cargo().args(["build", "--release", "--package", "corral"]))?;
    Ok(program("corral"))
}

/// Path of a program built in release.
pub(crate) fn program(name: &str) -> PathBuf {
    place::target().join("release").join(format!("{name}{}", env::consts::EXE_SUFFIX))
}

/// Runs the app until it ends and passes its status on.
pub(crate) fn open(app: &mut Command) -> Result<ExitCode> {
    let status = app.status().context("cannot start the app")?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

/// Why no window can be shown, said before anything is installed or built for nothing.
pub(crate) fn no_display() -> Option<String> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    let set = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    if set("WAYLAND_DISPLAY").is_some() {
        return None;
    }
    let Some(display) = set("DISPLAY") else {
        return Some(
            "No display: neither DISPLAY nor WAYLAND_DISPLAY is set. Start this in a desktop \
             session."
                .to_owned(),
        );
    };
    if answers(&display) {
        return None;
    }
    Some(format!("No display: DISPLAY is {display}, and nothing answers there."))
}

/// Whether a local display answers. One on another machine is believed.
#[cfg(unix)]
fn answers(display: &str) -> bool {
    let Some(number) = display.strip_prefix(':') else { return true };
    let number = number.split('.').next().unwrap_or_default();
    std::os::unix::net::UnixStream::connect(format!("/tmp/.X11-unix/X{number}")).is_ok()
}

#[cfg(not(unix))]
fn answers(_display: &str) -> bool {
    true
}
