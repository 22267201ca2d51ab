//! What a download would take, found out before a byte of it moves: from the manifest, the store,
//! the disk, the head of the weights and the speed of downloads before.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use corral_contract::{
    ErrorCode, InstanceId, WireError,
    downloads::{CheckDownload, DiskCheck, Fit, NetworkCheck, Preflight, call},
    fit::Shape,
    name::ModelName,
};
use tokio::time::{Instant, timeout};

use crate::{
    Core, Result, fit,
    fit::Subject,
    gguf::Head,
    instances,
    registry::{Manifest, Repository},
    router::Handle,
};

mod head;
mod missing;
mod room;

/// How long a registry may take to answer before a download is let into the queue unchecked.
const GATE_LIMIT: Duration = Duration::from_secs(6);
/// The same while a person looks on.
const CHECK_LIMIT: Duration = Duration::from_secs(20);
/// How long a manifest counts as new: from the look at a model to the wish for it.
const FRESH: Duration = Duration::from_secs(120);
const MEGABYTE: u64 = 1_000_000;

/// A model as its registry has it.
pub(crate) struct Offered {
    repository: Repository,
    pub(crate) manifest: Arc<Manifest>,
    /// Bytes of what is loaded into memory.
    pub(crate) weights: u64,
    /// `sha256:` and 64 hex digits.
    pub(crate) weights_digest: Option<String>,
}

/// What a registry has under a name; one that was asked for a moment ago is not asked for again.
///
/// # Errors
/// As [`crate::registry::Registries::manifest`].
pub(crate) async fn offered(
    core: &Core,
    instance: InstanceId,
    name: &ModelName,
) -> Result<Offered> {
    let repository = repository(core, instance, name, false);
    let (manifest, _) = manifest(core, &repository, CHECK_LIMIT).await?;
    let weights_digest = manifest.of_kind("model").map(|blob| blob.digest.clone());
    Ok(Offered { repository, weights: weights(&manifest), weights_digest, manifest })
}

/// The head of its weights, if it can be had.
pub(crate) async fn head_of(core: &Core, offered: &Offered) -> Option<Head> {
    let told = head::read(&core.registries, &offered.repository, &offered.manifest).await;
    let head = told.head?;
    if let Some(digest) = &offered.weights_digest {
        core.fit.keep_head(digest, &head);
    }
    Some(head)
}

/// Bytes of what is not on an instance; `None` when it cannot be known.
///
/// # Errors
/// Database errors.
pub(crate) async fn missing_bytes(
    core: &Core,
    instance: InstanceId,
    manifest: &Manifest,
) -> Result<Option<u64>> {
    let store = instances::store_now(core, instance).await?;
    let missing = missing::missing(core, instance, store.path.as_deref(), manifest).await;
    Ok(missing.map(|missing| missing.bytes))
}

/// Bytes of what is loaded into memory.
fn weights(manifest: &Manifest) -> u64 {
    let loaded =
        |kind: &str| matches!(kind, "model" | "projector" | "adapter" | "draft" | "tensor");
    manifest.blobs.iter().filter(|blob| loaded(&blob.kind)).map(|blob| blob.size).sum()
}

/// Manifests that were asked for a moment ago, with how long the registry took.
#[derive(Default)]
pub(super) struct Recent(Mutex<HashMap<Repository, Answer>>);

struct Answer {
    since: Instant,
    manifest: Arc<Manifest>,
    took: Duration,
}

impl Recent {
    fn get(&self, repository: &Repository) -> Option<(Arc<Manifest>, Duration)> {
        let mut recent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        recent.retain(|_, answer| answer.since.elapsed() < FRESH);
        recent.get(repository).map(|answer| (answer.manifest.clone(), answer.took))
    }

    fn put(&self, repository: Repository, manifest: Arc<Manifest>, took: Duration) {
        let mut recent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        recent.insert(repository, Answer { since: Instant::now(), manifest, took });
    }
}

impl Handle<call::Check> for Core {
    async fn handle(&self, request: CheckDownload) -> Result<Preflight> {
        let name = ModelName::parse_loose(&request.name)
            .map_err(|error| WireError::field("name", error.as_str()))?;
        instances::client(self, request.instance)?;
        let repository = repository(self, request.instance, &name, request.insecure);
        let asked = manifest(self, &repository, CHECK_LIMIT).await;
        let mut view = blank(&repository);
        room(self, request.instance, &mut view).await?;
        match asked {
            Ok((manifest, took)) => {
                view.network.reachable = true;
                view.network.latency_ms = took.as_millis().try_into().ok();
                let of = (&repository, &*manifest);
                weigh(self, request.instance, of, request.shape, &mut view).await?;
            }
            Err(error) if refuses(&error) => {
                view.network.reachable = true;
                view.refusal = Some(error);
            }
            Err(error) => view.warnings.push(error),
        }
        Ok(view)
    }
}

/// Refuses what cannot go well: there is no room, or no such model. What cannot be checked passes.
///
/// # Errors
/// `DISK_SHORT`, `MODEL_UNKNOWN`, `NEEDS_NEWER_OLLAMA`.
pub(super) async fn gate(
    core: &Core,
    instance: InstanceId,
    name: &ModelName,
    insecure: bool,
) -> Result<()> {
    let repository = repository(core, instance, name, insecure);
    let manifest = match manifest(core, &repository, GATE_LIMIT).await {
        Ok((manifest, _)) => manifest,
        Err(error) if refuses(&error) => return Err(error),
        Err(_) => return Ok(()),
    };
    let mut view = blank(&repository);
    room(core, instance, &mut view).await?;
    let missing = missing::missing(core, instance, view.disk.path.as_deref(), &manifest).await;
    match missing.and_then(|missing| short(&view.disk, missing.bytes)) {
        Some(refusal) => Err(refusal),
        None => Ok(()),
    }
}

/// A registry's word that is final. A server elsewhere may have rights of its own, so being asked
/// to sign in is not.
fn refuses(error: &WireError) -> bool {
    matches!(error.code, ErrorCode::ModelUnknown | ErrorCode::NeedsNewerOllama)
}

fn repository(core: &Core, instance: InstanceId, name: &ModelName, insecure: bool) -> Repository {
    let server_version = instances::version(core, instance);
    Repository { name: name.clone(), insecure, server_version, file: None }
}

async fn manifest(
    core: &Core,
    repository: &Repository,
    limit: Duration,
) -> Result<(Arc<Manifest>, Duration)> {
    if let Some(recent) = core.downloads.manifests.get(repository) {
        return Ok(recent);
    }
    let began = Instant::now();
    let answer = timeout(limit, core.registries.manifest(repository)).await;
    let manifest = answer.map_err(|_| {
        WireError::new(ErrorCode::RegistryUnreachable).with("host", &repository.name.host)
    })??;
    let (manifest, took) = (Arc::new(manifest), began.elapsed());
    core.downloads.manifests.put(repository.clone(), manifest.clone(), took);
    Ok((manifest, took))
}

fn blank(repository: &Repository) -> Preflight {
    Preflight {
        name: repository.name.display(),
        registry: repository.name.host.clone(),
        total: None,
        missing: None,
        layers: 0,
        missing_layers: 0,
        parameters: None,
        quantization: None,
        license: None,
        disk: DiskCheck::default(),
        memory: fit::unknown(),
        network: NetworkCheck::default(),
        refusal: None,
        warnings: Vec::new(),
        clean_up: Vec::new(),
    }
}

/// The room where the models are.
async fn room(core: &Core, instance: InstanceId, view: &mut Preflight) -> Result<()> {
    let store = instances::store_now(core, instance).await?;
    view.disk = DiskCheck {
        path: store.path,
        free: store.free,
        total: store.total,
        reserve: u64::from(core.settings().disk_reserve_mb) * MEGABYTE,
    };
    if view.disk.free.is_none() {
        view.warnings.push(WireError::new(ErrorCode::DiskUnknown));
    }
    Ok(())
}

/// Everything that follows from the manifest.
async fn weigh(
    core: &Core,
    instance: InstanceId,
    (repository, manifest): (&Repository, &Manifest),
    shape: Shape,
    view: &mut Preflight,
) -> Result<()> {
    let count = |layers: usize| u32::try_from(layers).unwrap_or(u32::MAX);
    view.total = Some(manifest.total());
    view.layers = count(manifest.blobs.len());
    let missing = missing::missing(core, instance, view.disk.path.as_deref(), manifest);
    let told = head::read(&core.registries, repository, manifest);
    let (missing, told) = tokio::join!(missing, told);
    view.parameters = told.parameters;
    view.quantization = told.quantization;
    view.license = told.license;
    if let (Some(head), Some(weights)) = (&told.head, manifest.of_kind("model")) {
        core.fit.keep_head(&weights.digest, head);
    }
    let subject = Subject {
        weights: weights(manifest),
        head: told.head.as_ref(),
        digest: Some(&manifest.digest),
    };
    view.memory = fit::check(core, instance, subject, shape).await?;
    if view.memory.fit == Fit::TooLarge {
        let needed = view.memory.needed.unwrap_or(0);
        view.warnings.push(WireError::new(ErrorCode::MemoryShort).with("needed", needed));
    }
    let usual = core.downloads.queue.lock().await.usual_speed;
    view.network.by_experience = usual.is_some();
    view.network.speed = usual.or(told.speed);
    let Some(missing) = missing else { return Ok(()) };
    view.missing = Some(missing.bytes);
    view.missing_layers = count(missing.layers);
    view.network.seconds =
        view.network.speed.filter(|speed| *speed > 0).map(|speed| missing.bytes.div_ceil(speed));
    view.refusal = short(&view.disk, missing.bytes);
    if view.refusal.is_some() {
        view.clean_up = room::proposals(core, instance, view.disk.path.as_deref()).await?;
    }
    Ok(())
}

/// Why a download of this many bytes does not fit, with the figures.
fn short(disk: &DiskCheck, bytes: u64) -> Option<WireError> {
    let free = disk.free?;
    let wanted = bytes.saturating_add(disk.reserve);
    // With nothing to fetch nothing can run short.
    (bytes > 0 && free < wanted).then(|| {
        WireError::new(ErrorCode::DiskShort)
            .with("needed", bytes)
            .with("free", free)
            .with("reserve", disk.reserve)
            .with("missing", wanted - free)
    })
}
