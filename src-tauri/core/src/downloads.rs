//! The download queue: rows first, then the worker that runs them.
//!
//! Every change of a job happens under one lock: its row by compare-and-set, then the model's row,
//! then what windows are told. So commands are answered, and answered alike, whether the worker
//! runs, restarts or was never started. What moves the bytes sits behind [`fetch::Fetch`].

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, PoisonError, RwLock},
};

use corral_contract::{
    InstanceId, JobId, ModelId,
    downloads::{Priority, QueueView},
    name::ModelName,
    progress::Progress,
    status::Cause,
};
use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex, Notify};

use crate::{Core, Result};

mod attempt;
pub mod bar;
mod change;
mod commands;
mod conditions;
mod create;
pub mod direct;
mod estimate;
pub mod fetch;
mod hold;
mod hours;
mod job;
mod leftovers;
mod limits;
mod meter;
mod preflight;
mod present;
pub mod pull;
mod queue;
mod recovery;
pub mod retry;
mod seed;
mod settle;
mod speed;
mod store;
mod traffic;
mod view;
mod way;
mod worker;

/// Owned by the core.
#[derive(Default)]
pub(crate) struct State {
    queue: Mutex<queue::Queue>,
    /// The figures of every unfinished job by its model, to be read without waiting.
    live: RwLock<HashMap<ModelId, (JobId, Arc<meter::Meter>)>>,
    /// Something changed: the worker looks whose turn it is.
    wake: Notify,
    /// An attempt let go of its job.
    settled: Notify,
    /// Manifests that were asked for a moment ago.
    manifests: preflight::Recent,
    /// Why all of them wait.
    hold: conditions::Hold,
}

/// A wish for a place in the queue.
#[derive(Debug, Clone)]
pub(crate) struct Enqueue {
    pub(crate) instance: InstanceId,
    pub(crate) name: ModelName,
    pub(crate) priority: Priority,
    pub(crate) options: JobOptions,
    /// Who asked, for the model's history.
    pub(crate) cause: Cause,
}

/// What a job remembers of how it was asked for; kept with its row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct JobOptions {
    /// Plain http to the registry.
    pub insecure: bool,
    /// Load the model when it is there.
    pub start_when_done: bool,
    /// Kilobytes per second; 0 = no limit of its own.
    pub limit_kb: u32,
}

pub(crate) use change::{enqueue, forget};
pub(crate) use conditions::{look as conditions, metered};
pub(crate) use hold::{active, hold, look_again, release};
pub(crate) use preflight::{head_of, missing_bytes, offered};
pub(crate) use recovery::{recover, stop};
pub(crate) use seed::seed;

/// Starts the worker that runs the queue, and the one that looks whether it may.
pub(crate) fn start(core: &Core) {
    conditions::start(core);
    worker::start(core);
}

/// The unfinished (queued, running, paused or failed) job of a model. From memory: cheap enough
/// to ask for every row of a page.
pub(crate) fn live(core: &Core, model: ModelId) -> Option<(JobId, Progress)> {
    let live = core.downloads.live.read().unwrap_or_else(PoisonError::into_inner);
    live.get(&model).map(|(job, meter)| (*job, meter.view()))
}

/// How a model was asked for the last time.
///
/// # Errors
/// Database errors.
pub(crate) async fn last_options(core: &Core, model: ModelId) -> Result<JobOptions> {
    store::last_options(&core.db, model).await
}

/// Layers of every job that is wanted, as far as they are known.
pub(crate) async fn wanted_layers(core: &Core) -> HashSet<String> {
    let queue = core.downloads.queue.lock().await;
    let wanted = queue.entries.values().filter(|entry| entry.job.is_wanted());
    wanted.flat_map(|entry| entry.meter.view().layers).map(|layer| layer.digest).collect()
}

/// The whole queue.
///
/// # Errors
/// None: it lies in memory.
pub(crate) async fn queue(core: &Core) -> Result<QueueView> {
    Ok(view::view(core, &*core.downloads.queue.lock().await))
}
