//! What a download that is over left in staging goes, unless another one wants the same layer.

use std::{collections::HashSet, path::PathBuf, time::Duration};

use corral_contract::JobId;

use super::{direct::Landing, queue::Queue};
use crate::{Core, instances, transfers};

/// How often it is tried while the attempt still lets go of its files.
const TRIES: u32 = 40;
const PAUSE: Duration = Duration::from_millis(250);

/// Removes the staged layers of a job that is out of the queue, in the background. To be called
/// with the queue held, while the job is still in it.
pub(super) fn clear(core: &Core, queue: &Queue, id: JobId) {
    let Some(entry) = queue.entries.get(&id) else { return };
    let others = queue.entries.values().filter(|other| other.job.id != id && other.job.is_wanted());
    let wanted: HashSet<String> =
        others.flat_map(|other| other.meter.view().layers).map(|layer| layer.digest).collect();
    let layers = entry.meter.view().layers.into_iter().map(|layer| layer.digest);
    let digests: Vec<String> = layers.filter(|digest| !wanted.contains(digest)).collect();
    if digests.is_empty() {
        return;
    }
    let folders = folders(core, entry.job.instance);
    let token = core.supervisor.token();
    core.supervisor.run("leftovers", async move {
        for _ in 0..TRIES {
            let (folders, digests) = (folders.clone(), digests.clone());
            let remove = move || {
                let mut done = true;
                for folder in &folders {
                    for digest in &digests {
                        // Every one is tried, whatever became of the one before.
                        done &= transfers::discard(folder, digest);
                    }
                }
                done
            };
            if tokio::task::spawn_blocking(remove).await.unwrap_or(true) {
                return;
            }
            tokio::select! {
                () = token.cancelled() => return,
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
        tracing::warn!("some files of a download that is over are still in use");
    });
}

fn folders(core: &Core, instance: corral_contract::InstanceId) -> Vec<PathBuf> {
    let store = instances::store_path(core, instance);
    let in_store = store.map(|models| Landing::Store { models: models.into() }.staging());
    let own = Landing::Upload { staging: core.config.data_dir.join("staging") }.staging();
    in_store.into_iter().chain([own]).collect()
}
