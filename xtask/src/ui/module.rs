//! The crate `corral-ui` as a WebAssembly module with its script.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use wasm_bindgen_cli_support::Bindgen;

use super::{Variant, npm};
use crate::{place, process};

/// File name of the script that loads the module; `boot.js` imports it.
pub(super) const SCRIPT: &str = "corral.js";
/// File name of the module itself.
pub(super) const WASM: &str = "corral_bg.wasm";

/// What rustc's wasm target may emit. Named because the section of the module that says so gets
/// lost when it is stripped, and wasm-opt then refuses the module.
const FEATURES: &[&str] = &[
    "--enable-bulk-memory",
    "--enable-nontrapping-float-to-int",
    "--enable-sign-ext",
    "--enable-mutable-globals",
    "--enable-reference-types",
    "--enable-multivalue",
];

/// Compiles and binds the module; returns the folder with [`SCRIPT`] and [`WASM`].
pub(super) fn build(variant: Variant) -> Result<PathBuf> {
    let profile = match variant {
        Variant::Dev => "ui-dev",
        Variant::Release => "ui",
    };
    let target = place::ui_target();
    process::run(
        process::cargo()
            .args(["build", "--package", "corral-ui", "--profile", profile])
            .args(["--target", "wasm32-unknown-unknown", "--target-dir"])
            .arg(&target),
    )?;
    let compiled = target.join("wasm32-unknown-unknown").join(profile).join("corral-ui.wasm");
    let bound = target.join("bound").join(profile);
    if bound.exists() {
        fs::remove_dir_all(&bound)?;
    }
    bind(&compiled, &bound, variant)?;
    if variant == Variant::Release {
        shrink(&bound.join(WASM))?;
    }
    Ok(bound)
}

/// What the tool `wasm-bindgen` does, from the library of the same version as the manifest's.
fn bind(compiled: &Path, bound: &Path, variant: Variant) -> Result<()> {
    Bindgen::new()
        .input_path(compiled)
        .web(true)?
        .typescript(false)
        .omit_default_module_path(false)
        .remove_name_section(variant == Variant::Release)
        .remove_producers_section(true)
        .out_name("corral")
        .generate(bound)
        .with_context(|| format!("wasm-bindgen refused {}", compiled.display()))
}

fn shrink(module: &Path) -> Result<()> {
    let optimiser = npm::script("wasm-opt")?;
    process::run(
        Command::new("node")
            .arg(optimiser)
            .arg("-Oz")
            .args(FEATURES)
            .arg(module)
            .arg("-o")
            .arg(module),
    )
}
