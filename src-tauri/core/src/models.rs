//! Models: their rows, their states, what is done with them.

use corral_contract::{
    InstanceId,
    models::{BatchView, ModelCounts},
};

use crate::{Core, Result};

/// Owned by the core.
#[derive(Default)]
pub(crate) struct State {}

/// Puts right what a crash left behind: states in between, deletes whose undo window ran out.
pub(crate) async fn recover(_core: &Core) -> Result<()> {
    Ok(())
}

/// Starts the poller of loaded models.
pub(crate) fn start(_core: &Core) {}

/// Models per status.
pub(crate) async fn counts(_core: &Core, _instance: Option<InstanceId>) -> Result<ModelCounts> {
    Ok(ModelCounts::default())
}

/// Running batches, those that can be taken back, and the last ten.
pub(crate) async fn batches(_core: &Core) -> Result<Vec<BatchView>> {
    Ok(Vec::new())
}

/// The document's eight fields of every model, for the JSON mirror.
pub(crate) async fn mirror(_core: &Core) -> Result<Vec<serde_json::Value>> {
    Ok(Vec::new())
}
