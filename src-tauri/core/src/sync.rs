//! Comparing what Corral knows with what a server has.

use corral_contract::sync::SyncProgress;

use crate::Core;

/// Owned by the core.
#[derive(Default)]
pub(crate) struct State {}

/// Starts the schedule: at start, by interval, after operations, when an instance comes back.
pub(crate) fn start(_core: &Core) {}

/// Syncs that run now.
pub(crate) fn running(_core: &Core) -> Vec<SyncProgress> {
    Vec::new()
}
