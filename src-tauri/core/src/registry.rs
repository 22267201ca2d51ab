//! Model registries: where the manifest and the blobs of a name are, and how one is let in.
//!
//! A registry is asked at most two things, a manifest and the place of a blob. The bytes of a blob
//! usually lie elsewhere, at an address that expires; that address never gets to see what the
//! registry was shown to let us in. Nothing here retries: callers know what a failure costs. Where
//! several addresses stand for a registry, each is asked in turn, those that failed last.

use std::{
    collections::{BTreeMap, HashMap},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
    time::Duration,
};

use corral_contract::{WireError, name::ModelName};
use url::Url;

use crate::{Core, Result};

mod address;
mod ask;
mod blob;
mod challenge;
mod commands;
mod draft;
mod folder;
mod health;
mod hub;
mod key;
mod login;
mod manifest;
mod plain;
mod probe;
mod recovery;
mod redirect;
mod refusal;
mod site;
mod store;
mod token;

pub(crate) use ask::unreachable;
pub use blob::Place;
pub(crate) use commands::seen;
pub use manifest::{Blob, Manifest};
pub(crate) use manifest::{is_model_file, kind_of};
pub(crate) use recovery::recover;

use health::Health;
use site::Setup;

/// How long a registry may take to answer a question. Blobs take as long as they take.
pub const QUESTION_LIMIT: Duration = Duration::from_secs(60);

/// Addresses by the host of the registry that they stand for.
pub type Mirrors = BTreeMap<String, Vec<Url>>;

/// What registries are asked with.
#[derive(Debug, Clone, Default)]
pub struct RegistryConfig {
    /// Addresses to ask instead of a registry, by its host, best first. When none of them can be
    /// reached the registry itself is asked.
    pub mirrors: Mirrors,
    /// A registry that has mirrors is never asked itself.
    pub mirrors_only: bool,
    /// How long a registry may take to answer a question; `None` = [`QUESTION_LIMIT`].
    pub limit: Option<Duration>,
    /// Ollama's own key on this machine, which its registry knows its users by.
    pub key: Option<PathBuf>,
}

/// A model in its registry, and how to ask for it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Repository {
    pub name: ModelName,
    /// Plain http.
    pub insecure: bool,
    /// Version of the server that will hold the model: Ollama's registry keeps back manifests that
    /// this version could not run.
    pub server_version: Option<String>,
    /// Path of a plain file at the host of the name, instead of a model; see [`Repository::plain`].
    pub file: Option<String>,
}

/// All registries.
#[derive(Clone)]
pub struct Registries(Arc<Inner>);

struct Inner {
    config: RegistryConfig,
    setup: RwLock<Arc<Setup>>,
    health: Mutex<Health>,
    /// What lets us in, by the repository's address.
    tokens: Mutex<HashMap<String, String>>,
}

impl Core {
    /// Registries as they were set up.
    #[must_use]
    pub fn registries(&self) -> &Registries {
        &self.registries
    }
}

/// Why a registry did not give what it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub error: WireError,
    /// It asked for at least this pause.
    pub retry_after: Option<Duration>,
    /// Whether another address of the same registry may know better.
    pub elsewhere: bool,
}

impl Failure {
    /// One that another try may not meet.
    pub(crate) fn retry(error: WireError) -> Self {
        Failure { elsewhere: true, ..Failure::of(error) }
    }

    /// The registry wants to be left alone for a while.
    pub(crate) fn is_too_many(&self) -> bool {
        let told = self.error.params.get("status").is_some_and(|status| status == "429");
        told || self.retry_after.is_some()
    }

    fn of(error: WireError) -> Self {
        Failure { error, retry_after: None, elsewhere: false }
    }
}

impl From<Failure> for WireError {
    fn from(failure: Failure) -> WireError {
        failure.error
    }
}

impl Registries {
    /// Reaches out only when asked something.
    ///
    /// # Errors
    /// `INTERNAL` when the system's proxy settings cannot be used.
    pub fn new(config: RegistryConfig) -> Result<Self> {
        crate::http::for_outside(crate::http::Through::System, None)?;
        Ok(Registries(Arc::new(Inner {
            config,
            setup: RwLock::default(),
            health: Mutex::default(),
            tokens: Mutex::default(),
        })))
    }

    /// Holds from the next question on; what is under way ends as it began.
    fn set_up(&self, setup: Setup) {
        *self.0.setup.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(setup);
        self.0.tokens.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn setup(&self) -> Arc<Setup> {
        self.0.setup.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn config(&self) -> &RegistryConfig {
        &self.0.config
    }

    fn health(&self) -> MutexGuard<'_, Health> {
        self.0.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn limit(&self) -> Duration {
        self.0.config.limit.unwrap_or(QUESTION_LIMIT)
    }

    fn token(&self, base: &Url) -> Option<String> {
        let tokens = self.0.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.get(base.as_str()).cloned()
    }

    fn keep_token(&self, base: &Url, token: String) {
        let mut tokens = self.0.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.insert(base.as_str().to_owned(), token);
    }

    fn forget_token(&self, base: &Url) {
        self.0.tokens.lock().unwrap_or_else(PoisonError::into_inner).remove(base.as_str());
    }
}
