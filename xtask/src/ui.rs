//! `cargo xtask ui`: the window's module, style sheet and page into `src-ui/dist`.

use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::place;

mod dist;
mod module;
mod npm;
mod style;
mod watch;

/// The largest module a release may carry, in bytes (4.5 MB).
pub(crate) const LARGEST_MODULE: u64 = 4_500_000;

/// Build the window into src-ui/dist (nothing is done when nothing changed)
#[derive(Args)]
pub(crate) struct Ui {
    /// Smallest module: link-time optimisation and wasm-opt; fails above its limit
    #[arg(long, conflicts_with = "watch")]
    release: bool,
    /// Build again whenever a source file changes, until interrupted
    #[arg(long)]
    watch: bool,
}

/// Which of the two variants of the module is built.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Variant {
    /// Quick to build.
    Dev,
    /// Small and quick to load: what a release ships and what tests drive.
    Release,
}

impl Ui {
    pub(crate) fn run(self) -> Result<()> {
        if self.watch {
            return watch::forever();
        }
        build(if self.release { Variant::Release } else { Variant::Dev })
    }
}

/// Builds the window unless `src-ui/dist` already holds exactly this variant of these sources.
///
/// # Errors
/// When the sources do not compile, npm fails, or the release module is too large.
pub(crate) fn build(variant: Variant) -> Result<()> {
    let started = Instant::now();
    let wanted = dist::wanted(variant)?;
    if dist::held().as_deref() == Some(wanted.as_str()) {
        println!("ui: nothing changed, module {}", megabytes(module_size()?));
        return Ok(());
    }
    dist::forget()?;
    let bound = module::build(variant)?;
    assemble(&bound)?;
    let size = module_size()?;
    if variant == Variant::Release && size > LARGEST_MODULE {
        bail!("the module has {size} bytes, the limit is {LARGEST_MODULE}");
    }
    dist::remember(&wanted)?;
    println!("ui: module {}, built in {:.1} s", megabytes(size), started.elapsed().as_secs_f64());
    Ok(())
}

/// What the window would be built from now: changes with any of its sources.
///
/// # Errors
/// When a source cannot be read.
pub(crate) fn sources(variant: Variant) -> Result<String> {
    dist::wanted(variant)
}

/// Lays the page, its boot script, the texts, the style sheet and the module into `src-ui/dist`.
fn assemble(bound: &Path) -> Result<()> {
    let source = place::root().join("src-ui");
    let folder = place::dist();
    if folder.exists() {
        fs::remove_dir_all(&folder)
            .with_context(|| format!("cannot empty {}", folder.display()))?;
    }
    fs::create_dir_all(&folder)?;
    for name in ["index.html", "boot.js"] {
        copy(&source.join(name), &folder.join(name))?;
    }
    for name in [module::SCRIPT, module::WASM] {
        copy(&bound.join(name), &folder.join(name))?;
    }
    copy_tree(&bound.join("snippets"), &folder.join("snippets"))?;
    fs::write(folder.join("corral.css"), style::sheet(&source)?)?;
    fs::write(folder.join("texts.js"), texts(&source)?)?;
    Ok(())
}

/// The texts of both languages as a script: beside the module they need no compiling.
fn texts(source: &Path) -> Result<String> {
    let mut script = "window.corralTexts = {};\n".to_owned();
    for language in ["zh-CN", "en"] {
        let path = source.join("locales").join(format!("{language}.json"));
        let table =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        // Without its indentation, and as a string: the module reads JSON anyway.
        let table: serde_json::Value = serde_json::from_str(&table)?;
        let text = serde_json::to_string(&table.to_string())?;
        script.push_str(&format!("window.corralTexts[\"{language}\"] = {text};\n"));
    }
    Ok(script)
}

/// Bytes of the module as it was built last.
///
/// # Errors
/// When there is none.
pub(crate) fn module_size() -> Result<u64> {
    let path = place::dist().join(module::WASM);
    Ok(fs::metadata(&path).with_context(|| format!("{} is missing", path.display()))?.len())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to)
        .with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
    Ok(())
}

/// Copies a folder if it is there: `wasm-bindgen` writes `snippets` only when a crate has some.
fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    if !from.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_tree(&entry.path(), &target)?;
        } else {
            copy(&entry.path(), &target)?;
        }
    }
    Ok(())
}

fn megabytes(bytes: u64) -> String {
    format!("{}.{:02} MB", bytes / 1_000_000, bytes % 1_000_000 / 10_000)
}
