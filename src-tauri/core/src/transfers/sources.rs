//! Which addresses the bytes of a blob came from, so that wrong ones are not fetched there again.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use corral_contract::WireError;

use super::Order;
use crate::registry::{Failure, Place, Registries};

/// Of one blob.
#[derive(Default)]
pub(super) struct Sources(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    /// Addresses of this attempt, and whether each stands for the registry instead of being it.
    used: HashMap<String, bool>,
    shunned: HashSet<String>,
    last: Option<String>,
}

impl Sources {
    /// Where the bytes are, at an address that did not bring wrong ones before.
    pub(super) async fn place(
        &self,
        registries: &Registries,
        order: &Order,
    ) -> Result<Place, Failure> {
        let shunned = self.inner().shunned.clone();
        let place = registries.place_beside(&order.repository, &order.digest, &shunned).await?;
        let mut inner = self.inner();
        inner.used.insert(place.address().to_owned(), place.is_mirror());
        inner.last = Some(place.address().to_owned());
        drop(inner);
        Ok(place)
    }

    /// All of it is there and right: whoever brought the end of it does well.
    pub(super) fn praise(&self, registries: &Registries) {
        if let Some(address) = &self.inner().last {
            registries.praise(address);
        }
    }

    /// The bytes were wrong somewhere. What stands for the registry is suspected before the
    /// registry itself.
    pub(super) fn doubt(&self, registries: &Registries, problem: &WireError) {
        let mut inner = self.inner();
        let used = std::mem::take(&mut inner.used);
        let any_mirror = used.values().any(|mirror| *mirror);
        for (address, mirror) in used {
            if mirror || !any_mirror {
                registries.blame(&address, problem);
                inner.shunned.insert(address);
            }
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
