//! The files of the trash: links into it, back out of it, and what they hold.

use std::{
    collections::{HashMap, HashSet},
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use corral_contract::name::ModelName;
use sha2::{Digest as _, Sha256};

use super::{store::Entry, walk};
use crate::digest::hex;

const MANIFEST: &str = "manifest";
/// Largest manifest that is read.
const LARGEST: u64 = 1 << 20;

/// Where the links of an entry lie.
pub(super) fn folder_of(entry: &Entry) -> PathBuf {
    trash_of(Path::new(&entry.store)).join(&entry.folder)
}

/// Where the entries of a store lie.
pub(super) fn trash_of(store: &Path) -> PathBuf {
    store.join("blobs").join(".corral").join("trash")
}

/// Where the manifest of a model lies: the folder as it is written there, whatever its case.
fn manifest_of(store: &Path, key: &str) -> Option<PathBuf> {
    let name = ModelName::parse(key).ok()?;
    let mut place = store.join("manifests");
    for part in [&name.host, &name.namespace, &name.model, &name.tag] {
        let exact = place.join(part);
        if exact.exists() {
            place = exact;
            continue;
        }
        let entries = fs::read_dir(&place).ok()?.flatten();
        let mut same = entries.filter(|entry| {
            entry.file_name().to_str().is_some_and(|each| each.eq_ignore_ascii_case(part))
        });
        place = same.next()?.path();
    }
    place.is_file().then_some(place)
}

/// Digest of a model's manifest; `None` when there is none. Blocks.
pub(super) fn digest_of(store: &Path, key: &str) -> Option<String> {
    let file = manifest_of(store, key)?;
    if fs::metadata(&file).ok()?.len() > LARGEST {
        return None;
    }
    Some(hex(&Sha256::digest(fs::read(file).ok()?)))
}

/// Whether the store has the model of an entry, as it is in the entry.
pub(super) fn is_in_store(entry: &Entry) -> bool {
    digest_of(Path::new(&entry.store), &entry.key).as_ref() == Some(&entry.digest)
}

/// Whether the entry can be brought back: its manifest is there and whole.
pub(super) fn is_whole(entry: &Entry) -> bool {
    let bytes = fs::read(folder_of(entry).join(MANIFEST));
    bytes.is_ok_and(|bytes| hex(&Sha256::digest(&bytes)) == entry.digest)
}

/// Links every blob of a model, and its manifest. Blocks.
///
/// # Errors
/// What the file system says.
pub(super) fn link_all(entry: &Entry) -> io::Result<()> {
    let store = Path::new(&entry.store);
    let (blobs, folder) = (store.join("blobs"), folder_of(entry));
    let missing = || io::Error::from(io::ErrorKind::NotFound);
    let manifest = manifest_of(store, &entry.key).ok_or_else(missing)?;
    fs::create_dir_all(&folder)?;
    for hex in walk::read(&manifest).ok_or_else(missing)? {
        let name = format!("sha256-{hex}");
        match fs::hard_link(blobs.join(&name), folder.join(&name)) {
            // What the store does not have the trash cannot keep.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            linked => linked?,
        }
    }
    // The manifests may lie on another file system; they are a few kilobytes.
    let copy = folder.join(MANIFEST);
    if fs::hard_link(&manifest, &copy).is_err() {
        fs::copy(&manifest, &copy)?;
    }
    if is_whole(entry) { Ok(()) } else { Err(io::ErrorKind::InvalidData.into()) }
}

/// Bytes of the blobs of an entry that no model needs. Blocks.
pub(super) fn only_here(entry: &Entry) -> u64 {
    let blobs = Path::new(&entry.store).join("blobs");
    let held = fs::read_dir(folder_of(entry)).into_iter().flatten().flatten();
    held.filter(|file| file.file_name() != MANIFEST && !blobs.join(file.file_name()).exists())
        .filter_map(|file| Some(file.metadata().ok()?.len()))
        .sum()
}

/// Who holds each blob that no model needs.
#[derive(Debug, Default)]
pub(super) struct Holders(HashMap<OsString, (u64, HashSet<String>)>);

impl Holders {
    /// Looks through the trash of a store. Blocks.
    pub(super) fn of(store: &Path) -> Holders {
        let blobs = store.join("blobs");
        let mut holders = Holders::default();
        for folder in fs::read_dir(trash_of(store)).into_iter().flatten().flatten() {
            let name = folder.file_name().to_string_lossy().into_owned();
            for file in fs::read_dir(folder.path()).into_iter().flatten().flatten() {
                let blob = file.file_name();
                if blob == MANIFEST || blobs.join(&blob).exists() {
                    continue;
                }
                let Ok(facts) = file.metadata() else { continue };
                let entry = holders.0.entry(blob).or_insert((facts.len(), HashSet::new()));
                entry.1.insert(name.clone());
            }
        }
        holders
    }

    /// Bytes that go when these entries do.
    pub(super) fn freed(&self, folders: &HashSet<&str>) -> u64 {
        let only = |holders: &HashSet<String>| {
            holders.iter().all(|holder| folders.contains(holder.as_str()))
        };
        self.0.values().filter(|(_, holders)| only(holders)).map(|(bytes, _)| bytes).sum()
    }
}

/// Links everything back, the manifest last. May be done again after it was interrupted.
pub(super) fn link_back(entry: &Entry) -> io::Result<()> {
    let store = Path::new(&entry.store);
    let (blobs, folder) = (store.join("blobs"), folder_of(entry));
    if !is_whole(entry) {
        return Err(io::ErrorKind::InvalidData.into());
    }
    match digest_of(store, &entry.key) {
        Some(digest) if digest == entry.digest => {}
        // Somebody fetched another version meanwhile.
        Some(_) => return Err(io::ErrorKind::AlreadyExists.into()),
        None => {}
    }
    for file in fs::read_dir(&folder)? {
        let file = file?;
        if file.file_name() == MANIFEST {
            continue;
        }
        let place = blobs.join(file.file_name());
        // The server removes old files that no manifest names when it starts just now.
        if let Ok(open) = fs::File::options().write(true).open(file.path()) {
            let _ = open.set_modified(SystemTime::now());
        }
        match fs::hard_link(file.path(), &place) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                if fs::metadata(&place)?.len() != file.metadata()?.len() {
                    return Err(error);
                }
            }
            linked => linked?,
        }
    }
    place_manifest(store, entry, &folder.join(MANIFEST))
}

fn place_manifest(store: &Path, entry: &Entry, manifest: &Path) -> io::Result<()> {
    let name = ModelName::parse(&entry.name).map_err(|_| io::ErrorKind::InvalidInput)?;
    let model = store.join("manifests").join(&name.host).join(&name.namespace).join(&name.model);
    let place = model.join(&name.tag);
    let mut tries = 0;
    loop {
        fs::create_dir_all(&model)?;
        let placed = match fs::hard_link(manifest, &place) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
            // The server removes empty folders at any time.
            Err(error) if error.kind() == io::ErrorKind::NotFound && tries < 5 => Err(error),
            Err(_) => copy_into(store, manifest, &place),
            Ok(()) => Ok(()),
        };
        match placed {
            Err(error) if error.kind() == io::ErrorKind::NotFound && tries < 5 => tries += 1,
            done => return done,
        }
    }
}

/// A whole manifest or none: written beside and renamed.
fn copy_into(store: &Path, manifest: &Path, place: &Path) -> io::Result<()> {
    let mut file = tempfile::Builder::new().prefix(".corral-").tempfile_in(store)?;
    io::copy(&mut fs::File::open(manifest)?, &mut file)?;
    crate::transfers::readable_by_all(file.as_file())?;
    file.as_file().sync_all()?;
    file.persist(place).map(|_| ()).map_err(|error| error.error)
}

/// Removes the links of an entry; `false` when they could not be. Blocks.
pub(super) fn remove_folder(entry: &Entry) -> bool {
    if !Path::new(&entry.store).join("blobs").is_dir() {
        // The disk is not there now.
        return false;
    }
    let gone = match fs::remove_dir_all(folder_of(entry)) {
        Ok(()) => true,
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    };
    // Only an empty one goes.
    let _ = fs::remove_dir(trash_of(Path::new(&entry.store)));
    gone
}
