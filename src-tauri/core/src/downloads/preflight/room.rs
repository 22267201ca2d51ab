//! What would make room, the least painful first.

use std::{
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use corral_contract::{InstanceId, downloads::CleanUp};

use crate::{Core, Result, models};

/// Interrupted downloads of this age nobody is at any more.
const STALE: Duration = Duration::from_secs(3600);
/// Most models that are proposed.
const MOST: usize = 6;

/// What interrupted downloads left behind, then models that are not in use, those that free most
/// first. Layers that other models share are not counted: deleting does not free them.
///
/// # Errors
/// Database errors.
pub(super) async fn proposals(
    core: &Core,
    instance: InstanceId,
    store: Option<&str>,
) -> Result<Vec<CleanUp>> {
    let mut found = Vec::new();
    let blobs = store.map(|store| PathBuf::from(store).join("blobs"));
    let left = tokio::task::spawn_blocking(move || blobs.map_or(0, |blobs| leftovers(&blobs)))
        .await
        .unwrap_or(0);
    if left > 0 {
        found.push(CleanUp { model: None, name: String::new(), bytes: left });
    }
    let mut idle = models::idle(core, instance).await?;
    idle.retain(|model| model.bytes > 0);
    idle.sort_by_key(|model| std::cmp::Reverse(model.bytes));
    idle.truncate(MOST);
    found.extend(idle);
    Ok(found)
}

/// Bytes on disk of partial files that nobody wrote to for a while.
fn leftovers(blobs: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(blobs) else { return 0 };
    let now = SystemTime::now();
    entries
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().contains("-partial"))
        .filter_map(|entry| entry.metadata().ok())
        .filter(|facts| {
            let changed = facts.modified().ok().and_then(|at| now.duration_since(at).ok());
            changed.is_some_and(|age| age >= STALE)
        })
        .map(|facts| on_disk(&facts))
        .sum()
}

/// Ollama makes partial files as long as they will be; only what was written takes room.
#[cfg(unix)]
fn on_disk(facts: &std::fs::Metadata) -> u64 {
    use std::os::unix::fs::MetadataExt;
    facts.blocks() * 512
}

#[cfg(not(unix))]
fn on_disk(facts: &std::fs::Metadata) -> u64 {
    facts.len()
}
