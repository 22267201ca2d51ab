//! `cargo xtask bench`: measured, compared with a peer of the same run, and written down.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::packages::{self, Need};
use crate::{place, process, run, ui};

mod machine;
mod row;

use machine::Machine;
use row::{Measured, Row};

/// Measure and write target/bench/NAME.json and a table
#[derive(Args)]
pub(crate) struct Bench {
    /// What to measure
    name: Name,
    /// Parts of it, where it has some; all without
    parts: Vec<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Name {
    /// Search and sync through the core, 10,000 models in 3 instances
    Search,
    /// The download engine against curl, aria2c and openssl, from one loopback server
    Download,
    /// What is done with models, part by part: moves, modelfile, deletes, disk, window
    Models,
    /// Ollama itself, part by part: install, crash, kills
    Instances,
    /// A hundred seeded rounds of kills, damages and bad answers, each with every byte compared
    Chaos,
    /// Start, memory and idle cost of the window, against a bare one
    Window,
}

/// What the file holds.
#[derive(Serialize)]
struct Report {
    machine: Machine,
    rows: Vec<Row>,
}

impl Bench {
    /// A row that does not hold is told, and is a failure.
    pub(crate) fn run(self) -> Result<ExitCode> {
        let measured = match self.name {
            Name::Search => search()?,
            Name::Download => download()?,
            Name::Models => models(&self.parts)?,
            Name::Instances => instances(&self.parts)?,
            Name::Chaos => chaos()?,
            Name::Window => window()?,
        };
        let report = Report { machine: Machine::this()?, rows: measured.rows };
        let folder = place::root().join("target").join("bench");
        fs::create_dir_all(&folder)?;
        let path = folder.join(format!("{}.json", measured.bench));
        fs::write(&path, serde_json::to_string_pretty(&report)? + "\n")
            .with_context(|| format!("cannot write {}", path.display()))?;
        println!("{}\n", report.machine);
        report.rows.iter().for_each(|row| println!("{row}"));
        println!("\nwritten to {}", path.display());
        let held = report.rows.iter().all(|row| row.holds != Some(false));
        Ok(if held { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn search() -> Result<Measured> {
    measured(process::cargo().args(["bench", "--package", "corral-core", "--bench", "search"]))
}

fn download() -> Result<Measured> {
    packages::ensure(&[Need::Peers])?;
    measured(process::cargo().args(["bench", "--package", "corral-core", "--bench", "download"]))
}

/// The part that needs the window is measured by another program than the others.
const WINDOW: &str = "window";

fn models(parts: &[String]) -> Result<Measured> {
    let core: Vec<_> = parts.iter().filter(|part| *part != WINDOW).collect();
    let mut all = Measured { bench: "models".to_owned(), rows: Vec::new() };
    if parts.is_empty() || !core.is_empty() {
        let mut command = process::cargo();
        command.args(["bench", "--package", "corral-core", "--bench", "models", "--"]).args(core);
        all.rows.extend(measured(&mut command)?.rows);
    }
    if parts.is_empty() || parts.iter().any(|part| part == WINDOW) {
        let (app, bare) = windows()?;
        let mut command = window_program();
        command.arg("models").arg("--app").arg(app).arg("--bare").arg(bare);
        all.rows.extend(measured(&mut command)?.rows);
    }
    Ok(all)
}

fn instances(parts: &[String]) -> Result<Measured> {
    packages::ensure(&[Need::Peers])?;
    // The server that is installed is the test bed's own program; it lies where benches look.
    process::run(process::cargo().args(["build", "--release", "--package", "corral-testbed"]))?;
    let mut command = process::cargo();
    command.args(["bench", "--package", "corral-core", "--bench", "instances", "--"]).args(parts);
    measured(&mut command)
}

fn chaos() -> Result<Measured> {
    measured(process::cargo().args(["bench", "--package", "corral-core", "--bench", "chaos"]))
}

fn window() -> Result<Measured> {
    let (app, bare) = windows()?;
    let mut measured =
        measured(window_program().arg("bench").arg("--app").arg(app).arg("--bare").arg(bare))?;
    let size = ui::module_size()? as f64 / 1e6;
    let limit = ui::LARGEST_MODULE as f64 / 1e6;
    measured.rows.push(Row::limited("module of the window", "MB", limit, size, 1));
    Ok(measured)
}

/// Builds the app and the bare window that it is compared with.
fn windows() -> Result<(PathBuf, PathBuf)> {
    packages::ensure(&[Need::Driver])?;
    let app = run::build()?;
    // Together with the app: alone it would want other features, and half of the tree anew.
    let both = ["--package", "corral", "--package", "corral-bare"];
    process::run(process::cargo().args(["build", "--release"]).args(both))?;
    Ok((app, run::program("corral-bare")))
}

/// The program that drives the window, with what it needs to compile.
pub(crate) fn window_program() -> Command {
    let mut command = process::cargo();
    command.args(["run", "--quiet", "--package", "xtask", "--features", "window"]);
    command.args(["--bin", "xtask-window", "--"]);
    command
}

/// Runs a measuring program, whose last line of output is what it measured.
fn measured(command: &mut Command) -> Result<Measured> {
    let line = process::line_of(command);
    eprintln!("$ {line}");
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot start `{line}`"))?;
    if !output.status.success() {
        bail!("`{line}` ended with {}", output.status);
    }
    let output = String::from_utf8_lossy(&output.stdout);
    let last = output.lines().rfind(|line| line.starts_with('{')).unwrap_or_default();
    serde_json::from_str(last).with_context(|| format!("`{line}` measured nothing: {output}"))
}
