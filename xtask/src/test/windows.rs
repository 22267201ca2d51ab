//! Windows from Linux: compiled with mingw, the core's tests run under Wine.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use super::limit::Limit;
use super::tally::{self, Tally};
use crate::{place, process};

pub(super) const TARGET: &str = "x86_64-pc-windows-gnu";

/// Tests of the core that Wine cannot run, by full name, each with the reason.
const NOT_UNDER_WINE: &[(&str, &str)] = &[
    ("instances::faults::an_own_authority_is_trusted_for_its_names_and_no_other_is", OWN_ROOTS),
    (
        "downloads::sources::a_row_says_what_is_wrong_with_the_way_and_goes_on_once_it_is_mended",
        OWN_ROOTS,
    ),
    ("registries::proxy::through_a_proxy_the_registry_still_proves_who_it_is", OWN_ROOTS),
    ("registries::ways::a_cdn_that_is_not_who_it_says_brings_nothing", OWN_ROOTS),
    ("registries::ways::no_way_leads_out_of_the_encryption", OWN_ROOTS),
];
const OWN_ROOTS: &str = "Wine 8 makes no certificate chain engine with roots of one's own";

/// Shell and core compile. The window itself needs WebView2, which Wine has not: it stays out.
pub(super) fn check() -> Result<Tally> {
    if let Some(skipped) = elsewhere() {
        return Ok(skipped);
    }
    let mut command = process::cargo();
    command.args(["check", "--package", "corral", "--package", "corral-core", "--target", TARGET]);
    tally::check(&mut command)
}

/// The core's tests, built for Windows and run under Wine in a prefix of their own.
pub(super) fn core(limit: Limit) -> Result<Tally> {
    if let Some(skipped) = elsewhere() {
        return Ok(skipped);
    }
    build_shim()?;
    // The server that tests install and run.
    let mut server = process::cargo();
    process::run(server.args(["build", "--package", "corral-testbed", "--target", TARGET]))?;
    let mut command = process::cargo();
    command
        .args(["test", "--package", "corral-core", "--lib", "--test", "core", "--no-fail-fast"])
        .args(["--target", TARGET])
        .env("CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER", "wine")
        // Servers that tests unpack elsewhere want the library beside the test programs as well.
        .env("WINEPATH", shim_folder())
        .env("WINEPREFIX", place::target().join("wine"))
        .env("WINEDEBUG", "-all")
        .env("WINEDLLOVERRIDES", "mscoree=;mshtml=")
        .env_remove("DISPLAY");
    if !NOT_UNDER_WINE.is_empty() {
        command.args(["--", "--exact"]);
    }
    for (test, reason) in NOT_UNDER_WINE {
        println!("not under Wine: {test}: {reason}");
        command.args(["--skip", test]);
    }
    tally::tests_within(limit, command)
}

fn shim_folder() -> PathBuf {
    place::target().join(TARGET).join("debug").join("deps")
}

/// Lays a system library that Wine 8 lacks beside the test programs.
fn build_shim() -> Result<()> {
    let folder = shim_folder();
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("cannot create {}", folder.display()))?;
    process::run(
        Command::new("x86_64-w64-mingw32-gcc")
            .args(["-shared", "-O2", "-Wall", "-o"])
            .arg(folder.join("bcryptprimitives.dll"))
            .arg(place::root().join("xtask").join("wine").join("bcryptprimitives.c"))
            .arg("-ladvapi32"),
    )
}

fn elsewhere() -> Option<Tally> {
    if cfg!(target_os = "linux") {
        return None;
    }
    println!("skipped: checking for Windows from here is set up for Linux only");
    Some(Tally::SKIPPED)
}
