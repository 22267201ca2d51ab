//! The download queue.

use corral_contract::{
    ErrorCode, InstanceId, JobId, ModelId, WireError,
    downloads::{Priority, QueueMetrics, QueueView},
    models::JobRef,
    name::ModelName,
    progress::Progress,
    status::Cause,
};
use serde::{Deserialize, Serialize};

use crate::{Core, Result};

/// Owned by the core.
#[derive(Default)]
pub(crate) struct State {}

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
}

/// Puts a download into the queue: makes the model's row if there is none, then the job's. A model
/// that is in the queue already answers with that job; a failed one is tried again.
///
/// # Errors
/// Database errors.
pub(crate) async fn enqueue(_core: &Core, _request: Enqueue) -> Result<JobRef> {
    Err(WireError::new(ErrorCode::Internal))
}

/// The unfinished (queued, running, paused or failed) job of a model. From memory: cheap enough
/// to ask for every row of a page.
pub(crate) fn live(_core: &Core, _model: ModelId) -> Option<(JobId, Progress)> {
    None
}

/// Takes the jobs of these models out of the queue because their rows go; call it before the rows
/// are deleted. Models without a job are fine.
///
/// # Errors
/// Database errors.
pub(crate) async fn forget(_core: &Core, _models: &[ModelId]) -> Result<()> {
    Ok(())
}

/// Puts every unfinished job back into the queue.
pub(crate) async fn recover(_core: &Core) -> Result<()> {
    Ok(())
}

/// Starts the worker that runs the queue.
pub(crate) fn start(_core: &Core) {}

/// Stops all running jobs and keeps how far they came.
pub(crate) async fn stop(_core: &Core) {}

/// The whole queue.
pub(crate) async fn queue(_core: &Core) -> Result<QueueView> {
    Ok(QueueView { jobs: Vec::new(), metrics: QueueMetrics::default() })
}
