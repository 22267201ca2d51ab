//! Turns the contract into permissions: one inlined plugin per domain whose default permission
//! allows each of its commands, so that nothing is callable that the contract does not list.

use std::{fs, io, path::Path};

use corral_contract::{DOMAINS, Domain};
use tauri_build::{Attributes, DefaultPermissionRule, InlinedPlugin};

/// Where the window's files are; `frontendDist` of `tauri.conf.json`.
const PAGES: &str = "src-ui/dist";

/// What the window shows while its real pages were not built, as in tests and lints.
const PLACEHOLDER: &str = "<!doctype html><meta charset=\"utf-8\"><title>Corral</title>\
<p>The window is not built yet: cargo xtask ui\n";

fn main() -> anyhow::Result<()> {
    println!("cargo:rerun-if-changed=tauri.conf.json");
    println!("cargo:rerun-if-changed={PAGES}");
    placeholder(Path::new(PAGES))?;
    let mut attributes = Attributes::new();
    for domain in DOMAINS {
        attributes = attributes.plugin(domain.name, plugin(domain));
    }
    tauri_build::try_build(attributes)
}

fn plugin(domain: &Domain) -> InlinedPlugin {
    let names: Vec<&'static str> = domain.commands.iter().map(|command| command.name).collect();
    InlinedPlugin::new()
        // The builder wants a list that lives as long as the program, which here is a moment.
        .commands(names.leak())
        .default_permission(DefaultPermissionRule::AllowAllCommands)
}

/// The pages are embedded, so that the folder must be there even when nobody built them.
fn placeholder(pages: &Path) -> io::Result<()> {
    let index = pages.join("index.html");
    if index.exists() {
        return Ok(());
    }
    fs::create_dir_all(pages)?;
    fs::write(index, PLACEHOLDER)
}
