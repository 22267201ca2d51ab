//! What holds back a transfer: a limit for everything that moves, and those of the jobs that share
//! this one.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::throttle::Throttle;

/// The limits of those who share a transfer, by the number of their share.
#[derive(Debug, Default)]
pub(super) struct Paces(Mutex<BTreeMap<u32, Arc<Throttle>>>);

impl Paces {
    pub(super) fn set(&self, share: u32, pace: Arc<Throttle>) {
        self.all().insert(share, pace);
    }

    pub(super) fn remove(&self, share: u32) {
        self.all().remove(&share);
    }

    /// The one who may have it quickest decides: nobody is slowed down by somebody else's limit.
    fn quickest(&self) -> Option<Arc<Throttle>> {
        let all = self.all();
        if all.values().any(|pace| pace.rate().is_none()) {
            return None;
        }
        all.values().max_by_key(|pace| pace.rate()).cloned()
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<u32, Arc<Throttle>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Both kinds of limits.
#[derive(Debug, Clone)]
pub(super) struct Brake {
    pub(super) own: Arc<Paces>,
    pub(super) all: Arc<Throttle>,
}

impl Brake {
    /// Bytes per second that it may have now; `None` = nothing holds it back.
    pub(super) fn rate(&self) -> Option<u64> {
        let own = self.own.quickest().and_then(|pace| pace.rate());
        match (self.all.rate(), own) {
            (Some(all), Some(own)) => Some(all.min(own)),
            (all, own) => all.or(own),
        }
    }

    /// Takes bytes that have come; returns when the next ones may.
    pub(super) async fn take(&self, bytes: usize) {
        let own = self.own.quickest();
        if let Some(own) = own {
            own.take(bytes).await;
        }
        self.all.take(bytes).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(rate: Option<u64>) -> Arc<Throttle> {
        let pace = Arc::new(Throttle::default());
        pace.set(rate);
        pace
    }

    // criterion: 8.5
    #[test]
    fn the_one_who_may_have_it_quickest_decides() {
        let paces = Paces::default();
        let quickest = || paces.quickest().and_then(|pace| pace.rate());
        assert_eq!(quickest(), None);
        paces.set(1, pace(Some(10)));
        paces.set(2, pace(Some(30)));
        assert_eq!(quickest(), Some(30));
        paces.set(3, pace(None));
        assert_eq!(quickest(), None, "one of them has no limit");
        paces.remove(3);
        paces.remove(2);
        assert_eq!(quickest(), Some(10));
    }
}
