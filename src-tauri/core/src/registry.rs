//! Model registries: where the manifest and the blobs of a name are, and how one is let in.
//!
//! A registry is asked at most two things, a manifest and the place of a blob. The bytes of a blob
//! usually lie elsewhere, at an address that expires; that address never gets to see what the
//! registry was shown to let us in. Nothing here retries: callers know what a failure costs.

use std::{
    collections::{BTreeMap, HashMap},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use corral_contract::{WireError, name::ModelName};
use reqwest::Client;
use url::Url;

use crate::{Result, http};

mod address;
mod ask;
mod blob;
mod challenge;
mod key;
mod manifest;
mod refusal;
mod token;

pub(crate) use ask::unreachable;
pub use blob::Place;
pub use manifest::{Blob, Manifest};
pub(crate) use manifest::{is_model_file, kind_of};

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
}

/// All registries.
#[derive(Clone)]
pub struct Registries(Arc<Inner>);

struct Inner {
    outside: Client,
    local: Client,
    config: RegistryConfig,
    /// What lets us in, by the repository's address.
    tokens: Mutex<HashMap<String, String>>,
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
        Ok(Registries(Arc::new(Inner {
            outside: http::for_outside(false)?,
            local: http::for_outside(true)?,
            config,
            tokens: Mutex::default(),
        })))
    }

    /// The client that may speak to an address.
    fn client(&self, url: &Url) -> &Client {
        if http::is_loopback(url) { &self.0.local } else { &self.0.outside }
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
