//! What models take on a disk: who takes how much, what could go, and what was put away.
//!
//! One walk over the files answers everything; nothing is kept between two looks. Whatever is
//! removed was listed before, is looked at once more, and is left alone when it changed.

use std::{
    collections::HashSet,
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use corral_contract::{ErrorCode, InstanceId, WireError, event::AppEvent, tasks::TaskKind};
use tokio::sync::Notify;

use crate::{Core, Result};

mod files;
mod items;
mod links;
mod look;
mod pins;
mod reclaim;
mod recovery;
mod store;
mod trash;
mod walk;
mod worker;

pub(crate) use recovery::recover;
pub(crate) use store::moved;
pub(crate) use trash::{hold, is_same, keep, let_go};
pub(crate) use worker::start;

/// Owned by the core.
#[derive(Default)]
pub(crate) struct State {
    /// Stores of which something is being removed or brought back.
    busy: Mutex<HashSet<PathBuf>>,
    /// Wakes the worker that empties the trash.
    due: Notify,
}

/// Keeps a store for one change. Dropping it lets the next one begin.
struct Turn {
    core: Core,
    store: PathBuf,
}

impl Turn {
    /// # Errors
    /// `BUSY`.
    fn take(core: &Core, store: PathBuf) -> Result<Turn> {
        let mut busy = core.disk.busy.lock().unwrap_or_else(PoisonError::into_inner);
        if !busy.insert(store.clone()) {
            let operation = TaskKind::Reclaim.as_str();
            return Err(WireError::new(ErrorCode::Busy).with("operation", operation));
        }
        drop(busy);
        Ok(Turn { core: core.clone(), store })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut busy = self.core.disk.busy.lock().unwrap_or_else(PoisonError::into_inner);
        busy.remove(&self.store);
    }
}

/// Tells the windows that a look at this disk is out of date.
pub(crate) fn changed(core: &Core, instance: InstanceId) {
    core.bus.send(AppEvent::DiskChanged(instance));
}

/// Work with files on a thread that may wait for the disk.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| WireError::new(ErrorCode::Internal).detail(error.to_string()))
}
