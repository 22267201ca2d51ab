//! Whether files are the same as they were, by content: a fresh checkout or a switch of branches
//! and back is no change.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::place;

/// Fingerprint of path and content of all files at and below these paths from the root.
///
/// # Errors
/// When a file cannot be read; a path that does not exist counts as empty.
pub(crate) fn of(sources: &[&str]) -> Result<String> {
    let root = place::root();
    let mut paths = Vec::new();
    for source in sources {
        let path = root.join(source);
        if path.is_dir() {
            collect(&path, &mut paths)?;
        } else if path.is_file() {
            paths.push(path);
        }
    }
    paths.sort();
    let mut hasher = DefaultHasher::new();
    for path in paths {
        path.strip_prefix(&root).unwrap_or(&path).hash(&mut hasher);
        fs::read(&path)
            .with_context(|| format!("cannot read {}", path.display()))?
            .hash(&mut hasher);
    }
    Ok(format!("{:016x}", hasher.finish()))
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) -> Result<()> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), paths)?;
        } else {
            paths.push(entry.path());
        }
    }
    Ok(())
}
