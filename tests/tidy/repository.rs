//! The files of the checkout.

use std::fs;
use std::path::{Path, PathBuf};

/// Folders whose content is made, not written.
const MADE: &[&str] = &["target", "node_modules", "dist", "gen", ".git", ".sqlx"];

/// Root of the checkout.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("the contract lies two folders below the root")
        .to_path_buf()
}

/// Every written file with one of these extensions, as path from the root with `/`, and its text.
pub(crate) fn texts(extensions: &[&str]) -> Vec<(String, String)> {
    let root = root();
    let mut paths = Vec::new();
    collect(&root, &mut paths);
    paths.sort();
    paths
        .into_iter()
        .filter(|path| {
            let extension = path.extension().and_then(|extension| extension.to_str());
            extension.is_some_and(|extension| extensions.contains(&extension))
        })
        .map(|path| (relative(&root, &path), read(&path)))
        .collect()
}

/// Those of `texts` below a folder.
pub(crate) fn below(folder: &str, extensions: &[&str]) -> Vec<(String, String)> {
    texts(extensions).into_iter().filter(|(path, _)| path.starts_with(folder)).collect()
}

/// Text of one file, by its path from the root.
pub(crate) fn text(path: &str) -> String {
    read(&root().join(path))
}

/// Fails with every finding named, so that one run shows all of them.
pub(crate) fn none(findings: &[String], rule: &str) {
    assert!(findings.is_empty(), "{rule}\n  {}", findings.join("\n  "));
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).expect("a folder of the checkout can be listed");
    for entry in entries {
        let entry = entry.expect("a folder of the checkout can be listed");
        let name = entry.file_name();
        let kind = entry.file_type().expect("an entry just listed has a type");
        if kind.is_dir() && !MADE.iter().any(|made| *made == name) {
            collect(&entry.path(), paths);
        } else if kind.is_file() {
            paths.push(entry.path());
        }
    }
}

fn relative(root: &Path, path: &Path) -> String {
    let relative = path.strip_prefix(root).expect("a file found below the root");
    relative
        .components()
        .map(|part| part.as_os_str().to_string_lossy())
        .collect::<Vec<_>>()
        .join("/")
}

fn read(path: &Path) -> String {
    let bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    String::from_utf8(bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
