//! The download queue.

use corral_contract::{
    JobId, ModelId,
    downloads::{QueueMetrics, QueueView},
    progress::Progress,
};

use crate::{Core, Result};

/// Owned by the core.
#[derive(Default)]
pub(crate) struct State {}

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

/// The open job of a model with its figures; `None` when nothing of it is in the queue.
pub(crate) fn live(_core: &Core, _model: ModelId) -> Option<(JobId, Progress)> {
    None
}
