//! Fetching through the server's own puller: Ollama moves the bytes, Corral listens.

use std::{collections::HashMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use corral_contract::{
    ErrorCode, WireError,
    progress::{LayerState, Phase},
};
use futures_util::StreamExt;
use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    fetch::{
        Class, Fetch, FetchFailure, FetchRequest, FetchSink, Fetched, LayerReport, Limits, Plan,
    },
    retry,
};
use crate::ollama::{OllamaApi, PullLine};

/// How long a pull may be silent.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Until the server answers the request and its registry the server.
    pub manifest: Duration,
    /// Between two lines while bytes arrive: the server says something every 60 ms.
    pub fetching: Duration,
    /// While the server hashes, which it does without a word; per GB on top.
    pub verifying: Duration,
    pub verifying_per_gb: Duration,
    /// A pull right after a cancelled one ends in `context canceled`: how long that is normal.
    pub winding_down: Duration,
    /// Between two tries of that.
    pub winding_down_pause: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Patience {
            manifest: Duration::from_secs(180),
            fetching: Duration::from_secs(60),
            verifying: Duration::from_secs(300),
            verifying_per_gb: Duration::from_secs(60),
            winding_down: Duration::from_secs(40),
            winding_down_pause: Duration::from_millis(1500),
        }
    }
}

/// Fetches with `POST /api/pull`. Knows layers only when the server names them and cannot limit
/// anything: the server's puller has no limits.
pub struct PullFetch {
    api: Arc<dyn OllamaApi>,
    patience: Patience,
}

impl PullFetch {
    /// Pulls on the server behind `api`.
    #[must_use]
    pub fn new(api: Arc<dyn OllamaApi>, patience: Patience) -> Self {
        PullFetch { api, patience }
    }

    async fn pull(&self, plan: &Plan, sink: &dyn FetchSink) -> Result<Fetched, FetchFailure> {
        let request = &plan.request;
        sink.phase(Phase::Manifest);
        let name = request.name.display();
        let opened = self.api.pull(&name, request.insecure);
        let mut lines = match timeout(self.patience.manifest, opened).await {
            Ok(opened) => opened.map_err(retry::unreachable)?,
            Err(_) => return Err(silent(self.patience.manifest)),
        };
        let mut reader = Reader { layers: HashMap::new(), current: None, phase: Phase::Manifest };
        loop {
            let limit = self.limit(&reader);
            match timeout(limit, lines.next()).await {
                Err(_) => return Err(silent(limit)),
                Ok(None) if reader.phase == Phase::Done => return Ok(Fetched::default()),
                Ok(None) => return Err(lost("the stream ended before the pull did")),
                // Nothing more comes after `success` but the end of the stream.
                Ok(Some(Err(_))) if reader.phase == Phase::Done => return Ok(Fetched::default()),
                Ok(Some(Err(error))) => return Err(retry::classify(error)),
                Ok(Some(Ok(line))) => reader.read(&line, sink),
            }
        }
    }

    fn limit(&self, reader: &Reader) -> Duration {
        match reader.phase {
            Phase::Manifest => self.patience.manifest,
            Phase::Fetching => self.patience.fetching,
            _ => {
                let bytes: u64 = reader.layers.values().map(|layer| layer.total).sum();
                let share = bytes as f64 / 1e9;
                self.patience.verifying + self.patience.verifying_per_gb.mul_f64(share)
            }
        }
    }
}

#[async_trait]
impl Fetch for PullFetch {
    /// Asks nobody: what a pull will move is known only to the server.
    async fn prepare(&self, request: FetchRequest) -> Result<Plan, FetchFailure> {
        Ok(Plan { request, layers: None, manifest: None })
    }

    async fn fetch(
        &self,
        plan: &Plan,
        sink: &dyn FetchSink,
        _limits: watch::Receiver<Limits>,
        token: CancellationToken,
    ) -> Result<Fetched, FetchFailure> {
        let began = Instant::now();
        loop {
            let ended = tokio::select! {
                biased;
                () = token.cancelled() => return Err(FetchFailure::stopped()),
                ended = self.pull(plan, sink) => ended,
            };
            match ended {
                Err(failure)
                    if failure.error.code == ErrorCode::CancelWindingDown
                        && began.elapsed() < self.patience.winding_down =>
                {
                    sink.note("the server still winds down the pull before, trying again");
                    tokio::select! {
                        () = token.cancelled() => return Err(FetchFailure::stopped()),
                        () = sleep(self.patience.winding_down_pause) => {}
                    }
                }
                ended => return ended,
            }
        }
    }
}

fn lost(text: &str) -> FetchFailure {
    FetchFailure::new(Class::Retry, WireError::new(ErrorCode::ConnectionLost).detail(text))
}

/// The connection is there, but nothing comes.
fn silent(limit: Duration) -> FetchFailure {
    let text = format!("no line for {} s", limit.as_secs());
    FetchFailure::new(Class::Retry, WireError::new(ErrorCode::TimedOut).detail(text))
}

/// Understands the lines of one pull.
struct Reader {
    layers: HashMap<String, Seen>,
    /// Layers come strictly one after another.
    current: Option<String>,
    phase: Phase,
}

struct Seen {
    total: u64,
    present: bool,
}

impl Reader {
    fn read(&mut self, line: &PullLine, sink: &dyn FetchSink) {
        if let Some(digest) = &line.digest {
            self.enter(Phase::Fetching, sink);
            return self.layer(digest, line, sink);
        }
        match line.status.as_str() {
            "pulling manifest" => self.enter(Phase::Manifest, sink),
            "verifying sha256 digest" => {
                self.end_current(sink);
                self.enter(Phase::Verifying, sink);
            }
            "writing manifest" => {
                // A pull of tensors hashes while it fetches and has no line about verifying.
                self.end_current(sink);
                self.all(LayerState::Verified, sink);
                self.enter(Phase::Registering, sink);
            }
            "success" => {
                self.end_current(sink);
                self.all(LayerState::Verified, sink);
                self.phase = Phase::Done;
            }
            other => sink.note(other),
        }
    }

    fn enter(&mut self, phase: Phase, sink: &dyn FetchSink) {
        if self.phase != phase {
            self.phase = phase;
            sink.phase(phase);
        }
    }

    fn layer(&mut self, digest: &str, line: &PullLine, sink: &dyn FetchSink) {
        // Zeros are left out of a line.
        let (total, there) = (line.total.unwrap_or(0), line.completed.unwrap_or(0));
        if self.current.as_deref() != Some(digest) {
            self.end_current(sink);
            self.current = Some(digest.to_owned());
        }
        let first = !self.layers.contains_key(digest);
        let seen = self.layers.entry(digest.to_owned()).or_insert(Seen { total, present: false });
        seen.total = total;
        seen.present |= first && total > 0 && there >= total;
        let state = if seen.present { LayerState::Present } else { LayerState::Fetching };
        sink.layer(LayerReport {
            total: Some(total).filter(|total| *total > 0),
            state: Some(state),
            there: Some(there),
            ..LayerReport::of(digest)
        });
    }

    /// The last line of a layer may be below its total; that the next one came says it is whole.
    fn end_current(&mut self, sink: &dyn FetchSink) {
        let Some(digest) = self.current.take() else { return };
        let Some(seen) = self.layers.get(&digest).filter(|seen| !seen.present) else { return };
        sink.layer(LayerReport {
            state: Some(LayerState::Fetched),
            there: Some(seen.total),
            ..LayerReport::of(&digest)
        });
    }

    fn all(&self, state: LayerState, sink: &dyn FetchSink) {
        for (digest, _) in self.layers.iter().filter(|(_, seen)| !seen.present) {
            sink.layer(LayerReport { state: Some(state), ..LayerReport::of(digest) });
        }
    }
}
