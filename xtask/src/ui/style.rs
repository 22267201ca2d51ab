//! One style sheet from many: a component's rules lie beside the component.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Come first, in this order: variables, then what everything else builds on.
const LEADING: &[&str] = &["tokens.css", "base.css"];

/// All rules of `styles/`, then those beside the components in path order.
pub(super) fn sheet(source: &Path) -> Result<String> {
    let mut sheet = String::new();
    for path in paths(source)? {
        let rules =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        sheet.push_str(rules.trim_end());
        sheet.push('\n');
    }
    Ok(sheet)
}

fn paths(source: &Path) -> Result<Vec<PathBuf>> {
    let styles = source.join("styles");
    let mut paths: Vec<PathBuf> =
        LEADING.iter().map(|name| styles.join(name)).filter(|path| path.is_file()).collect();
    for folder in [styles, source.join("src")] {
        let mut found = Vec::new();
        collect(&folder, &mut found)?;
        found.sort();
        found.retain(|path| !paths.contains(path));
        paths.append(&mut found);
    }
    Ok(paths)
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "css") {
            found.push(path);
        }
    }
    Ok(())
}
