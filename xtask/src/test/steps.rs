//! The steps of `cargo xtask test`, in the order they run.

use std::env;
use std::process::Command;

use anyhow::Result;

use super::limit::Limit;
use super::tally::{Tally, check, tests};
use super::{macos, windows};
use crate::packages::{Need, ensure_component};
use crate::ui::{self, Variant};
use crate::{place, process};

/// One part of the whole.
pub(super) struct Step {
    /// What `--only` takes.
    pub(super) name: &'static str,
    pub(super) what: &'static str,
    /// Whether it is about one of the product's systems that this machine is not.
    pub(super) other_system: bool,
    pub(super) needs: &'static [Need],
    pub(super) targets: &'static [&'static str],
    pub(super) work: fn(Limit) -> Result<Tally>,
}

const WASM: &str = "wasm32-unknown-unknown";
const APP: &[Need] = &[Need::App];

/// Every cargo call for this machine chooses the same packages: another choice means other
/// features of shared dependencies, and the half of the tree is built again.
const HOST: &[&str] = &["--workspace", "--exclude", "corral-ui"];

/// The module comes before what compiles the shell, which embeds it; what a limit of time may cut
/// short comes last.
pub(super) const STEPS: &[Step] = &[
    Step { work: |_| fmt(), ..step("fmt", "every file is formatted", &[]) },
    Step {
        targets: &[WASM],
        work: |_| build_ui(),
        ..step("ui", "the window's module, release", &[])
    },
    Step { work: |_| clippy(), ..step("clippy", "no warning in what runs on this machine", APP) },
    Step {
        targets: &[WASM],
        work: |_| ui_clippy(),
        ..step("ui-clippy", "no warning in the window", &[])
    },
    Step { work: |_| unit(), ..step("unit", "tests beside the code", APP) },
    Step { work: |_| ui_unit(), ..step("ui-unit", "the window's stores, on this machine", &[]) },
    Step { work: |_| suite("core"), ..step("core", "the core against the test bed", APP) },
    Step { work: |_| suite("shell"), ..step("shell", "commands, permissions, events", APP) },
    Step { work: |_| suite("tidy"), ..step("tidy", "the rules of the repository", APP) },
    Step {
        work: |_| suite("window"),
        ..step("window", "the real window", &[Need::App, Need::Driver])
    },
    Step {
        work: |_| window_by_keys(),
        ..step("window-keys", "the same by keys alone, in Chinese", &[Need::App, Need::Driver])
    },
    Step {
        targets: &[WASM],
        work: |_| doc(),
        ..step("doc", "documentation without warnings", APP)
    },
    Step { work: |_| real(), ..step("real", "a real Ollama, named by CORRAL_OLLAMA", APP) },
    Step {
        other_system: true,
        targets: &[windows::TARGET],
        work: |_| windows::check(),
        ..step("windows-check", "shell and core compile for Windows", &[Need::Windows])
    },
    Step {
        other_system: true,
        targets: &[macos::TARGET],
        work: |_| macos::check(),
        ..step("macos-check", "shell and core compile for macOS", &[Need::MacOs])
    },
    Step {
        other_system: true,
        targets: &[windows::TARGET],
        work: windows::core,
        ..step("windows-core", "the core's tests as Windows programs", &[Need::Windows])
    },
];

const fn step(name: &'static str, what: &'static str, needs: &'static [Need]) -> Step {
    Step { name, what, other_system: false, needs, targets: &[], work: |_| Ok(Tally::SKIPPED) }
}

fn fmt() -> Result<Tally> {
    ensure_component("rustfmt", "rustfmt")?;
    check(process::cargo().args(["fmt", "--all", "--check"]))
}

fn build_ui() -> Result<Tally> {
    ui::build(Variant::Release).map(|()| Tally::HELD)
}

fn clippy() -> Result<Tally> {
    ensure_component("clippy", "cargo-clippy")?;
    check(host("clippy").args(["--all-targets", "--all-features", "--", "--deny", "warnings"]))
}

fn ui_clippy() -> Result<Tally> {
    ensure_component("clippy", "cargo-clippy")?;
    check(of_ui("clippy").args(["--target", WASM, "--", "--deny", "warnings"]))
}

fn unit() -> Result<Tally> {
    let beside = tests(host("test").args(["--lib", "--bins", "--no-fail-fast"]))?;
    Ok(beside + tests(host("test").args(["--doc", "--no-fail-fast"]))?)
}

fn ui_unit() -> Result<Tally> {
    tests(of_ui("test").arg("--no-fail-fast"))
}

/// One of the test programs under `tests/`. Some of them install and run the fake server.
fn suite(name: &str) -> Result<Tally> {
    check(host("build").args(["--bin", "corral-testbed"]))?;
    tests(host("test").args(["--test", name, "--no-fail-fast"]))
}

/// What a person does in the window, once more without a mouse and in the other language. Scenarios
/// about the desktop around it have nothing to press.
fn window_by_keys() -> Result<Tally> {
    let mut command = host("test");
    command
        .args(["--test", "window", "--no-fail-fast", "--"])
        .env("CORRAL_HANDS", "keys")
        .env("CORRAL_WORDS", "zh-CN");
    for around in ["access::", "desktop::", "interruptions::", "tray::"] {
        command.args(["--skip", around]);
    }
    tests(&mut command)
}

fn doc() -> Result<Tally> {
    let deny = |command: &mut Command| check(command.env("RUSTDOCFLAGS", "--deny warnings"));
    deny(host("doc").args(["--no-deps", "--document-private-items"]))?;
    deny(of_ui("doc").args(["--no-deps", "--document-private-items", "--target", WASM]))
}

fn real() -> Result<Tally> {
    if env::var_os("CORRAL_OLLAMA").is_none() {
        println!("real: skipped, CORRAL_OLLAMA names no server");
        return Ok(Tally::SKIPPED);
    }
    suite("real")
}

fn host(subcommand: &str) -> Command {
    let mut command = process::cargo();
    command.arg(subcommand).args(HOST);
    command
}

fn of_ui(subcommand: &str) -> Command {
    let mut command = process::cargo();
    command.args([subcommand, "--package", "corral-ui", "--target-dir"]).arg(place::ui_target());
    command
}
