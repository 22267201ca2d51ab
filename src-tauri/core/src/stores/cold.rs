//! Models that are seldom needed, in folders on other disks: put there, each layer hashed, before the
//! server deletes them, and brought back the same way. Such a folder is laid out as a server's own.
//!
//! A mark in each folder tells whether it is the one that was meant: without its drive, the same path
//! is an empty folder of another disk, or somebody else's.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use corral_contract::{
    WireError,
    command::Nothing,
    models::OpRef,
    name::ModelName,
    stores::{AddCold, ArchiveModels, BringBack, ColdFolder, ColdRef, StoreView, call},
};

use super::{
    blocking,
    fill::missing,
    tree::{Sort, Tree},
};
use crate::{
    Core, Result,
    bundles::{manifest_of, stage},
    instances,
    router::Handle,
};

mod job;
mod store;

pub(super) use job::resume;

use store::{Entry, Folder, Stage};

/// The file that marks such a folder.
const MARK: &str = ".corral-archive";
/// Longest mark, in bytes.
const MARK_LENGTH: usize = 64;

impl Folder {
    /// Where it is, if it is the one that was meant. Blocks.
    ///
    /// # Errors
    /// `FOLDER_MISSING` naming its path.
    fn there(&self) -> Result<PathBuf> {
        let path = PathBuf::from(&self.path);
        let marked = mark_of(&path).is_some_and(|mark| mark == self.mark);
        if marked { Ok(path) } else { Err(missing(&path)) }
    }
}

fn mark_of(folder: &Path) -> Option<String> {
    let text = fs::read_to_string(folder.join(MARK)).ok()?;
    Some(text.trim().to_owned()).filter(|mark| !mark.is_empty() && mark.len() <= MARK_LENGTH)
}

/// All such folders with what they hold.
///
/// # Errors
/// Database errors.
pub(super) async fn view(core: &Core) -> Result<Vec<ColdFolder>> {
    let entries = store::entries(core).await?;
    let mut shown = Vec::new();
    for folder in store::folders(core).await? {
        let (looked, machine) = (folder.clone(), core.config.machine.clone());
        let there = blocking(move || {
            let path = looked.there()?;
            Ok(machine.space(&path).map(|space| space.free))
        })
        .await;
        let mine = |entry: &&Entry| entry.folder == folder.id && entry.stage != Stage::Entering;
        let items = entries.iter().filter(mine).map(Entry::shown).collect();
        let (free, problem) = match there {
            Ok(free) => (free, None),
            Err(error) => (None, Some(error)),
        };
        shown.push(ColdFolder { id: folder.id, path: folder.path, free, problem, items });
    }
    Ok(shown)
}

impl Handle<call::Cold> for Core {
    async fn handle(&self, AddCold { instance, path }: AddCold) -> Result<StoreView> {
        let path = PathBuf::from(path.trim());
        let mut used = Vec::new();
        for view in instances::views(self).await? {
            used.extend(view.store.path.filter(|_| view.store.writable.is_some()));
        }
        let known = store::folders(self).await?;
        let used: Vec<PathBuf> = used.into_iter().map(PathBuf::from).collect();
        let known: Vec<PathBuf> = known.into_iter().map(|it| PathBuf::from(it.path)).collect();
        let now = self.now();
        let (path, mark, found) = blocking(move || {
            let path = usable(&path, &used, &known)?;
            let mark = match mark_of(&path) {
                Some(mark) => mark,
                None => make_mark(&path).map_err(|error| stage::refused(&error))?,
            };
            let found = listed(&path)?;
            Ok((path, mark, found))
        })
        .await?;
        let folder = store::add(self, &path.display().to_string(), &mark).await?;
        // A folder that was forgotten, or comes from another machine, brings what it holds.
        for (name, digest, bytes) in found {
            let stage = Stage::Kept;
            let entry =
                Entry { id: 0, folder, instance: None, name, digest, bytes, stage, at: now };
            store::insert(self, &entry).await?;
        }
        super::view(self, instance).await
    }
}

impl Handle<call::ForgetCold> for Core {
    async fn handle(&self, ColdRef { id }: ColdRef) -> Result<Nothing> {
        store::folder(self, id).await?;
        store::forget(self, id).await?;
        Ok(Nothing {})
    }
}

impl Handle<call::Archive> for Core {
    async fn handle(&self, request: ArchiveModels) -> Result<OpRef> {
        job::archive(self, request).await
    }
}

impl Handle<call::Return> for Core {
    async fn handle(&self, request: BringBack) -> Result<OpRef> {
        job::bring_back(self, request).await
    }
}

/// Whether a folder may hold archived models; answers where it really is.
fn usable(path: &Path, used: &[PathBuf], known: &[PathBuf]) -> Result<PathBuf> {
    let wrong = |reason: &str| Err(WireError::field("path", reason));
    if !path.is_absolute() || path.to_str().is_none() {
        return wrong("notAbsolute");
    }
    let real = dunce::canonicalize(path).map_err(|_| missing(path))?;
    if !real.is_dir() {
        return wrong("notFolder");
    }
    for other in used.iter().filter_map(|other| dunce::canonicalize(other).ok()) {
        if other == real {
            return wrong("sameFolder");
        }
        if real.starts_with(&other) || other.starts_with(&real) {
            return wrong("insideItself");
        }
    }
    if known.iter().any(|other| dunce::canonicalize(other).is_ok_and(|other| other == real)) {
        return Err(
            WireError::new(corral_contract::ErrorCode::AlreadyExists).with("name", path.display())
        );
    }
    Ok(path.to_owned())
}

fn make_mark(folder: &Path) -> io::Result<String> {
    // The name of a new temporary file is one that nobody else has.
    let mut file = tempfile::Builder::new().prefix("").rand_bytes(24).tempfile_in(folder)?;
    let name =
        file.path().file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
    io::Write::write_all(&mut file, name.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist_noclobber(folder.join(MARK)).map_err(|refused| refused.error)?;
    Ok(name)
}

/// Models of a folder: name, digest of the manifest, bytes. Blocks.
fn listed(folder: &Path) -> Result<Vec<(String, String, u64)>> {
    let mut found = Vec::new();
    for item in Tree::read(folder)?.items {
        let Some(path) = item.path.strip_prefix("manifests/") else { continue };
        let Some((name, tag)) = path.rsplit_once('/') else { continue };
        let Ok(name) = ModelName::parse(&format!("{name}:{tag}")) else { continue };
        let Ok(Some((manifest, _))) = manifest_of(folder, &name) else { continue };
        let bytes = manifest.blobs.iter().map(|blob| blob.size).sum();
        found.push((name.display(), manifest.digest, bytes));
    }
    Ok(found)
}

/// Removes the layers of a folder that no model in it names any more. Blocks.
fn prune(folder: &Path) -> Result<()> {
    let needed = super::fill::needed(folder)?;
    for item in Tree::read(folder)?.items {
        if let Sort::Blob(digest) = item.sort()
            && !needed.contains(&digest)
        {
            fs::remove_file(item.at(folder)).map_err(|error| stage::refused(&error))?;
        }
    }
    Ok(())
}
