//! The trash: before a model is deleted its blobs get a second name, so that they outlive it.
//!
//! `blobs/.corral/trash/<entry>/` holds hard links: every blob under its own name and the manifest
//! as `manifest`. Ollama deletes by name and leaves folders alone, so that the bytes stay, and none
//! is copied. Bringing a model back links the blobs into their places, then the manifest, which
//! alone makes the server list it.

use std::{
    collections::HashSet,
    io,
    path::{Path, PathBuf},
};

use corral_contract::{
    ErrorCode, InstanceId, WireError,
    disk::{Emptied, Restored, TrashList, TrashRefs, call},
    instances::InstanceRef,
    name::ModelName,
};

use super::{
    Turn, blocking, changed, links,
    store::{self, Entry, Stage},
};
use crate::{Core, Result, instances, models, router::Handle, signal::Signal, tasks::Task};

/// Milliseconds of a day.
pub(super) const DAY: i64 = 24 * 3_600_000;

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
    let read = blocking(move || links::digest_of(&store, &key)).await?;
    let Some(digest) = read else { return Ok(None) };
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
    match blocking(move || links::link_all(&linked)).await? {
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
    let bytes = blocking(move || links::only_here(&held)).await?;
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
        let found = links::digest_of(Path::new(&path), &key)?;
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
    let gone = blocking(move || links::remove_folder(&entry)).await?;
    if gone {
        store::remove(core, id).await?;
    }
    Ok(gone)
}

impl Handle<call::Trash> for Core {
    async fn handle(&self, InstanceRef { id }: InstanceRef) -> Result<TrashList> {
        instances::view(self, id).await?;
        let mut entries = store::of_instance(self, id).await?;
        // Other models may have gone since, and others may have come.
        let entries = blocking(move || {
            let holders = entries.first().map(|it| links::Holders::of(Path::new(&it.store)));
            let holders = holders.unwrap_or_default();
            for entry in &mut entries {
                entry.bytes = holders.freed(&HashSet::from([entry.folder.as_str()]));
            }
            entries
        })
        .await?;
        Ok(TrashList { items: entries.iter().map(Entry::shown).collect() })
    }
}

impl Handle<call::EmptyTrash> for Core {
    async fn handle(&self, TrashRefs { instance, ids }: TrashRefs) -> Result<Emptied> {
        let mut emptied = Emptied { removed: 0, bytes: 0, left: 0 };
        let mut gone = HashSet::new();
        let entries = chosen(self, instance, &ids).await?;
        let store = entries.first().map(|entry| PathBuf::from(&entry.store));
        let holders = blocking(move || store.map(|store| links::Holders::of(&store))).await?;
        for entry in entries {
            let folder = entry.folder.clone();
            if leave(self, entry, Stage::Kept).await? {
                emptied.removed += 1;
                gone.insert(folder);
            } else {
                emptied.left += 1;
            }
        }
        let gone = gone.iter().map(String::as_str).collect();
        emptied.bytes = holders.map_or(0, |holders| holders.freed(&gone));
        changed(self, instance);
        Ok(emptied)
    }
}

impl Handle<call::Restore> for Core {
    async fn handle(&self, TrashRefs { instance, ids }: TrashRefs) -> Result<Restored> {
        let mut names = Vec::new();
        let mut digests = Vec::new();
        for entry in chosen(self, instance, &ids).await? {
            let (name, key, digest) = (entry.name.clone(), entry.key.clone(), entry.digest.clone());
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
    match blocking(move || links::link_back(&files)).await? {
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
