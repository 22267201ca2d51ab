//! Fetching just the damaged layers of a model again.
//!
//! A damaged file is set aside first, because whoever fetches believes a file of the right name and
//! length. It is removed when its successor has proved itself, and put back when none came.

use std::{
    collections::{BTreeSet, HashMap},
    io,
    path::{Path, PathBuf},
};

use corral_contract::{
    Advice, ErrorCode, WireError,
    checks::{CheckResult, DamagedLayer, RepairModel, call},
    downloads::Priority,
    models::OpRef,
    name::ModelName,
    status::{Cause, Origin, Run},
};

use super::{
    load, manifests,
    operation::{self, Notify, Work},
    recreate, store,
    store::StoredModel,
    unload,
};
use crate::{
    Core, Result, checks,
    downloads::{self, Enqueue},
    instances,
    registry::Repository,
    router::Handle,
    tasks::Task,
};

impl Handle<call::Repair> for Core {
    async fn handle(&self, RepairModel { id, stop }: RepairModel) -> Result<OpRef> {
        let repairing = operation::begin(self, id, Work::Repair { stop }, Notify::Failure).await?;
        Ok(OpRef { task: repairing.task() })
    }
}

/// The operation behind `checks.repair`. Cancelling it takes the download out of the queue.
pub(super) async fn repair(
    core: &Core,
    model: &StoredModel,
    task: &Task,
    stop: bool,
) -> Result<()> {
    task.phase("preparing");
    let damaged = match checks::of_model(core, model.id).await?.0 {
        Some(check) if !check.damaged.is_empty() => check.damaged,
        _ => return Err(wrong_state(model)),
    };
    let folder = checks::store_of(core, model.instance).await?;
    let wish = obtainable(core, model, &damaged).await?;
    let users = users(core, model, &damaged).await?;
    let running: Vec<&StoredModel> = users.iter().filter(|user| user.run == Run::Running).collect();
    if let (Some(first), false) = (running.first(), stop) {
        let busy = WireError::new(ErrorCode::WrongState).with("name", &first.name);
        return Err(busy.with("status", first.status().as_str()).with("action", "repair"));
    }
    for user in &running {
        unload::close(core, user, task).await?;
    }
    let aside = set_aside(&folder, &damaged, task).await?;
    let brought = bring(core, model, wish, task).await;
    if brought.is_err() && core.supervisor.token().is_cancelled() {
        // The download goes on at the next start and must not find the damaged file in its place.
        return brought;
    }
    if let Err(error) = brought {
        aside.put_back().await;
        return Err(error);
    }
    let targets = damaged.iter().map(|layer| checks::Target {
        digest: layer.digest.clone(),
        size: layer.bytes,
        kind: layer.kind.clone(),
    });
    let still = checks::inspect(&folder, targets.collect(), task).await?;
    aside.remove().await;
    settle(core, model, &users, &damaged, &still).await?;
    if !still.is_empty() {
        return Err(WireError::new(ErrorCode::LayersDamaged).with("n", still.len()));
    }
    if running.iter().any(|user| user.id == model.id) {
        load::again(core, &store::get(core, model.id).await?, task).await?;
    }
    Ok(())
}

fn wrong_state(model: &StoredModel) -> WireError {
    WireError::new(ErrorCode::WrongState)
        .with("name", &model.name)
        .with("status", model.status().as_str())
        .with("action", "repair")
}

/// The wish for the download, once the registry was seen to offer every damaged layer under this
/// name.
async fn obtainable(core: &Core, model: &StoredModel, damaged: &[DamagedLayer]) -> Result<Enqueue> {
    let none = |hint: Option<Advice>| WireError {
        hint,
        ..WireError::new(ErrorCode::NotFetchable).with("name", &model.name)
    };
    if model.origin == Origin::Custom {
        return Err(none(None));
    }
    let name = ModelName::parse(&model.name)
        .map_err(|reason| WireError::field("name", reason.as_str()))?;
    let options = downloads::last_options(core, model.id).await?;
    let repository = Repository {
        name: name.clone(),
        insecure: options.insecure,
        server_version: instances::version(core, model.instance),
        file: None,
    };
    let manifest = core.registries.manifest(&repository).await.map_err(|failure| {
        if failure.error.code == ErrorCode::ModelUnknown { none(None) } else { failure.error }
    })?;
    let offered: BTreeSet<&str> = manifest.blobs.iter().map(|blob| blob.digest.as_str()).collect();
    if !damaged.iter().all(|layer| offered.contains(layer.digest.as_str())) {
        // The name means a newer model by now: that one can be fetched as a whole.
        return Err(none(Some(Advice::Recreate)));
    }
    let options = downloads::JobOptions { start_when_done: false, ..options };
    Ok(Enqueue {
        instance: model.instance,
        name,
        priority: Priority::High,
        options,
        cause: Cause::User,
    })
}

/// The models that have one of these layers, this one among them.
async fn users(
    core: &Core,
    model: &StoredModel,
    damaged: &[DamagedLayer],
) -> Result<Vec<StoredModel>> {
    let layers = manifests::of_store(core, model.instance).await?.unwrap_or_default();
    let mut users = Vec::new();
    for (key, layers) in layers {
        let has = layers.iter().any(|layer| damaged.iter().any(|it| it.digest == layer.digest));
        let Ok(name) = ModelName::parse(&key) else { continue };
        if has && let Some(user) = store::find(core, model.instance, &name).await? {
            users.push(user);
        }
    }
    Ok(users)
}

async fn bring(core: &Core, model: &StoredModel, wish: Enqueue, task: &Task) -> Result<()> {
    task.phase("fetching");
    let job = downloads::enqueue(core, wish).await?;
    task.note(format!("download {} in the queue", job.job));
    recreate::fetched(core, model, task).await
}

/// What the layers are now goes into the result of every model that has them.
async fn settle(
    core: &Core,
    model: &StoredModel,
    users: &[StoredModel],
    damaged: &[DamagedLayer],
    still: &std::collections::BTreeMap<String, DamagedLayer>,
) -> Result<()> {
    let mut results = HashMap::new();
    for user in users {
        let Some(before) = checks::of_model(core, user.id).await?.0 else { continue };
        let looked_at = |layer: &DamagedLayer| damaged.iter().any(|it| it.digest == layer.digest);
        let now = |layer: DamagedLayer| match still.get(&layer.digest) {
            Some(still) => Some(still.clone()),
            None => (!looked_at(&layer)).then_some(layer),
        };
        let damaged = before.damaged.into_iter().filter_map(now).collect();
        results.insert(user.key.clone(), CheckResult { damaged, ..before });
    }
    checks::keep(core, model.instance, results).await
}

/// Files that were renamed out of the way.
struct Aside(Vec<Moved>);

struct Moved {
    place: PathBuf,
    aside: PathBuf,
}

async fn set_aside(folder: &Path, damaged: &[DamagedLayer], task: &Task) -> Result<Aside> {
    let blobs = folder.join("blobs");
    let moves: Vec<Moved> = damaged
        .iter()
        .map(|layer| {
            let file = layer.digest.replace(':', "-");
            let aside = blobs.join(".corral").join(format!("{file}.aside"));
            Moved { place: blobs.join(file), aside }
        })
        .collect();
    let staging = blobs.join(".corral");
    let moved = tokio::task::spawn_blocking(move || {
        std::fs::create_dir_all(&staging).map_err(|error| refused(&error))?;
        let mut done = Aside(Vec::new());
        for each in moves {
            match std::fs::rename(&each.place, &each.aside) {
                Ok(()) => done.0.push(each),
                // A missing layer has nothing in its place.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => {
                    done.back();
                    return Err(refused(&error));
                }
            }
        }
        Ok(done)
    });
    let aside = moved
        .await
        .map_err(|error| WireError::new(ErrorCode::Internal).detail(error.to_string()))??;
    task.note(format!("{} damaged files set aside", aside.0.len()));
    Ok(aside)
}

impl Aside {
    /// Puts back what has no successor; what has one goes.
    fn back(self) {
        for Moved { place, aside } in self.0 {
            let put = if place.exists() {
                std::fs::remove_file(&aside)
            } else {
                std::fs::rename(&aside, &place)
            };
            if let Err(error) = put {
                tracing::warn!(%error, "a file that was set aside stays there");
            }
        }
    }

    async fn put_back(self) {
        // A panic in there would have been logged; the files are then offered for clean-up.
        let _ = tokio::task::spawn_blocking(move || self.back()).await;
    }

    async fn remove(self) {
        let remove = move || {
            for moved in self.0 {
                if let Err(error) = std::fs::remove_file(&moved.aside) {
                    tracing::warn!(%error, "a file that was set aside stays there");
                }
            }
        };
        let _ = tokio::task::spawn_blocking(remove).await;
    }
}

fn refused(error: &io::Error) -> WireError {
    let code = match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            ErrorCode::StorePermission
        }
        _ => ErrorCode::FileSystem,
    };
    WireError::new(code).detail(error.to_string())
}
