//! The trash: before a model is deleted its blobs get a second name, so that they outlive it.
//!
//! `blobs/.corral/trash/<entry>/` holds hard links: every blob under its own name and the manifest
//! as `manifest`. Ollama deletes by name and leaves folders alone, so that the bytes stay, and none
//! is copied. Bringing a model back links the blobs into their places, then the manifest, which
//! alone makes the server list it.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use corral_contract::{
    ErrorCode, InstanceId, WireError,
    disk::{Emptied, Restored, TrashList, TrashRefs, call},
    instances::InstanceRef,
    name::ModelName,
};
use sha2::{Digest as _, Sha256};

use super::{
    Turn, blocking, changed,
    store::{self, Entry, Stage},
    walk,
};
use crate::{Core, Result, digest::hex, instances, models, router::Handle, signal::Signal, tasks::Task};

/// Milliseconds of a day.
pub(super) const DAY: i64 = 24 * 3_600_000;
const MANIFEST: &str = "manifest";
/// Largest manifest that is read.
const LARGEST: u64 = 1 << 20;

/// A model whose blobs are linked and that may be deleted now.
#[derive(Debug)]
pub(crate) struct Held(Entry);

/// Links the blobs of a model that is to be deleted; `None` when the trash is off, the store is not
/// ours to write, or there is nothing to hold.
///
/// # Errors
/// `TRASH_IMPOSSIBLE` when the file system will not; nothing is left behind then. Database errors.
pub(crate) async fn hold(
    core: &Core,
    model: &models::store::StoredModel,
    task: &Task,
) -> Result<Option<Held>> {
    let days = core.settings().trash_days;
    let place = instances::store_seen(core, model.instance);
    let Some(path) = place.path.filter(|_| days > 0 && place.writable == Some(true)) else {
        return Ok(None);
    };
    let (store, key) = (PathBuf::from(&path), model.key.clone());
    let read = blocking(move || read_manifest(&store, &key)).await?;
    let Some((digest, _)) = read else { return Ok(None) };
    let now = core.now();
    let entry = Entry {
        id: 0,
        instance: Some(model.instance),
        store: path,
        folder: folder_name(&digest, now.0),
        name: model.name.clone(),
        key: model.key.clone(),
        digest,
        bytes: 0,
        stage: Stage::Entering,
        at: now,
        until: now.plus(i64::from(days) * DAY),
    };
    let entry = store::insert(core, entry).await?;
    let linked = entry.clone();
    match blocking(move || link_all(&linked)).await? {
        Ok(()) => {
            task.note(format!("its blobs are held in {}", entry.folder));
            Ok(Some(Held(entry)))
        }
        Err(error) => {
            let impossible = WireError::new(ErrorCode::TrashImpossible);
            let impossible = impossible.with("name", &entry.name).detail(error.to_string());
            let_go(core, Held(entry)).await?;
            Err(impossible)
        }
    }
}

/// The server deleted the model: the trash keeps it from now on.
///
/// # Errors
/// Database errors.
pub(crate) async fn keep(core: &Core, Held(entry): Held) -> Result<()> {
    let held = entry.clone();
    let bytes = blocking(move || only_here(&held)).await?;
    store::kept(core, entry.id, bytes).await?;
    core.disk.due.notify_one();
    Ok(())
}

/// The model was not deleted: nothing is held any more.
///
/// # Errors
/// Database errors.
pub(crate) async fn let_go(core: &Core, Held(entry): Held) -> Result<()> {
    leave(core, entry, Stage::Entering).await.map(|_| ())
}

/// Whether the manifest of a model is the one of this digest, where it can be read from here;
/// `None` where it cannot.
///
/// # Errors
/// None but the end of Corral.
pub(crate) async fn is_same(
    core: &Core,
    instance: InstanceId,
    key: &str,
    digest: &str,
) -> Result<Option<bool>> {
    let Some(path) = instances::store_path(core, instance) else { return Ok(None) };
    let (key, digest) = (key.to_owned(), digest.to_owned());
    blocking(move || {
        let (found, _) = read_manifest(Path::new(&path), &key)?;
        Some(found == digest)
    })
    .await
}

/// Removes the files of an entry, then its row. `false` when they could not be removed: the row
/// stays and is tried again.
pub(super) async fn leave(core: &Core, entry: Entry, from: Stage) -> Result<bool> {
    if from != Stage::Leaving && !store::step(core, entry.id, from, Stage::Leaving).await? {
        return Ok(false);
    }
    let id = entry.id;
    let gone = blocking(move || remove_folder(&entry)).await?;
    if gone {
        store::remove(core, id).await?;
    }
    Ok(gone)
}

impl Handle<call::Trash> for Core {
    async fn handle(&self, InstanceRef { id }: InstanceRef) -> Result<TrashList> {
        instances::view(self, id).await?;
        let entries = store::of_instance(self, id).await?;
        Ok(TrashList { items: entries.iter().map(Entry::shown).collect() })
    }
}

impl Handle<call::EmptyTrash> for Core {
    async fn handle(&self, TrashRefs { instance, ids }: TrashRefs) -> Result<Emptied> {
        let mut emptied = Emptied { removed: 0, bytes: 0, left: 0 };
        for entry in chosen(self, instance, &ids).await? {
            let bytes = entry.bytes;
            if leave(self, entry, Stage::Kept).await? {
                emptied.removed += 1;
                emptied.bytes += bytes;
            } else {
                emptied.left += 1;
            }
        }
        changed(self, instance);
        Ok(emptied)
    }
}

impl Handle<call::Restore> for Core {
    async fn handle(&self, TrashRefs { instance, ids }: TrashRefs) -> Result<Restored> {
        let mut names = Vec::new();
        let mut digests = Vec::new();
        for entry in chosen(self, instance, &ids).await? {
            let (name, key, digest) =
                (entry.name.clone(), entry.key.clone(), entry.digest.clone());
            restore(self, entry).await?;
            names.push(name);
            digests.push((key, digest));
        }
        if names.is_empty() {
            return Err(WireError::new(ErrorCode::NotFound).with("instance", instance));
        }
        let listed = is_listed(self, instance, &digests).await;
        self.signals.send(Signal::Operated(instance));
        changed(self, instance);
        Ok(Restored { names, listed })
    }
}

async fn chosen(core: &Core, instance: InstanceId, ids: &[i64]) -> Result<Vec<Entry>> {
    let mut entries = store::of_instance(core, instance).await?;
    entries.retain(|entry| ids.is_empty() || ids.contains(&entry.id));
    Ok(entries)
}

async fn restore(core: &Core, entry: Entry) -> Result<()> {
    let _turn = Turn::take(core, PathBuf::from(&entry.store))?;
    if !store::step(core, entry.id, Stage::Kept, Stage::Restoring).await? {
        return Err(WireError::new(ErrorCode::WrongState).with("name", &entry.name));
    }
    let files = entry.clone();
    match blocking(move || link_back(&files)).await? {
        Ok(()) => leave(core, entry, Stage::Restoring).await.map(|_| ()),
        Err(error) => {
            store::step(core, entry.id, Stage::Restoring, Stage::Kept).await?;
            let code = match error.kind() {
                io::ErrorKind::AlreadyExists => ErrorCode::AlreadyExists,
                io::ErrorKind::PermissionDenied => ErrorCode::StorePermission,
                io::ErrorKind::StorageFull => ErrorCode::DiskFull,
                _ => ErrorCode::FileSystem,
            };
            Err(WireError::new(code).with("name", &entry.name).detail(error.to_string()))
        }
    }
}

/// Whether the server lists these models as they were.
async fn is_listed(core: &Core, instance: InstanceId, wanted: &[(String, String)]) -> bool {
    let Ok(client) = instances::client(core, instance) else { return false };
    let Ok(tags) = client.tags().await else { return false };
    let listed = |(key, digest): &(String, String)| {
        tags.models.iter().any(|model| {
            ModelName::parse(&model.name).is_ok_and(|name| name.key() == *key)
                && model.digest.as_ref() == Some(digest)
        })
    };
    wanted.iter().all(listed)
}

fn folder_name(digest: &str, now: i64) -> String {
    // Two of the same millisecond and content differ in the counter.
    static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let next = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    format!("{now}-{}-{}-{next}", std::process::id(), digest.get(..12).unwrap_or(digest))
}

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

/// Digest and bytes of a model's manifest; `None` when there is none.
fn read_manifest(store: &Path, key: &str) -> Option<(String, Vec<u8>)> {
    let file = manifest_of(store, key)?;
    if fs::metadata(&file).ok()?.len() > LARGEST {
        return None;
    }
    let bytes = fs::read(file).ok()?;
    Some((hex(&Sha256::digest(&bytes)), bytes))
}

/// Whether the store has the model of an entry, as it is in the entry.
pub(super) fn is_in_store(entry: &Entry) -> bool {
    let found = read_manifest(Path::new(&entry.store), &entry.key);
    found.is_some_and(|(digest, _)| digest == entry.digest)
}

/// Whether the entry can be brought back: its manifest is there and whole.
pub(super) fn is_whole(entry: &Entry) -> bool {
    let bytes = fs::read(folder_of(entry).join(MANIFEST));
    bytes.is_ok_and(|bytes| hex(&Sha256::digest(&bytes)) == entry.digest)
}

fn link_all(entry: &Entry) -> io::Result<()> {
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

/// Bytes of the blobs that nobody but this entry holds.
pub(super) fn only_here(entry: &Entry) -> u64 {
    let blobs = Path::new(&entry.store).join("blobs");
    let held = fs::read_dir(folder_of(entry)).into_iter().flatten().flatten();
    held.filter(|file| file.file_name() != MANIFEST && !blobs.join(file.file_name()).exists())
        .filter_map(|file| Some(file.metadata().ok()?.len()))
        .sum()
}

/// Links everything back, the manifest last. May be done again after it was interrupted.
pub(super) fn link_back(entry: &Entry) -> io::Result<()> {
    let store = Path::new(&entry.store);
    let (blobs, folder) = (store.join("blobs"), folder_of(entry));
    if !is_whole(entry) {
        return Err(io::ErrorKind::InvalidData.into());
    }
    match read_manifest(store, &entry.key) {
        Some((digest, _)) if digest == entry.digest => {}
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

fn remove_folder(entry: &Entry) -> bool {
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
