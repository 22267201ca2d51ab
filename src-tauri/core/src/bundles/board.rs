//! How it goes with each model of an export, import or copy.

use std::sync::{Mutex, PoisonError};

use corral_contract::{
    WireError,
    bundles::{MoveState, MovedItem},
};

use super::store;
use crate::Core;

/// The items of one row.
pub(super) struct Board {
    row: i64,
    items: Mutex<Vec<MovedItem>>,
}

impl Board {
    pub(super) fn new(row: i64, items: Vec<MovedItem>) -> Board {
        Board { row, items: Mutex::new(items) }
    }

    /// Keeps what became of one.
    pub(super) async fn set(
        &self,
        core: &Core,
        place: usize,
        state: MoveState,
        problem: Option<WireError>,
    ) {
        let items = {
            let mut items = self.items.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(item) = items.get_mut(place) {
                (item.state, item.problem) = (state, problem);
            }
            items.clone()
        };
        if let Err(error) = store::set_items(&core.db, self.row, &items).await {
            tracing::warn!(%error, "how it went with a model was not kept");
        }
    }

    /// Keeps the same for all.
    pub(super) async fn set_all(&self, core: &Core, state: MoveState, problem: Option<&WireError>) {
        let count = self.items.lock().unwrap_or_else(PoisonError::into_inner).len();
        for place in 0..count {
            self.set(core, place, state, problem.cloned()).await;
        }
    }
}
