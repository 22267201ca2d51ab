//! What is kept about an instance: in the database and while Corral runs.

use std::sync::Arc;

use corral_contract::{
    InstanceId, Timestamp,
    instances::{InstanceView, Kind, Runner, ServiceFact, ServiceState, StoreFact, StoreSource},
    steering::Conflict,
};
use tokio::sync::{Mutex, Notify};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::{address, health::Health, sealed};
use crate::{
    Result,
    ollama::{HttpOllama, OllamaApi},
    secrets::is_sealed,
};

/// An instance before it has an id. No `Debug`: header values are secrets.
#[derive(Clone)]
pub(super) struct Profile {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) runner: Runner,
    pub(super) url: Url,
    pub(super) headers: Vec<(String, String)>,
    pub(super) custom_ca: Option<String>,
}

impl Profile {
    /// A client of this server.
    ///
    /// # Errors
    /// `INVALID_INPUT` naming the field; `SECRETS_LOCKED` while header values are sealed.
    pub(super) fn client(&self) -> Result<Arc<dyn OllamaApi>> {
        if self.headers.iter().any(|(_, value)| is_sealed(value)) {
            return Err(sealed::locked());
        }
        let client = HttpOllama::new(&self.url, &self.headers, self.custom_ca.as_deref())?;
        Ok(Arc::new(client))
    }

    /// Whether the server runs on this very machine, as far as the address tells.
    pub(super) fn is_local(&self) -> bool {
        self.kind == Kind::NativeAdopted || crate::http::is_loopback(&self.url)
    }
}

/// A stored instance.
#[derive(Clone)]
pub(super) struct Record {
    pub(super) id: InstanceId,
    pub(super) profile: Profile,
    pub(super) store_path: Option<String>,
    pub(super) store_source: StoreSource,
    pub(super) version: Option<String>,
}

/// An instance while Corral runs.
pub(super) struct Live {
    pub(super) record: Record,
    /// An error only when what was stored is no longer accepted.
    pub(super) client: Result<Arc<dyn OllamaApi>>,
    pub(super) health: Health,
    pub(super) service: ServiceFact,
    pub(super) store: StoreFact,
    pub(super) exposed: bool,
    pub(super) conflicts: Vec<Conflict>,
    /// Wakes the poller.
    pub(super) wake: Arc<Notify>,
    /// Held while it is asked, so that two looks do not count one failure twice.
    pub(super) asking: Arc<Mutex<()>>,
    pub(super) worker: Option<CancellationToken>,
}

impl Live {
    pub(super) fn new(record: Record) -> Live {
        let client = record.profile.client();
        if let Err(error) = &client {
            tracing::error!(instance = %record.id, %error, "stored instance cannot be used");
        }
        Live {
            client,
            health: Health::new(record.version.clone()),
            service: ServiceFact { state: ServiceState::Unknown, pid: None, since: None },
            store: StoreFact {
                path: record.store_path.clone(),
                source: record.store_source,
                writable: None,
                free: None,
                total: None,
            },
            exposed: false,
            conflicts: Vec::new(),
            wake: Arc::default(),
            asking: Arc::default(),
            worker: None,
            record,
        }
    }

    /// As the window shows it, with the figures that the database keeps.
    pub(super) fn view(&self, counts: Counts) -> InstanceView {
        let profile = &self.record.profile;
        InstanceView {
            id: self.record.id,
            name: profile.name.clone(),
            kind: profile.kind,
            runner: profile.runner,
            url: address::shown(&profile.url),
            header_names: profile.headers.iter().map(|(name, _)| name.clone()).collect(),
            has_custom_ca: profile.custom_ca.is_some(),
            service: self.service.clone(),
            api: self.health.fact.clone(),
            store: self.store.clone(),
            models: counts.models,
            running: counts.running,
            last_sync: counts.last_sync,
            // The schedule of syncs knows it.
            next_sync: None,
            exposed: self.exposed,
            conflicts: self.conflicts.clone(),
            latencies: self.health.latencies.iter().copied().collect(),
        }
    }

    /// Whether a look that was made with `client` still is about this instance.
    pub(super) fn uses(&self, client: &Arc<dyn OllamaApi>) -> bool {
        self.client.as_ref().is_ok_and(|own| Arc::ptr_eq(own, client))
    }
}

/// What the database knows about an instance's models.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) models: u64,
    pub(super) running: u64,
    pub(super) last_sync: Option<Timestamp>,
}
