//! The seam between the queue and whatever moves the bytes.
//!
//! The queue knows jobs, order, retries and figures. A [`Fetch`] knows how one model gets onto one
//! instance: it plans, moves layers, possibly over several connections and from the middle on, and
//! says what it sees. It keeps no opinion about retrying: it answers how it failed, and the queue
//! calls it again. Whatever it wrote down itself lets it go on where it was.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use corral_contract::{
    ErrorCode, InstanceId, JobId, WireError,
    name::ModelName,
    progress::{LayerState, Phase},
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::registry::Manifest;

/// Moves one model onto one instance.
#[async_trait]
pub trait Fetch: Send + Sync {
    /// Finds out what has to be moved, without moving it. Safe to cancel.
    ///
    /// # Errors
    /// As [`Fetch::fetch`].
    async fn prepare(&self, request: FetchRequest) -> Result<Plan, FetchFailure>;

    /// Moves everything that is missing and makes the instance list the model. `limits` may change
    /// at any time; the change holds from the next bytes on. When `token` is cancelled it lets go
    /// of every connection and file, keeps what it can resume from, and answers
    /// [`Class::Stopped`].
    ///
    /// # Errors
    /// How it ended otherwise, with what the queue should do about it.
    async fn fetch(
        &self,
        plan: &Plan,
        sink: &dyn FetchSink,
        limits: watch::Receiver<Limits>,
        token: CancellationToken,
    ) -> Result<Fetched, FetchFailure>;
}

/// What is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchRequest {
    /// The job, stable over retries and restarts: the key of whatever is kept to resume from.
    pub job: JobId,
    pub instance: InstanceId,
    pub name: ModelName,
    /// Plain http to the registry.
    pub insecure: bool,
    /// Digests of layers that earlier attempts named.
    pub known: Vec<String>,
}

/// What has to be moved, as far as it is known before the first byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub request: FetchRequest,
    /// `None` = unknown yet: the layers then come one by one through the sink.
    pub layers: Option<Vec<PlannedLayer>>,
    /// What the registry says, where Corral asked it.
    pub manifest: Option<Arc<Manifest>>,
}

impl Plan {
    /// Bytes of all layers; `None` while they are unknown.
    #[must_use]
    pub fn total(&self) -> Option<u64> {
        self.layers.as_ref().map(|layers| layers.iter().map(|layer| layer.size).sum())
    }
}

/// One layer of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedLayer {
    /// `sha256:` and 64 hex digits.
    pub digest: String,
    /// `model`, `template`, `license` …
    pub kind: Option<String>,
    /// Bytes.
    pub size: u64,
    /// Bytes there already, on the server or left by an earlier attempt.
    pub present: u64,
    /// It need not be moved.
    pub there: bool,
}

/// What a fetch may use. `None` = as much as there is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// Over all connections of this fetch.
    pub bytes_per_second: Option<u64>,
    pub connections: Option<u32>,
}

/// Hears what a fetch does. Called often and from any thread: every method returns at once.
pub trait FetchSink: Send + Sync {
    /// What it does now. Only [`Phase::Manifest`], [`Phase::Fetching`], [`Phase::Verifying`] and
    /// [`Phase::Registering`] make sense here.
    fn phase(&self, phase: Phase);
    /// Something about one layer, new or known.
    fn layer(&self, report: LayerReport<'_>);
    /// A line for the task's log.
    fn note(&self, text: &str);
}

/// Where one layer stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LayerReport<'a> {
    pub digest: &'a str,
    /// `None` leaves what was said before, here and below.
    pub kind: Option<&'a str>,
    pub total: Option<u64>,
    pub state: Option<LayerState>,
    /// Bytes of it that are there now, over all connections. The first number of an attempt is
    /// where it starts from; a lower one than before means that the difference will be fetched
    /// again.
    pub there: Option<u64>,
    /// Connections that bring it now.
    pub connections: u32,
    /// Another job brings these bytes and counts them; this one only waits for them.
    pub shared: bool,
}

impl<'a> LayerReport<'a> {
    /// A report that says nothing yet.
    #[must_use]
    pub fn of(digest: &'a str) -> Self {
        LayerReport {
            digest,
            kind: None,
            total: None,
            state: None,
            there: None,
            connections: 0,
            shared: false,
        }
    }
}

/// A model arrived and the instance lists it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fetched {
    /// Manifest digest, 64 hex digits, where the fetch knows it.
    pub digest: Option<String>,
}

/// Why a model did not arrive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchFailure {
    pub class: Class,
    pub error: WireError,
    /// The other side asked for at least this pause.
    pub retry_after: Option<Duration>,
}

/// What the queue does about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Try again after a pause, a limited number of times without progress.
    Retry,
    /// Try again when something outside has changed; does not count as a try.
    Wait(WaitFor),
    /// Trying again cannot help before a person does something.
    Permanent,
    /// It was told to stop.
    Stopped,
}

/// What a fetch waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitFor {
    /// The instance answers.
    Instance,
    /// This many bytes more of free space.
    Disk { missing: u64 },
}

impl FetchFailure {
    /// A failure of this class.
    #[must_use]
    pub fn new(class: Class, error: WireError) -> Self {
        FetchFailure { class, error, retry_after: None }
    }

    /// It was told to stop.
    #[must_use]
    pub fn stopped() -> Self {
        FetchFailure::new(Class::Stopped, WireError::new(ErrorCode::Cancelled))
    }
}
