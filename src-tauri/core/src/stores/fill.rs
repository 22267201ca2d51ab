//! The files of a models folder into another one, and out of it again. Everything here blocks, and
//! everything can be done again: what is in its place already stays.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use corral_contract::{ErrorCode, WireError, stores::MoveWay};

use super::{
    owner,
    tree::{Item, Sort, Tree},
};
use crate::{
    Result,
    bundles::{
        pour::{Source, Way},
        stage,
    },
    transfers,
};

/// Where a small file is written before it takes its place.
const HALF: &str = ".corral/place.moved";

/// Largest manifest that is read, in bytes.
const LARGEST_MANIFEST: u64 = 4 << 20;

/// One folder into another.
#[derive(Debug, Clone)]
pub(super) struct Fill {
    pub(super) from: PathBuf,
    pub(super) to: PathBuf,
    pub(super) way: MoveWay,
}

impl Fill {
    /// Makes the folder that is filled; `true` when it was not there.
    ///
    /// # Errors
    /// `STORE_PERMISSION`, `DISK_FULL`, `FILE_SYSTEM`; `FOLDER_MISSING` without the folder above it.
    pub(super) fn make(&self) -> Result<bool> {
        let made = match fs::create_dir(&self.to) {
            Ok(()) => true,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(missing(self.to.parent().unwrap_or(&self.to)));
            }
            Err(error) => return Err(stage::refused(&error)),
        };
        owner::like(&self.from, &self.to);
        for part in ["blobs", "manifests"] {
            self.folder(&self.to.join(part))?;
        }
        Ok(made)
    }

    /// Puts these into their places, in this order.
    ///
    /// # Errors
    /// `CANCELLED`, `DISK_FULL`, `STORE_PERMISSION`, `FILE_SYSTEM`; `DIGEST_MISMATCH` for a layer that
    /// is not what its name promises; `FOLDER_MISSING` when one of the two is gone.
    pub(super) fn run(&self, items: &[Item], way: &Way<'_>) -> Result<()> {
        let mut settled = false;
        for item in items {
            if way.token.is_cancelled() {
                return Err(WireError::new(ErrorCode::Cancelled));
            }
            // What a manifest names is on the disk before it.
            if item.sort() == Sort::Manifest && !settled {
                self.settle()?;
                settled = true;
            }
            self.place(item, way).map_err(|error| self.why(error, item))?;
        }
        self.settle()
    }

    fn settle(&self) -> Result<()> {
        transfers::settle(&self.to.join("blobs")).map_err(|failed| failed.error)
    }

    /// A folder that is gone with its drive is that, whatever the system says about a file in it.
    fn why(&self, error: WireError, item: &Item) -> WireError {
        if error.code != ErrorCode::FileSystem {
            return error;
        }
        for folder in [&self.from, &self.to] {
            if !folder.join("blobs").is_dir() {
                return missing(folder);
            }
        }
        error.with("what", &item.path)
    }

    fn place(&self, item: &Item, way: &Way<'_>) -> Result<()> {
        let (from, to) = (item.at(&self.from), item.at(&self.to));
        if let Some(parent) = to.parent() {
            self.folder(parent)?;
        }
        let refused = |error: io::Error| stage::refused(&error);
        match (self.way, item.sort()) {
            (MoveWay::Rename, _) => {
                if !is_like(&to, item) || from.exists() {
                    fs::rename(&from, &to).map_err(refused)?;
                }
                way.skip(item.size);
            }
            // A server writes over a manifest: with a second name both would be changed.
            (MoveWay::Link, Sort::Blob(_) | Sort::Other) => {
                let real = dunce::canonicalize(&from).map_err(refused)?;
                match fs::hard_link(real, &to) {
                    Ok(()) => {}
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                        if !is_like(&to, item) {
                            return Err(refused(error));
                        }
                    }
                    Err(error) => return Err(refused(error)),
                }
                way.skip(item.size);
            }
            (MoveWay::Copy, Sort::Blob(digest)) => {
                let source = Source { file: from.clone(), offset: 0, size: item.size };
                let blobs = self.to.join("blobs");
                if let Some(staged) = stage::bring(&blobs, &digest, &source, false, way)? {
                    staged.publish()?;
                    owner::like(&from, &to);
                }
            }
            (MoveWay::Link | MoveWay::Copy, _) => {
                self.copy(item, &from, &to).map_err(refused)?;
                way.skip(item.size);
            }
        }
        Ok(())
    }

    /// A small file, or one that nobody can prove: written aside, then put into its place with the
    /// time of the first, by which a server says when a model was changed.
    fn copy(&self, item: &Item, from: &Path, to: &Path) -> io::Result<()> {
        if item.path.starts_with("blobs/.corral/trash/")
            && let Some(name) = to.file_name()
            && fs::hard_link(self.to.join("blobs").join(name), to).is_ok()
        {
            // The same layer is kept here already.
            return Ok(());
        }
        let half = self.to.join("blobs").join(HALF);
        if let Some(parent) = half.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::copy(from, &half)?;
        let file = fs::OpenOptions::new().write(true).open(&half)?;
        if let Ok(time) = fs::metadata(from).and_then(|facts| facts.modified()) {
            file.set_modified(time)?;
        }
        file.sync_all()?;
        drop(file);
        owner::like(from, &half);
        fs::rename(&half, to)
    }

    /// A folder of the filled one, for whoever has the same folder of the other.
    fn folder(&self, folder: &Path) -> Result<()> {
        if folder.is_dir() {
            return Ok(());
        }
        if !self.to.is_dir() {
            return Err(missing(&self.to));
        }
        fs::create_dir_all(folder).map_err(|error| stage::refused(&error))?;
        let mut inside = folder;
        while let Ok(part) = inside.strip_prefix(&self.to)
            && !part.as_os_str().is_empty()
        {
            owner::like(&self.from.join(part), inside);
            inside = inside.parent().unwrap_or(&self.to);
        }
        Ok(())
    }
}

/// Removes these from `folder`, each only when `kept` has it as well, then the folders that are empty
/// by then, and the folder itself when `whole`. What nobody else has stays; answers how many did.
///
/// # Errors
/// `STORE_PERMISSION`, `FILE_SYSTEM`; `FOLDER_MISSING` when the other one is not there: nothing is
/// then removed.
pub(super) fn clear(folder: &Path, kept: &Path, items: &[Item], whole: bool) -> Result<u64> {
    let needed = needed(kept)?;
    let mut stay = 0;
    for item in items {
        let file = item.at(folder);
        if !file.exists() {
            continue;
        }
        if !safe(item, kept, &needed) {
            stay += 1;
            continue;
        }
        fs::remove_file(&file).map_err(|error| stage::refused(&error))?;
    }
    let _ = fs::remove_file(folder.join("blobs").join(HALF));
    stage::sweep(&folder.join("blobs"), digests(items).iter().map(String::as_str));
    for part in ["blobs", "manifests"] {
        empty(&folder.join(part));
    }
    if whole {
        // With something foreign in it, it stays.
        let _ = fs::remove_dir(folder);
    }
    Ok(stay)
}

/// Whether the other folder has it, or no model there needs it because one was deleted since.
fn safe(item: &Item, kept: &Path, needed: &BTreeSet<String>) -> bool {
    match item.sort() {
        Sort::Blob(digest) => is_like(&item.at(kept), item) || !needed.contains(&digest),
        Sort::Manifest | Sort::Other => true,
    }
}

/// The digests that the manifests of a folder name.
///
/// # Errors
/// `STORE_PERMISSION`, `FILE_SYSTEM`; `FOLDER_MISSING` when it holds no models folder.
pub(super) fn needed(kept: &Path) -> Result<BTreeSet<String>> {
    if !kept.join("blobs").is_dir() {
        return Err(missing(kept));
    }
    let mut needed = BTreeSet::new();
    for item in Tree::read(kept)?.items {
        if item.sort() != Sort::Manifest || item.size > LARGEST_MANIFEST {
            continue;
        }
        let text = fs::read(item.at(kept)).map_err(|error| stage::refused(&error))?;
        let text = String::from_utf8_lossy(&text);
        // Whatever a manifest names, in whichever field, is needed.
        for (at, _) in text.match_indices("sha256:") {
            needed.extend(text.get(at..at + 71).map(str::to_ascii_lowercase));
        }
    }
    Ok(needed)
}

fn digests(items: &[Item]) -> Vec<String> {
    let digest = |item: &Item| match item.sort() {
        Sort::Blob(digest) => Some(digest),
        _ => None,
    };
    items.iter().filter_map(digest).collect()
}

/// Removes a folder and those in it as far as they are empty.
fn empty(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            empty(&entry.path());
        }
    }
    // One that is not empty stays.
    let _ = fs::remove_dir(folder);
}

fn is_like(file: &Path, item: &Item) -> bool {
    fs::metadata(file).is_ok_and(|facts| facts.is_file() && facts.len() == item.size)
}

/// A folder is not there.
pub(super) fn missing(folder: &Path) -> WireError {
    WireError::new(ErrorCode::FolderMissing).with("path", folder.display())
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path, sync::atomic::AtomicU64};

    use corral_contract::{ErrorCode, stores::MoveWay};
    use tokio_util::sync::CancellationToken;

    use super::{Fill, clear};
    use crate::{bundles::pour::Way, stores::tree::Tree};

    fn put(folder: &Path, file: &str, text: &str) {
        let file = folder.join(file);
        fs::create_dir_all(file.parent().expect("a parent")).expect("a folder");
        fs::write(file, text).expect("written");
    }

    fn read(folder: &Path) -> Vec<(String, u64)> {
        let items = Tree::read(folder).expect("read").items;
        items.into_iter().map(|item| (item.path, item.size)).collect()
    }

    fn run(fill: &Fill, items: &[super::Item]) -> crate::Result<()> {
        let (token, done) = (CancellationToken::new(), AtomicU64::new(0));
        fill.run(items, &Way { token: &token, done: &done })
    }

    /// Where a disk has no second names, each file is in one place only, whatever the moment.
    #[test]
    fn files_that_change_their_names_go_on_half_way_and_come_back() {
        let yard = tempfile::tempdir().expect("a folder");
        let (from, to) = (yard.path().join("from"), yard.path().join("to"));
        let blob = format!("blobs/sha256-{}", "cd".repeat(32));
        put(&from, &blob, "weights");
        put(&from, "blobs/.corral/trash/1/manifest", "{}");
        put(&from, "manifests/host/space/model/tag", "{\"config\":{}}");
        let before = read(&from);
        let items = Tree::read(&from).expect("read").items;
        let fill = Fill { from: from.clone(), to: to.clone(), way: MoveWay::Rename };
        assert!(fill.make().expect("made"));
        run(&fill, &items[..2]).expect("the first two");
        run(&fill, &items).expect("all of them, some once more");
        assert_eq!((read(&to), read(&from).len()), (before.clone(), 0));

        let back = Fill { from: to.clone(), to: from.clone(), way: MoveWay::Rename };
        run(&back, &items).expect("and back");
        assert_eq!(clear(&to, &from, &items, true).expect("cleared"), 0);
        assert_eq!(read(&from), before);
        assert!(!to.exists());
    }

    #[test]
    fn what_nobody_else_has_is_never_removed() {
        let yard = tempfile::tempdir().expect("a folder");
        let (one, two) = (yard.path().join("one"), yard.path().join("two"));
        let name = "ef".repeat(32);
        put(&one, &format!("blobs/sha256-{name}"), "weights");
        put(&one, "manifests/host/space/model/tag", "{}");
        let items = Tree::read(&one).expect("read").items;
        let gone = clear(&one, &two, &items, true).expect_err("there is no other one");
        assert_eq!(gone.code, ErrorCode::FolderMissing);
        put(&two, "manifests/host/space/model/tag", &format!("{{\"digest\":\"sha256:{name}\"}}"));
        fs::create_dir_all(two.join("blobs")).expect("a folder");
        assert_eq!(clear(&one, &two, &items, true).expect("cleared"), 1);
        assert!(one.join(format!("blobs/sha256-{name}")).exists(), "the other one names it");
    }
}
