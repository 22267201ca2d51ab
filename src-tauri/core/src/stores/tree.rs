//! What lies in a models folder: what is Ollama's or Corral's, and what is neither. Everything here
//! blocks.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{Result, bundles::stage, transfers};

/// Most files that are looked at.
const MOST: usize = 500_000;
/// Foreign files that are named.
const NAMED: usize = 50;
/// Corral's own folder inside `blobs`.
const OWN: &str = ".corral";

/// A file that moves with its folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Item {
    /// Inside the models folder, its parts parted by `/`.
    pub(super) path: String,
    pub(super) size: u64,
}

/// What a file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Sort {
    /// `sha256:` and 64 hex digits.
    Blob(String),
    Manifest,
    /// Corral's own, or an unfinished one of Ollama's.
    Other,
}

impl Item {
    pub(super) fn at(&self, folder: &Path) -> PathBuf {
        self.path.split('/').fold(folder.to_owned(), |path, part| path.join(part))
    }

    pub(super) fn sort(&self) -> Sort {
        if self.path.starts_with("manifests/") {
            return Sort::Manifest;
        }
        match self.path.strip_prefix("blobs/").and_then(digest_of) {
            Some(digest) => Sort::Blob(digest),
            None => Sort::Other,
        }
    }
}

/// The digest that the name of a blob promises.
fn digest_of(name: &str) -> Option<String> {
    let digest = format!("sha256:{}", name.strip_prefix("sha256-")?);
    transfers::sum_of(&digest).map(|_| digest)
}

/// A models folder.
#[derive(Debug, Default)]
pub(super) struct Tree {
    /// Layers first, manifests last: whoever reads the list from the front puts down a manifest only
    /// after what it names.
    pub(super) items: Vec<Item>,
    /// The first of those that stay, with their full paths.
    pub(super) foreign: Vec<PathBuf>,
    pub(super) foreign_count: u64,
}

impl Tree {
    /// Looks at a folder; one that is empty is a folder, too.
    ///
    /// # Errors
    /// `STORE_PERMISSION`, `FILE_SYSTEM`.
    pub(super) fn read(folder: &Path) -> Result<Tree> {
        let mut tree = Tree::default();
        for entry in entries(folder)? {
            let name = entry.file_name();
            match name.to_str() {
                Some("blobs") if is_folder(&entry) => tree.blobs(&entry.path(), "blobs", 0)?,
                Some("manifests") if is_folder(&entry) => {
                    tree.manifests(&entry.path(), "manifests", 1)?;
                }
                _ => tree.stays(entry.path()),
            }
        }
        let rank = |item: &Item| u8::from(item.sort() == Sort::Manifest);
        tree.items.sort_by(|one, other| (rank(one), one).cmp(&(rank(other), other)));
        Ok(tree)
    }

    pub(super) fn bytes(&self) -> u64 {
        self.items.iter().map(|item| item.size).sum()
    }

    pub(super) fn models(&self) -> u64 {
        self.items.iter().filter(|item| item.sort() == Sort::Manifest).count() as u64
    }

    fn stays(&mut self, path: PathBuf) {
        self.foreign_count += 1;
        if self.foreign.len() < NAMED {
            self.foreign.push(path);
        }
    }

    fn takes(&mut self, entry: &fs::DirEntry, path: String) -> Result<()> {
        if self.items.len() >= MOST {
            return Err(stage::refused(&io::Error::other("too many files")));
        }
        // A link is what it leads to: the copy is to stand on its own.
        let facts = fs::metadata(entry.path()).map_err(|error| stage::refused(&error))?;
        if facts.is_file() {
            self.items.push(Item { path, size: facts.len() });
        } else {
            self.stays(entry.path());
        }
        Ok(())
    }

    /// Layers, unfinished ones, and all of Corral's own folder.
    fn blobs(&mut self, folder: &Path, inside: &str, depth: u8) -> Result<()> {
        for entry in entries(folder)? {
            let Ok(name) = entry.file_name().into_string() else {
                self.stays(entry.path());
                continue;
            };
            let path = format!("{inside}/{name}");
            let own = depth > 0;
            if is_folder(&entry) {
                if (own || name == OWN) && depth < 4 {
                    self.blobs(&entry.path(), &path, depth + 1)?;
                } else {
                    self.stays(entry.path());
                }
            } else if own || name.starts_with("sha256-") {
                // What another work of ours was bringing is its own to bring again.
                if !stage::is_moved(Path::new(&name)) {
                    self.takes(&entry, path)?;
                }
            } else {
                self.stays(entry.path());
            }
        }
        Ok(())
    }

    /// `<host>/<namespace>/<model>/<tag>`; a namespace may have several parts.
    fn manifests(&mut self, folder: &Path, inside: &str, depth: u8) -> Result<()> {
        for entry in entries(folder)? {
            match entry.file_name().into_string() {
                Ok(name) if is_folder(&entry) && depth < 8 => {
                    self.manifests(&entry.path(), &format!("{inside}/{name}"), depth + 1)?;
                }
                Ok(name) if depth >= 4 => self.takes(&entry, format!("{inside}/{name}"))?,
                _ => self.stays(entry.path()),
            }
        }
        Ok(())
    }
}

fn is_folder(entry: &fs::DirEntry) -> bool {
    fs::metadata(entry.path()).is_ok_and(|facts| facts.is_dir())
}

fn entries(folder: &Path) -> Result<Vec<fs::DirEntry>> {
    let read = fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    read.map_err(|error| stage::refused(&error))
}

#[cfg(test)]
mod tests {
    use super::{Sort, Tree};

    #[test]
    fn tells_what_moves_from_what_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let blob = format!("blobs/sha256-{}", "ab".repeat(32));
        let files = [
            blob.as_str(),
            "blobs/sha256-ff-partial",
            "blobs/.corral/trash/7/manifest",
            "blobs/.corral/00.moved",
            "blobs/notes.txt",
            "manifests/registry.ollama.ai/library/a b/latest",
            "manifests/stray",
            "readme.txt",
        ];
        for file in files {
            let file = folder.path().join(file);
            std::fs::create_dir_all(file.parent().expect("a parent")).expect("a folder");
            std::fs::write(file, "x").expect("written");
        }
        let tree = Tree::read(folder.path()).expect("read");
        let paths: Vec<&str> = tree.items.iter().map(|item| &*item.path).collect();
        assert_eq!(
            paths,
            [
                "blobs/.corral/trash/7/manifest",
                blob.as_str(),
                "blobs/sha256-ff-partial",
                "manifests/registry.ollama.ai/library/a b/latest",
            ]
        );
        assert_eq!(tree.foreign_count, 3);
        assert_eq!(tree.items[1].sort(), Sort::Blob(format!("sha256:{}", "ab".repeat(32))));
        assert_eq!(tree.items[3].at(folder.path()), folder.path().join(paths[3]));
        assert_eq!((tree.models(), tree.bytes()), (1, 4));
    }
}
