//! Models on their way into a folder for those that are seldom needed, and back.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicU64},
};

use corral_contract::{
    ErrorCode, InstanceId, WireError,
    models::OpRef,
    name::ModelName,
    stores::{ArchiveModels, BringBack},
    tasks::TaskKind,
};
use tokio_util::sync::CancellationToken;

use super::{
    super::{Turn, blocking, probe},
    prune,
    store::{self, Entry, Folder, Stage},
};
use crate::{
    Core, Result,
    bundles::{
        Held, followed, held, manifest_of, names,
        pour::{Source, Way},
        stage,
    },
    disk,
    downloads::direct,
    instances,
    registry::Manifest,
    signal::Signal,
    tasks::{self, NewTask, Task},
    transfers,
};

const MEGABYTE: u64 = 1_000_000;

/// One model from one folder into another. Blocks.
struct Carry {
    from: PathBuf,
    to: PathBuf,
    name: ModelName,
    manifest: Manifest,
}

impl Carry {
    /// # Errors
    /// `CANCELLED`, `DISK_FULL`, `STORE_PERMISSION`, `FILE_SYSTEM`; `DIGEST_MISMATCH` when a layer is
    /// not what its name promises. The manifest is then not there.
    fn run(&self, way: &Way<'_>) -> Result<()> {
        let blobs = self.to.join("blobs");
        fs::create_dir_all(&blobs).map_err(|error| stage::refused(&error))?;
        let mut staged = Vec::new();
        for blob in &self.manifest.blobs {
            let file = self.from.join("blobs").join(blob.digest.replace(':', "-"));
            let source = Source { file, offset: 0, size: blob.size };
            match stage::bring(&blobs, &blob.digest, &source, true, way) {
                Ok(brought) => staged.extend(brought),
                Err(error) => {
                    staged.iter().for_each(stage::Staged::discard);
                    let digests = self.manifest.blobs.iter().map(|blob| blob.digest.as_str());
                    stage::sweep(&blobs, digests);
                    return Err(error);
                }
            }
        }
        for layer in &staged {
            layer.publish()?;
        }
        transfers::settle(&blobs).map_err(|failed| failed.error)?;
        let name = names::spelled(&self.to, &self.name);
        direct::write_manifest(&self.to, &name, &self.manifest.bytes)
            .map_err(|error| stage::refused(&error))
    }

    fn bytes(&self) -> u64 {
        self.manifest.blobs.iter().map(|blob| blob.size).sum()
    }
}

/// Room for what the other folder has not yet. Blocks.
fn room(core: &Core, carries: &[Carry], to: &Path) -> Result<()> {
    let mut seen = BTreeSet::new();
    let blobs = carries.iter().flat_map(|carry| &carry.manifest.blobs);
    let needed: u64 = blobs
        .filter(|blob| seen.insert(blob.digest.clone()))
        .filter(|blob| !to.join("blobs").join(blob.digest.replace(':', "-")).is_file())
        .map(|blob| blob.size)
        .sum();
    let reserve = u64::from(core.settings().disk_reserve_mb) * MEGABYTE;
    match core.config.machine.space(to) {
        Some(space) if space.free < needed.saturating_add(reserve) => {
            Err(WireError::new(ErrorCode::DiskShort)
                .with("needed", needed)
                .with("free", space.free)
                .with("reserve", reserve)
                .with("missing", needed.saturating_add(reserve) - space.free))
        }
        _ => Ok(()),
    }
}

/// Looks at what is to be archived, writes it down, and begins.
///
/// # Errors
/// Why it cannot begin; nothing was changed then.
pub(super) async fn archive(core: &Core, request: ArchiveModels) -> Result<OpRef> {
    let folder = store::folder(core, request.folder).await?;
    let mut all: Vec<Held> = Vec::new();
    for id in &request.ids {
        all.push(held(core, *id).await?);
    }
    let Some(instance) = all.first().map(|held| held.instance) else {
        return Err(WireError::field("ids", "empty"));
    };
    if all.iter().any(|held| held.instance != instance) {
        return Err(WireError::field("ids", "severalInstances"));
    }
    if !instances::online(core, instance) {
        return Err(WireError::new(ErrorCode::InstanceOffline));
    }
    let turn = Turn::take(core, instance)?;
    let (looked, owner) = (folder.clone(), core.clone());
    let carries = blocking(move || {
        let to = looked.there()?;
        let carry = |held: Held| Carry {
            from: held.models,
            to: to.clone(),
            name: held.package.name,
            manifest: held.package.manifest,
        };
        let carries: Vec<Carry> = all.into_iter().map(carry).collect();
        room(&owner, &carries, &to)?;
        Ok(carries)
    })
    .await?;
    let mut work = Vec::new();
    for carry in carries {
        let entry = Entry {
            id: 0,
            folder: folder.id,
            instance: Some(instance),
            name: carry.name.display(),
            digest: carry.manifest.digest.clone(),
            bytes: carry.bytes(),
            stage: Stage::Entering,
            at: core.now(),
        };
        match store::insert(core, &entry).await {
            Ok(id) => work.push((Entry { id, ..entry }, carry)),
            Err(error) => {
                for (entry, _) in work {
                    store::remove(core, entry.id).await?;
                }
                return Err(error);
            }
        }
    }
    let task = begin(core, TaskKind::Archive, instance, &work).await?;
    let id = task.id();
    let worker = core.clone();
    core.supervisor.run("archive models", async move {
        let ended = follow(&worker, work, &task, true, instance).await;
        drop(turn);
        task.finish(&ended).await;
    });
    Ok(OpRef { task: id })
}

/// Looks at what is to be brought back, and begins.
///
/// # Errors
/// Why it cannot begin; nothing was changed then.
pub(super) async fn bring_back(core: &Core, request: BringBack) -> Result<OpRef> {
    let instance = request.instance;
    let fact = instances::store_now(core, instance).await?;
    let to = match (fact.path, fact.writable) {
        (Some(path), Some(true)) => PathBuf::from(path),
        (Some(path), Some(false)) => {
            return Err(WireError::new(ErrorCode::StorePermission).with("path", path));
        }
        _ => return Err(WireError::new(ErrorCode::StoreElsewhere).with("instance", instance)),
    };
    if !instances::online(core, instance) {
        return Err(WireError::new(ErrorCode::InstanceOffline));
    }
    let mut entries: Vec<(Entry, Folder)> = Vec::new();
    for id in &request.ids {
        let entry = store::entry(core, *id).await?;
        let folder = store::folder(core, entry.folder).await?;
        entries.push((entry, folder));
    }
    let turn = Turn::take(core, instance)?;
    let owner = core.clone();
    let work = blocking(move || {
        let mut work = Vec::new();
        for (entry, folder) in entries {
            work.push(returning(entry, &folder, &to)?);
        }
        let (entries, carries): (Vec<Entry>, Vec<Carry>) = work.into_iter().unzip();
        room(&owner, &carries, &to)?;
        Ok(entries.into_iter().zip(carries).collect::<Vec<_>>())
    })
    .await?;
    let task = begin(core, TaskKind::BringBack, instance, &work).await?;
    let id = task.id();
    let worker = core.clone();
    core.supervisor.run("bring models back", async move {
        let ended = follow(&worker, work, &task, false, instance).await;
        drop(turn);
        task.finish(&ended).await;
    });
    Ok(OpRef { task: id })
}

/// An archived model that may come back. Blocks.
fn returning(entry: Entry, folder: &Folder, to: &Path) -> Result<(Entry, Carry)> {
    let from = folder.there()?;
    let name = names::safe(&entry.name).map_err(|reason| WireError::field("name", reason))?;
    let gone = || WireError::new(ErrorCode::NotFound).with("name", name.display());
    let (manifest, _) = manifest_of(&from, &name)?.ok_or_else(gone)?;
    if let Some((there, _)) = manifest_of(to, &name)?
        && there.digest != manifest.digest
    {
        return Err(WireError::new(ErrorCode::AlreadyExists).with("name", name.display()));
    }
    Ok((entry, Carry { from, to: to.to_owned(), name, manifest }))
}

async fn begin(
    core: &Core,
    kind: TaskKind,
    instance: InstanceId,
    work: &[(Entry, Carry)],
) -> Result<Task> {
    let names: Vec<&str> = work.iter().map(|(entry, _)| entry.name.as_str()).collect();
    let target = match names.as_slice() {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first, more @ ..] => format!("{first} +{}", more.len()),
    };
    let new = NewTask { kind, instance: Some(instance), model: None, target, can_cancel: true };
    tasks::begin(core, new).await
}

/// One after the other; one that fails does not keep the others.
async fn follow(
    core: &Core,
    work: Vec<(Entry, Carry)>,
    task: &Task,
    archives: bool,
    instance: InstanceId,
) -> Result<()> {
    let done = Arc::new(AtomicU64::new(0));
    let total = work.iter().map(|(_, carry)| carry.bytes()).sum();
    let all = async {
        let mut first = None;
        for (entry, carry) in work {
            let token = task.token();
            task.note(&entry.name);
            let ended = if archives {
                enter(core, &entry, carry, task, &token, &done).await
            } else {
                come(core, &entry, carry, instance, task, &token, &done).await
            };
            if let Err(error) = ended {
                task.warn(format!("{}: {error}", entry.name));
                let named = error.params.contains_key("name");
                let error = if named { error } else { error.with("name", &entry.name) };
                first.get_or_insert(error);
            }
        }
        first.map_or(Ok(()), Err)
    };
    let ended = followed(task, &done, total, all).await;
    disk::changed(core, instance);
    core.signals.send(Signal::Operated(instance));
    ended
}

async fn pour(carry: Carry, token: &CancellationToken, done: &Arc<AtomicU64>) -> Result<Carry> {
    let (token, done) = (token.clone(), done.clone());
    blocking(move || {
        if token.is_cancelled() {
            return Err(WireError::new(ErrorCode::Cancelled));
        }
        carry.run(&Way { token: &token, done: &done })?;
        Ok(carry)
    })
    .await
}

async fn enter(
    core: &Core,
    entry: &Entry,
    carry: Carry,
    task: &Task,
    token: &CancellationToken,
    done: &Arc<AtomicU64>,
) -> Result<()> {
    task.phase("moving");
    let to = carry.to.clone();
    if let Err(error) = pour(carry, token, done).await {
        if !core.supervisor.token().is_cancelled() {
            take_back(core, entry, to).await?;
        }
        return Err(error);
    }
    task.phase("confirming");
    store::step(core, entry.id, Stage::Entering, Stage::Leaving).await?;
    leave(core, entry).await
}

/// What was begun of one goes; the server has it still.
async fn take_back(core: &Core, entry: &Entry, to: PathBuf) -> Result<()> {
    let name = entry.name.clone();
    let swept = blocking(move || {
        if let Ok(name) = names::safe(&name) {
            // Written last, so that it is seldom there.
            let _ = fs::remove_file(names::manifest_file(&to, &name));
        }
        prune(&to)
    });
    if let Err(error) = swept.await {
        tracing::warn!(%error, "layers without a model stay in a folder for archived ones");
    }
    store::remove(core, entry.id).await
}

/// Has the server delete what is archived whole, if it is still the same.
async fn leave(core: &Core, entry: &Entry) -> Result<()> {
    let Some(instance) = entry.instance else {
        return store::step(core, entry.id, Stage::Leaving, Stage::Kept).await;
    };
    let listed = probe::listed(core, instance).await?;
    let name = ModelName::parse(&entry.name).map_err(|_| WireError::field("name", "empty"))?;
    match listed.get(&name.key()) {
        Some(Some(digest)) if *digest == entry.digest => {
            instances::client(core, instance)?.delete(&entry.name).await?;
        }
        // Another one by now: that one stays.
        _ => {}
    }
    store::step(core, entry.id, Stage::Leaving, Stage::Kept).await
}

async fn come(
    core: &Core,
    entry: &Entry,
    carry: Carry,
    instance: InstanceId,
    task: &Task,
    token: &CancellationToken,
    done: &Arc<AtomicU64>,
) -> Result<()> {
    task.phase("moving");
    let carry = pour(carry, token, done).await?;
    task.phase("confirming");
    let listed = probe::listed(core, instance).await?;
    if listed.get(&carry.name.key()) != Some(&Some(carry.manifest.digest.clone())) {
        let error = WireError::new(ErrorCode::BadAnswer);
        return Err(error.detail("the server does not list it"));
    }
    // Only now the archived one may go.
    let (folder, name) = (carry.from, carry.name);
    blocking(move || {
        let file = names::manifest_file(&folder, &name);
        fs::remove_file(file).map_err(|error| stage::refused(&error))?;
        prune(&folder)
    })
    .await?;
    store::remove(core, entry.id).await
}

/// What Corral's end interrupted: a copy that was not whole is taken back, one that was is finished.
pub(in super::super) async fn resume(core: &Core) -> Result<()> {
    for entry in store::entries(core).await? {
        let ended = match entry.stage {
            Stage::Kept => continue,
            Stage::Leaving => leave(core, &entry).await,
            Stage::Entering => match store::folder(core, entry.folder).await?.there() {
                Ok(to) => take_back(core, &entry, to).await,
                // Its drive is away: it shows itself with it.
                Err(_) => Ok(()),
            },
        };
        if let Err(error) = ended {
            tracing::warn!(name = entry.name, %error, "an archived model is left as it is");
        }
    }
    Ok(())
}
