//! Where models go: a models folder that is ours to write, or a server that is asked.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use corral_contract::{
    ErrorCode, InstanceId, WireError,
    bundles::{There, Way},
    name::ModelName,
};
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::time::timeout;

use super::{index::Package, names, stage};
use crate::{
    Core, Result, instances,
    ollama::OllamaApi,
    registry::{Blob, Manifest, Repository},
};

/// How long a registry may take to say what a name means.
const REGISTRY_LIMIT: Duration = Duration::from_secs(6);
/// Questions to one server at once.
const AT_ONCE: usize = 8;
/// Largest manifest that is read, in bytes.
const LARGEST_MANIFEST: u64 = 4 << 20;

/// The other side.
#[derive(Clone)]
pub(super) enum Target {
    Store { models: PathBuf },
    Server { api: Arc<dyn OllamaApi> },
}

/// What a server lists: digests by key.
pub(super) type Listed = BTreeMap<String, Option<String>>;

impl Target {
    /// The target of an instance, and what is free there, in bytes.
    ///
    /// # Errors
    /// `NOT_FOUND`.
    pub(super) async fn of(core: &Core, instance: InstanceId) -> Result<(Target, Option<u64>)> {
        let store = instances::store_now(core, instance).await?;
        Ok(match (store.path, store.writable) {
            (Some(path), Some(true)) => (Target::Store { models: path.into() }, store.free),
            // Room elsewhere is not seen from here.
            (path, _) => {
                let api = instances::client(core, instance)?;
                (Target::Server { api }, path.and(store.free))
            }
        })
    }

    /// What names one work at a time.
    pub(super) fn key(&self, instance: InstanceId) -> String {
        match self {
            Target::Store { models } => format!("store {}", models.display()),
            Target::Server { .. } => format!("instance {instance}"),
        }
    }

    /// What the server lists; of a store nothing is needed.
    ///
    /// # Errors
    /// What became of the question.
    pub(super) async fn listed(&self) -> Result<Listed> {
        let Target::Server { api } = self else { return Ok(Listed::new()) };
        by_key(&**api).await
    }

    /// What is there under a name.
    pub(super) async fn there(&self, listed: &Listed, name: &ModelName, digest: &str) -> There {
        match self {
            Target::Store { models } => {
                let (models, name) = (models.clone(), name.clone());
                let read = move || manifest_of(&models, &name).ok().flatten();
                match tokio::task::spawn_blocking(read).await.ok().flatten() {
                    Some((manifest, _)) if manifest.digest == digest => There::Same,
                    Some(_) => There::Other,
                    None => There::Nothing,
                }
            }
            Target::Server { .. } => match listed.get(&name.key()) {
                Some(Some(there)) if there == digest => There::Same,
                Some(_) => There::Other,
                None => There::Nothing,
            },
        }
    }

    /// Which of some layers are there, one answer each. Says nothing about their bytes.
    ///
    /// # Errors
    /// What became of a question.
    pub(super) async fn has(&self, blobs: &[Blob]) -> Result<Vec<bool>> {
        match self {
            Target::Store { models } => {
                let (folder, blobs) = (models.join("blobs"), blobs.to_vec());
                let there = move |blob: &Blob| {
                    let file = folder.join(blob.digest.replace(':', "-"));
                    let facts = std::fs::metadata(file);
                    facts.is_ok_and(|facts| facts.is_file() && facts.len() == blob.size)
                };
                let look = move || blobs.iter().map(there).collect();
                tokio::task::spawn_blocking(look).await.map_err(internal)
            }
            Target::Server { api } => {
                let ask = |blob: Blob| {
                    let api = api.clone();
                    async move { api.has_blob(&blob.digest).await }
                };
                stream::iter(blobs.to_vec()).map(ask).buffered(AT_ONCE).try_collect().await
            }
        }
    }

    /// How a model gets onto the list there. `renamed` = under another name than it came with.
    pub(super) async fn way(
        &self,
        core: &Core,
        instance: InstanceId,
        package: &Package,
        renamed: bool,
    ) -> Way {
        if let Target::Store { .. } = self {
            return Way::Store;
        }
        if renamed {
            return Way::Rebuild;
        }
        let repository = Repository {
            name: package.name.clone(),
            insecure: false,
            server_version: instances::version(core, instance),
            file: None,
        };
        let asked = timeout(REGISTRY_LIMIT, core.registries.manifest(&repository)).await;
        match asked {
            Ok(Ok(manifest)) if manifest.digest == package.manifest.digest => Way::Registry,
            _ => Way::Rebuild,
        }
    }
}

/// The digests that a server lists.
///
/// # Errors
/// What became of the question.
pub(crate) async fn by_key(api: &dyn OllamaApi) -> Result<Listed> {
    let tags = api.tags().await?;
    let known = tags.models.into_iter().filter_map(|model| {
        let name = ModelName::parse(&model.name).ok()?;
        Some((name.key(), model.digest))
    });
    Ok(known.collect())
}

/// The manifest of a name in a models folder, and when it changed last in seconds since 1970; `None`
/// when there is none. Blocks.
///
/// # Errors
/// `STORE_PERMISSION`, `FILE_SYSTEM`, `REGISTRY_INCOMPATIBLE` for a file that is no manifest.
pub(crate) fn manifest_of(models: &Path, name: &ModelName) -> Result<Option<(Manifest, u64)>> {
    let file = names::manifest_file(models, name);
    let facts = match std::fs::metadata(&file) {
        Ok(facts) if facts.is_file() => facts,
        Ok(_) => return Ok(None),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(stage::refused(&error)),
    };
    if facts.len() > LARGEST_MANIFEST {
        let error = WireError::new(ErrorCode::RegistryIncompatible);
        return Err(error.detail(format!("{} bytes", facts.len())));
    }
    let bytes = std::fs::read(&file).map_err(|error| stage::refused(&error))?;
    let changed = facts.modified().ok();
    let since = changed.and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
    Ok(Some((Manifest::read(bytes)?, since.map_or(0, |since| since.as_secs()))))
}

pub(super) fn internal(error: tokio::task::JoinError) -> WireError {
    WireError::new(ErrorCode::Internal).detail(error.to_string())
}
