//! Running other programs and saying so.

use std::env;
use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::place;

/// The cargo that started this task, in the root of the checkout.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(place::root());
    // Set for this task by `cargo run`; build scripts of other packages would take them as theirs.
    for name in ["CARGO_MANIFEST_DIR", "CARGO_MANIFEST_PATH", "CARGO_PKG_NAME"] {
        command.env_remove(name);
    }
    command
}

/// Prints the command line, runs it, and turns a bad end into an error that names it.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let line = line_of(command);
    eprintln!("$ {line}");
    let status = command.status().with_context(|| format!("cannot start `{line}`"))?;
    if !status.success() {
        bail!("`{line}` ended with {status}");
    }
    Ok(())
}

/// Standard output of a command that must succeed, without trailing white space.
pub(crate) fn output_of(command: &mut Command) -> Result<String> {
    let line = line_of(command);
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot start `{line}`"))?;
    if !output.status.success() {
        bail!("`{line}` ended with {}", output.status);
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
}

/// Full path of a program of that name in `PATH`.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let extensions: &[&str] = if cfg!(windows) { &[".exe", ".cmd", ".bat"] } else { &[""] };
    env::split_paths(&env::var_os("PATH")?)
        .flat_map(|folder| extensions.iter().map(move |ext| folder.join(format!("{program}{ext}"))))
        .find(|path| path.is_file())
}

/// The command as a person would type it, for messages.
pub(crate) fn line_of(command: &Command) -> String {
    let mut parts = vec![command.get_program()];
    parts.extend(command.get_args());
    parts.into_iter().map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}
