//! Fetching by Corral itself: the manifest from the registry, each missing blob as a transfer, and
//! the finished blobs handed to the server, which then only has to write the manifest.

use std::{path::PathBuf, sync::Arc};

use async_trait::async_trait;
use corral_contract::{
    ErrorCode, WireError,
    progress::{LayerState, Phase},
};
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{
    fetch::{
        Class, Fetch, FetchFailure, FetchRequest, FetchSink, Fetched, LayerReport, Limits, Plan,
        PlannedLayer, WaitFor,
    },
    present,
    pull::PullFetch,
};
use crate::{
    ollama::OllamaApi,
    registry::{Blob, Failure, Manifest, Registries, Repository},
    transfers::{self, Failed, Order, Share, Standing, Transfers, Whole, Why, throttle::Throttle},
};

mod adopt;
mod land;

pub(crate) use land::{may_write_itself, write as write_manifest};

/// Blobs of one model that come at once: the large one, and small ones beside it.
const AT_ONCE: usize = 12;
/// Finished blobs that go to their place at once.
const LANDING: usize = 8;

/// Where finished blobs go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Landing {
    /// A store on this machine that is ours to write: blobs grow there and are moved.
    Store { models: PathBuf },
    /// A store that is not: blobs grow in a folder of ours and are uploaded.
    Upload { staging: PathBuf },
}

impl Landing {
    /// Where blobs grow. Inside the store it is a folder of ours: the server removes files of
    /// others from there, but no folders.
    pub(super) fn staging(&self) -> PathBuf {
        match self {
            Landing::Store { models } => models.join("blobs").join(".corral"),
            Landing::Upload { staging } => staging.clone(),
        }
    }
}

/// Fetches from the registry, without the server's puller.
pub struct DirectFetch {
    pub(super) registries: Registries,
    pub(super) transfers: Transfers,
    pub(super) api: Arc<dyn OllamaApi>,
    /// Writes the manifest once every blob is there, and does everything when the registry does
    /// not speak to us.
    pub(super) pull: PullFetch,
    pub(super) landing: Landing,
    pub(super) server_version: Option<String>,
    /// Room that stays free where blobs grow, in bytes, and what is free there now.
    pub(super) reserve: u64,
    pub(super) free: Option<u64>,
}

#[async_trait]
impl Fetch for DirectFetch {
    async fn prepare(&self, request: FetchRequest) -> Result<Plan, FetchFailure> {
        let repository = self.repository(&request);
        let manifest = match self.registries.manifest(&repository).await {
            Ok(manifest) => manifest,
            Err(failure) if is_final(failure.error.code) => {
                return Err(FetchFailure::new(Class::Permanent, failure.error));
            }
            // What has come is of no use to the server's puller, which would begin anew.
            Err(failure) if self.began(&request).await => {
                let Failure { error, retry_after, .. } = failure;
                return Err(FetchFailure { class: Class::Retry, error, retry_after });
            }
            // The server may have a way of its own.
            Err(failure) => {
                tracing::info!(error = %failure.error, "the registry is left to the server");
                return self.pull.prepare(request).await;
            }
        };
        let present = self.present(&manifest).await?;
        self.adopt(&manifest, &present).await;
        let (staging, blobs) = (self.landing.staging(), manifest.blobs.clone());
        let plan = move || {
            let layer = |(blob, present): (Blob, bool)| PlannedLayer {
                // What an earlier attempt left is taken up; its bytes have to prove themselves.
                present: if present {
                    blob.size
                } else {
                    transfers::left_of(&staging, &blob.digest, blob.size).unwrap_or(0)
                },
                there: present,
                digest: blob.digest,
                kind: Some(blob.kind),
                size: blob.size,
            };
            blobs.into_iter().zip(present).map(layer).collect()
        };
        let layers = tokio::task::spawn_blocking(plan).await.map_err(|_| broken("planning"))?;
        Ok(Plan { request, layers: Some(layers), manifest: Some(Arc::new(manifest)) })
    }

    async fn fetch(
        &self,
        plan: &Plan,
        sink: &dyn FetchSink,
        limits: watch::Receiver<Limits>,
        token: CancellationToken,
    ) -> Result<Fetched, FetchFailure> {
        let Some(manifest) = plan.manifest.clone() else {
            sink.note("the registry is asked by the server: it did not answer Corral");
            return self.pull.fetch(plan, sink, limits, token).await;
        };
        let missing: Vec<PlannedLayer> =
            plan.layers.iter().flatten().filter(|layer| !layer.there).cloned().collect();
        self.room(&missing)?;
        sink.phase(Phase::Fetching);
        let work = self.bring(plan, &missing, sink, &limits);
        let brought = tokio::select! {
            biased;
            () = token.cancelled() => return Err(FetchFailure::stopped()),
            brought = work => brought?,
        };
        sink.phase(Phase::Registering);
        tokio::select! {
            biased;
            () = token.cancelled() => Err(FetchFailure::stopped()),
            landed = self.land(plan, &manifest, brought, sink) => landed,
        }
    }
}

impl DirectFetch {
    pub(super) fn repository(&self, request: &FetchRequest) -> Repository {
        Repository {
            name: request.name.clone(),
            insecure: request.insecure,
            server_version: self.server_version.clone(),
            file: None,
        }
    }

    /// Whether an earlier attempt left something to go on from.
    async fn began(&self, request: &FetchRequest) -> bool {
        let (staging, known) = (self.landing.staging(), request.known.clone());
        let look = move || known.iter().any(|digest| transfers::is_begun(&staging, digest));
        tokio::task::spawn_blocking(look).await.unwrap_or(false)
    }

    /// Which blobs of a manifest the server has.
    async fn present(&self, manifest: &Manifest) -> Result<Vec<bool>, FetchFailure> {
        match &self.landing {
            Landing::Store { models } => {
                let (folder, blobs) = (models.join("blobs"), manifest.blobs.clone());
                let nothing = vec![false; blobs.len()];
                let look = move || present::by_files(&folder, &blobs).unwrap_or(nothing);
                tokio::task::spawn_blocking(look).await.map_err(|_| broken("looking for blobs"))
            }
            Landing::Upload { .. } => {
                let there = present::by_server(&self.api, &manifest.blobs).await;
                there.map_err(super::retry::unreachable)
            }
        }
    }

    /// Whether what is missing fits on the disk beside the part that stays free.
    fn room(&self, missing: &[PlannedLayer]) -> Result<(), FetchFailure> {
        let staging = self.landing.staging();
        // What was begun has its room already.
        let new = missing.iter().filter(|layer| !transfers::is_begun(&staging, &layer.digest));
        let new: u64 = new.map(|layer| layer.size).sum();
        let wanted = new.saturating_add(self.reserve);
        match self.free {
            Some(free) if new > 0 && free < wanted => Err(full(wanted - free)),
            _ => Ok(()),
        }
    }

    /// Brings every missing blob.
    async fn bring(
        &self,
        plan: &Plan,
        missing: &[PlannedLayer],
        sink: &dyn FetchSink,
        limits: &watch::Receiver<Limits>,
    ) -> Result<Vec<(PlannedLayer, Arc<Whole>)>, FetchFailure> {
        let repository = self.repository(&plan.request);
        // One for all layers, however many come at once.
        let pace = Arc::new(Throttle::default());
        let one = |layer: &PlannedLayer| {
            let (layer, repository) = (layer.clone(), repository.clone());
            let (limits, pace) = (limits.clone(), pace.clone());
            async move {
                let staging = self.landing.staging();
                let order = Order::new(repository, &layer.digest, layer.size, staging);
                let order = order.ok_or_else(|| broken("a digest that is none"))?;
                let share = self.transfers.join(order);
                share.pace(pace.clone());
                let whole = follow(&share, &layer, sink, limits, &pace).await;
                let whole = whole.map_err(|failed| self.failure(failed, &layer))?;
                Ok::<_, FetchFailure>((layer, whole))
            }
        };
        stream::iter(missing.iter().map(one)).buffer_unordered(AT_ONCE).try_collect().await
    }

    fn failure(&self, failed: Failed, layer: &PlannedLayer) -> FetchFailure {
        let Failed { why, error, retry_after } = failed;
        let class = match why {
            Why::Full => {
                let missing = layer.size.saturating_add(self.reserve);
                let missing = missing.saturating_sub(self.free.unwrap_or(0)).max(1);
                return full(missing);
            }
            Why::Again | Why::Locked => Class::Retry,
            Why::Final => Class::Permanent,
            Why::Stopped => Class::Stopped,
        };
        FetchFailure { class, error: error.with("layer", &layer.digest), retry_after }
    }
}

/// Waits for a blob and says how far it is. Leaves the transfer when it is dropped.
async fn follow(
    share: &Share,
    layer: &PlannedLayer,
    sink: &dyn FetchSink,
    mut limits: watch::Receiver<Limits>,
    pace: &Throttle,
) -> Result<Arc<Whole>, Failed> {
    let mut standing = share.standing();
    let told = |state: LayerState, there: u64, connections: u32| {
        sink.layer(LayerReport {
            connections,
            state: Some(state),
            there: Some(there),
            total: Some(layer.size),
            shared: !share.leads(),
            ..LayerReport::of(&layer.digest)
        });
    };
    let whole = share.whole();
    tokio::pin!(whole);
    let limit = |limits: Limits| {
        pace.set(limits.bytes_per_second);
        share.connections(limits.connections);
    };
    limit(*limits.borrow_and_update());
    loop {
        tokio::select! {
            biased;
            whole = &mut whole => {
                let whole = whole?;
                told(LayerState::Verified, layer.size, 0);
                return Ok(whole);
            }
            Ok(()) = standing.changed() => {
                let Standing { done, connections } = *standing.borrow_and_update();
                let state =
                    if done == layer.size { LayerState::Fetched } else { LayerState::Fetching };
                told(state, done, connections);
            }
            Ok(()) = limits.changed() => limit(*limits.borrow_and_update()),
        }
    }
}

fn full(missing: u64) -> FetchFailure {
    let error = WireError::new(ErrorCode::DiskFull).with("missing", missing);
    FetchFailure::new(Class::Wait(WaitFor::Disk { missing }), error)
}

fn broken(what: &str) -> FetchFailure {
    FetchFailure::new(Class::Retry, WireError::new(ErrorCode::Internal).detail(what))
}

/// A registry's word that no other way around changes.
fn is_final(code: ErrorCode) -> bool {
    matches!(code, ErrorCode::ModelUnknown | ErrorCode::NeedsNewerOllama)
}
