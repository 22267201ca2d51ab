//! Models: their rows, their states, what is done with them.
//!
//! The database row is the truth; [`publish`] tells the windows about rows that changed, completed
//! with what only lives in memory (progress of a download, the operation that runs).

use std::{
    collections::HashMap,
    sync::{Mutex, atomic::AtomicBool},
};

use corral_contract::{
    InstanceId, ModelId,
    models::{BatchView, ModelCounts},
};

use crate::{Core, Result};

mod change;
mod counts;
mod operation;
mod publish;
mod store;

pub(crate) use change::{Change, drop_if_nothing_left, ensure_row, set_install};
pub(crate) use publish::publish;
pub(crate) use store::{StoredModel, find, get};

/// Owned by the core.
#[derive(Default)]
pub(crate) struct State {
    operations: Mutex<HashMap<ModelId, operation::Operation>>,
    /// Rows are read and sent under this lock: the last event about a row carries its last state.
    publishing: tokio::sync::Mutex<()>,
    counts_due: AtomicBool,
}

/// Puts right what a crash left behind: states in between, deletes whose undo window ran out.
pub(crate) async fn recover(_core: &Core) -> Result<()> {
    Ok(())
}

/// Starts the poller of loaded models.
pub(crate) fn start(_core: &Core) {}

/// Models per status.
pub(crate) async fn counts(core: &Core, instance: Option<InstanceId>) -> Result<ModelCounts> {
    counts::counts(core, instance).await
}

/// Running batches, those that can be taken back, and the last ten.
pub(crate) async fn batches(_core: &Core) -> Result<Vec<BatchView>> {
    Ok(Vec::new())
}

/// The document's eight fields of every model, for the JSON mirror.
pub(crate) async fn mirror(_core: &Core) -> Result<Vec<serde_json::Value>> {
    Ok(Vec::new())
}
