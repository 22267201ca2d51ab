//! The manifests of a store on this machine: which layers a model has and who shares them.

use std::{
    collections::{BTreeMap, HashMap},
    io::Read,
    path::{Path, PathBuf},
};

use corral_contract::{ErrorCode, InstanceId, WireError, models::LayerInfo, name::ModelName};
use serde::Deserialize;

use super::{poll::key_of, store};
use crate::{Core, Result, registry::kind_of};

/// Largest manifest that is read; real ones have a few kilobytes.
const LARGEST: u64 = 1 << 20;
/// Most manifests that are looked at.
const MOST: usize = 50_000;

/// The layers of every model of a store, by [`corral_contract::name::ModelName::key`].
#[derive(Debug, Default)]
pub(super) struct Manifests(BTreeMap<String, Vec<Layer>>);

/// One layer, or the config, of a manifest.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Layer {
    #[serde(default)]
    media_type: String,
    digest: String,
    #[serde(default)]
    size: u64,
    /// What it was made from.
    #[serde(default)]
    from: Option<String>,
}

#[derive(Deserialize)]
struct Manifest {
    config: Option<Layer>,
    #[serde(default)]
    layers: Vec<Layer>,
}

/// The manifests of an instance whose store lies on this machine; `None` when it cannot be seen.
///
/// # Errors
/// Database errors.
pub(super) async fn of_instance(core: &Core, instance: InstanceId) -> Result<Option<Manifests>> {
    let path = store::store_path(core, instance).await?;
    let Some(path) = path else { return Ok(None) };
    tokio::task::spawn_blocking(move || read(&PathBuf::from(path).join("manifests")))
        .await
        .map_err(|error| WireError::new(ErrorCode::Internal).detail(error.to_string()))
}

/// The layers of every model of a store by [`corral_contract::name::ModelName::key`], without the
/// names of others; `None` when the store cannot be seen.
///
/// # Errors
/// Database errors.
pub(crate) async fn of_store(
    core: &Core,
    instance: InstanceId,
) -> Result<Option<BTreeMap<String, Vec<LayerInfo>>>> {
    let layer = |layer: Layer| LayerInfo {
        kind: kind_of(&layer.media_type).to_owned(),
        digest: layer.digest.to_ascii_lowercase(),
        bytes: layer.size,
        shared_with: Vec::new(),
    };
    let all = of_instance(core, instance).await?;
    Ok(all.map(|Manifests(all)| {
        all.into_iter().map(|(key, all)| (key, all.into_iter().map(layer).collect())).collect()
    }))
}

/// The file name of a model's weights in its store; `None` when the store or the manifest cannot
/// be seen, or it has none.
pub(crate) async fn weights(core: &Core, instance: InstanceId, key: &str) -> Option<String> {
    let store = store::store_path(core, instance).await.ok()??;
    let name = ModelName::parse(key).ok()?;
    let manifests = PathBuf::from(store).join("manifests");
    let file = manifests.join(name.host).join(name.namespace).join(name.model).join(name.tag);
    let layers = tokio::task::spawn_blocking(move || layers(&file)).await.ok()??;
    let weights = layers.into_iter().find(|layer| kind_of(&layer.media_type) == "model")?;
    Some(weights.digest.replace(':', "-"))
}

/// Whether a model says that it was made from files of its own store: then it is not what its
/// registry has under the name.
pub(crate) async fn made_here(core: &Core, instance: InstanceId, key: &str) -> bool {
    let Ok(Some(store)) = store::store_path(core, instance).await else { return false };
    let Ok(name) = ModelName::parse(key) else { return false };
    let file = PathBuf::from(&store).join("manifests").join(name.host).join(name.namespace);
    let file = file.join(name.model).join(name.tag);
    let layers = tokio::task::spawn_blocking(move || layers(&file)).await.ok().flatten();
    let of_here = |layer: &Layer| layer.from.as_ref().is_some_and(|from| from.contains(&store));
    layers.is_some_and(|layers| layers.iter().any(of_here))
}

/// Reads `manifests/<host>/<namespace>/<model>/<tag>`. What cannot be read is left out, as Ollama
/// does; without the folder itself there is no answer.
fn read(folder: &Path) -> Option<Manifests> {
    if !folder.is_dir() {
        return None;
    }
    let mut manifests = BTreeMap::new();
    for host in entries(folder) {
        for namespace in entries(&host.1) {
            for model in entries(&namespace.1) {
                for tag in entries(&model.1) {
                    if manifests.len() >= MOST {
                        return Some(Manifests(manifests));
                    }
                    if let Some(layers) = layers(&tag.1) {
                        let name = format!("{}/{}/{}:{}", host.0, namespace.0, model.0, tag.0);
                        manifests.insert(key_of(&name), layers);
                    }
                }
            }
        }
    }
    Some(Manifests(manifests))
}

fn entries(folder: &Path) -> Vec<(String, PathBuf)> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    entries
        .flatten()
        .filter_map(|entry| Some((entry.file_name().into_string().ok()?, entry.path())))
        .collect()
}

fn layers(file: &Path) -> Option<Vec<Layer>> {
    let mut text = Vec::new();
    std::fs::File::open(file).ok()?.take(LARGEST).read_to_end(&mut text).ok()?;
    let manifest: Manifest = serde_json::from_slice(&text).ok()?;
    Some(manifest.layers.into_iter().chain(manifest.config).collect())
}

/// What deleting some models of one store frees.
#[derive(Debug, Default)]
pub(super) struct Freed {
    /// Bytes in all, each layer counted once.
    pub(super) bytes: u64,
    /// Bytes by key, a layer that several chosen models share counted for the first of them.
    pub(super) by_key: HashMap<String, u64>,
    /// Keys of models that stay and share layers, by key.
    pub(super) shared_with: HashMap<String, Vec<String>>,
}

impl Manifests {
    /// Whether the store has this model.
    pub(super) fn has(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    /// The layers of a model with the names of others that use them.
    pub(super) fn layers(&self, key: &str) -> Vec<LayerInfo> {
        let users = self.users();
        let Some(layers) = self.0.get(key) else { return Vec::new() };
        layers
            .iter()
            .map(|layer| LayerInfo {
                kind: kind_of(&layer.media_type).to_owned(),
                digest: layer.digest.clone(),
                bytes: layer.size,
                shared_with: others(&users, layer, key).map(str::to_owned).collect(),
            })
            .collect()
    }

    /// What deleting the models of these keys frees.
    pub(super) fn freed(&self, keys: &[&str]) -> Freed {
        let users = self.users();
        let mut freed = Freed::default();
        let mut counted: Vec<&str> = Vec::new();
        for key in keys {
            let (mut bytes, mut shared) = (0, Vec::new());
            for layer in self.0.get(*key).map(Vec::as_slice).unwrap_or_default() {
                let staying: Vec<&str> =
                    others(&users, layer, key).filter(|other| !keys.contains(other)).collect();
                if staying.is_empty() && !counted.contains(&layer.digest.as_str()) {
                    counted.push(&layer.digest);
                    bytes += layer.size;
                }
                shared.extend(staying.into_iter().map(str::to_owned));
            }
            shared.sort();
            shared.dedup();
            freed.bytes += bytes;
            freed.by_key.insert((*key).to_owned(), bytes);
            freed.shared_with.insert((*key).to_owned(), shared);
        }
        freed
    }

    /// Who uses each digest.
    fn users(&self) -> HashMap<&str, Vec<&str>> {
        let mut users: HashMap<&str, Vec<&str>> = HashMap::new();
        for (key, layers) in &self.0 {
            for layer in layers {
                let names = users.entry(&layer.digest).or_default();
                if names.last() != Some(&key.as_str()) {
                    names.push(key);
                }
            }
        }
        users
    }
}

fn others<'a>(
    users: &'a HashMap<&str, Vec<&'a str>>,
    layer: &Layer,
    key: &'a str,
) -> impl Iterator<Item = &'a str> {
    let names = users.get(layer.digest.as_str()).map(Vec::as_slice).unwrap_or_default();
    names.iter().copied().filter(move |other| *other != key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(models: &[(&str, &[(&str, u64)])]) -> Manifests {
        let layer = |(digest, size): &(&str, u64)| Layer {
            media_type: "application/vnd.ollama.image.model".to_owned(),
            digest: (*digest).to_owned(),
            size: *size,
            from: None,
        };
        Manifests(
            models
                .iter()
                .map(|(key, layers)| ((*key).to_owned(), layers.iter().map(layer).collect()))
                .collect(),
        )
    }

    #[test]
    fn shared_layers_are_freed_by_the_last_user_only() {
        let store = store(&[
            ("a", &[("weights", 100), ("license", 5)]),
            ("b", &[("weights", 100), ("license", 5), ("params", 1)]),
            ("c", &[("license", 5)]),
        ]);
        assert_eq!(store.freed(&["a"]).bytes, 0);
        let both = store.freed(&["a", "b"]);
        assert_eq!(both.bytes, 101, "weights once, the license stays for c");
        assert_eq!(both.by_key["a"], 100);
        assert_eq!(both.by_key["b"], 1);
        assert_eq!(both.shared_with["a"], ["c"]);
        assert_eq!(store.freed(&["a", "b", "c"]).bytes, 106);
    }
}
