//! Reading the layers of one model or of all, and keeping what was found.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use corral_contract::{
    ErrorCode, InstanceId, WireError,
    checks::{CheckResult, DamagedLayer},
    models::LayerInfo,
    tasks::Figures,
};
use tokio::time::{Instant, MissedTickBehavior};

use super::{blobs, store};
use crate::{Core, Result, models, tasks::Task, transfers};

/// Between two looks at how far the reading thread is.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// A speed is told after this long.
const MEASURED: Duration = Duration::from_millis(500);

/// A layer to read, once whoever has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// `sha256:` and 64 lower-case hex digits.
    pub(crate) digest: String,
    pub(crate) size: u64,
    pub(crate) kind: String,
}

/// Checks one model, or every model of a store, and keeps the result of each; answers how many
/// layers are damaged.
///
/// # Errors
/// `NOT_FOUND` when the store has no such model, `STORE_ELSEWHERE` when it is gone,
/// `STORE_PERMISSION`, `FILE_SYSTEM`, `CANCELLED`; database errors.
pub(super) async fn check(
    core: &Core,
    instance: InstanceId,
    folder: &Path,
    only: Option<&str>,
    task: &Task,
) -> Result<usize> {
    task.phase("listing");
    let gone = || WireError::new(ErrorCode::StoreElsewhere).with("instance", instance);
    let mut models = models::layers_of_store(core, instance).await?.ok_or_else(gone)?;
    if let Some(key) = only {
        models.retain(|known, _| known == key);
        if models.is_empty() {
            return Err(WireError::new(ErrorCode::NotFound).with("name", key));
        }
    }
    let targets = targets(models.values().flatten());
    task.note(format!("{} models, {} layers", models.len(), targets.len()));
    let found = inspect(folder, targets, task).await?;
    // A store that went while it was read looks like one that lost all its layers.
    if !folder.join("blobs").is_dir() {
        return Err(gone());
    }
    for damaged in found.values() {
        task.warn(format!("{} {}: {}", damaged.kind, damaged.digest, damaged.why.as_str()));
    }
    let at = core.now();
    let mut results = HashMap::new();
    for (key, layers) in models {
        let bytes = layers.iter().map(|layer| layer.bytes).sum();
        let damaged = layers.iter().filter_map(|layer| found.get(&layer.digest).cloned());
        let mut damaged: Vec<DamagedLayer> = damaged.collect();
        damaged.dedup_by(|one, other| one.digest == other.digest);
        results.insert(key, CheckResult { at, bytes, damaged });
    }
    store::keep(core, instance, results).await?;
    Ok(found.len())
}

/// Each digest once. What is no digest is no layer of this store.
fn targets<'a>(layers: impl Iterator<Item = &'a LayerInfo>) -> Vec<Target> {
    let mut seen = BTreeSet::new();
    let target = |layer: &LayerInfo| Target {
        digest: layer.digest.clone(),
        size: layer.bytes,
        kind: layer.kind.clone(),
    };
    layers
        .filter(|layer| transfers::sum_of(&layer.digest).is_some())
        .filter(|layer| seen.insert(layer.digest.clone()))
        .map(target)
        .collect()
}

/// Reads layers one after the other, on one thread, and answers the damaged ones by digest.
///
/// # Errors
/// `STORE_PERMISSION`, `FILE_SYSTEM`, `CANCELLED`.
pub(crate) async fn inspect(
    folder: &Path,
    targets: Vec<Target>,
    task: &Task,
) -> Result<BTreeMap<String, DamagedLayer>> {
    task.phase("reading");
    let total = targets.iter().map(|target| target.size).sum();
    let (done, token, blobs) = (Arc::new(AtomicU64::new(0)), task.token(), folder.join("blobs"));
    let counted = done.clone();
    let reading = tokio::task::spawn_blocking(move || {
        let mut found = BTreeMap::new();
        let mut before = 0;
        for Target { digest, size, kind } in targets {
            let Some(sum) = transfers::sum_of(&digest) else { continue };
            let file = blobs.join(digest.replace(':', "-"));
            let hears = |bytes| {
                counted.fetch_add(bytes, Ordering::Relaxed);
            };
            let wrong = blobs::judge(&file, &sum, size, &kind, &token, hears)?;
            // What need not be read counts as read.
            before += size;
            counted.store(before, Ordering::Relaxed);
            if let Some((why, detail)) = wrong {
                let layer = DamagedLayer { digest: digest.clone(), kind, bytes: size, why, detail };
                found.insert(digest, layer);
            }
        }
        Ok(found)
    });
    tokio::pin!(reading);
    let began = Instant::now();
    let mut look = tokio::time::interval(LOOK_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            ended = &mut reading => {
                return ended.unwrap_or_else(|error| {
                    Err(WireError::new(ErrorCode::Internal).detail(error.to_string()))
                });
            }
            _ = look.tick() => task.figures(figures(done.load(Ordering::Relaxed), total, began)),
        }
    }
}

/// How far it is, with the mean speed so far.
pub(crate) fn figures(done: u64, total: u64, began: Instant) -> Figures {
    let took = began.elapsed();
    let speed = (took >= MEASURED).then(|| (done as f64 / took.as_secs_f64()) as u64);
    Figures { done: done.min(total), total, speed }
}

/// So many layers are damaged.
pub(super) fn damaged(layers: usize) -> WireError {
    WireError::new(ErrorCode::LayersDamaged).with("n", layers)
}
