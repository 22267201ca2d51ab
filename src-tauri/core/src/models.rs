//! Models: their rows, their states, what is done with them.
//!
//! The database row is the truth; `publish` tells the windows about rows that changed, completed
//! with what only lives in memory (progress of a download, the operation that runs).

use std::{
    collections::HashMap,
    sync::{Mutex, atomic::AtomicBool},
};

use corral_contract::{
    InstanceId, ModelId,
    downloads::CleanUp,
    models::{BatchView, ModelCounts},
};
use tokio::sync::Notify;

use crate::{Core, Result, fleet};

mod ask;
mod batch;
mod change;
mod delete;
mod detail;
mod load;
mod manifests;
mod model;
mod naming;
mod operation;
mod poll;
mod preview;
mod publish;
mod recase;
mod recreate;
mod repair;
mod smoke;
pub(crate) mod store;
mod table;
mod unload;
mod watch;

pub(crate) use ask::ask;
pub(crate) use batch::begin as batch;
pub(crate) use batch::remove;
pub(crate) use change::{Change, drop_if_nothing_left, ensure_row, set_install};
pub(crate) use load::{embedding, is_keep_alive, validate as validate_options};
pub(crate) use manifests::{made_here, of_store as layers_of_store, weights as weights_file};
pub(crate) use model::StoredModel;
pub(crate) use naming::{copy, made, rename};
pub(crate) use operation::{ended as operation_ended, offline};
pub(crate) use publish::{publish, publish_all};
pub(crate) use recase::{between as renamed_between, is_between, settle as settle_renames};
pub(crate) use store::{find, get, missing, seen::loaded};

/// Owned by the core.
#[derive(Default)]
pub(crate) struct State {
    operations: Mutex<HashMap<ModelId, operation::Operation>>,
    /// Held while it is decided whether an operation may begin.
    deciding: tokio::sync::Mutex<()>,
    /// Rows are read and sent under this lock: the last event about a row carries its last state.
    publishing: tokio::sync::Mutex<()>,
    counts_due: AtomicBool,
    /// The window does not show.
    hidden: AtomicBool,
    batches: batch::Running,
    /// Held by whoever finishes changes of case that were cut off.
    recasing: tokio::sync::Mutex<()>,
    /// Wakes the worker that does due deletes.
    deletes: Notify,
}

/// Puts right what a crash left behind: states in between are unknown until the server is asked,
/// deletes that were not done get their undo window once more.
pub(crate) async fn recover(core: &Core) -> Result<()> {
    store::seen::forget_runs(core).await?;
    let now = core.now();
    let until = now.plus(i64::from(core.settings().undo_seconds) * 1000);
    batch::store::recover(core, now, until).await
}

/// Starts the pollers of loaded models and the worker that does due deletes.
pub(crate) fn start(core: &Core) {
    fleet::keep(core, "models", watch::watch);
    let owner = core.clone();
    core.supervisor.spawn("deletes", move |token| batch::keep_deleting(owner.clone(), token));
    let owner = core.clone();
    core.supervisor.spawn("renames", move |token| recase::keep_settling(owner.clone(), token));
}

/// Whether its damaged layers are being fetched again.
pub(crate) fn is_repaired(core: &Core, model: ModelId) -> bool {
    operation::running(core, model).is_some_and(|(_, kind)| kind == operation::Kind::Repair)
}

/// Whether the damaged layers of any model are being fetched again.
pub(crate) fn any_repair(core: &Core) -> bool {
    operation::any(core, operation::Kind::Repair)
}

/// Models per status.
pub(crate) async fn counts(core: &Core, instance: Option<InstanceId>) -> Result<ModelCounts> {
    store::counts::counts(core, instance).await
}

/// Running batches, those that can be taken back, and the last ten.
pub(crate) async fn batches(core: &Core) -> Result<Vec<BatchView>> {
    batch::store::recent(core).await
}

/// Models of an instance that nothing uses now, with the bytes that deleting each alone frees.
/// Empty when the store cannot be seen.
///
/// # Errors
/// Database errors.
pub(crate) async fn idle(core: &Core, instance: InstanceId) -> Result<Vec<CleanUp>> {
    preview::idle(core, instance).await
}

/// The document's eight fields of every model, for the JSON mirror.
pub(crate) async fn mirror(core: &Core) -> Result<Vec<serde_json::Value>> {
    store::search::mirror(core).await
}
