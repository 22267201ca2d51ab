//! A manifest: what a model consists of. Its bytes are kept as they came, because their SHA-256 is
//! the model's digest.

use std::collections::HashSet;

use corral_contract::{ErrorCode, WireError};
use reqwest::{Client, header};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use url::Url;

use super::{
    Failure, Registries, Repository,
    address::{Route, base, below},
    ask, refusal,
    site::Root,
};
use crate::{Result, digest::hex};

/// Largest manifest that is read, in bytes. The largest real ones, of models kept as thousands of
/// tensors, have less than one megabyte.
const LARGEST: usize = 4 * 1024 * 1024;
/// Most layers of one model.
const MOST_LAYERS: usize = 10_000;
/// Largest blob that is believed, in bytes: a petabyte.
const LARGEST_BLOB: i64 = 1 << 50;

const ACCEPT: &str = "application/vnd.docker.distribution.manifest.v2+json";

/// What a model consists of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// As it came.
    pub bytes: Vec<u8>,
    /// SHA-256 of the bytes, 64 hex digits.
    pub digest: String,
    /// Layers in their order, then the config; each digest once.
    pub blobs: Vec<Blob>,
    /// When it was put there, in ms since 1970, where the registry tells.
    pub pushed_at: Option<i64>,
}

/// One layer, or the config.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    /// `sha256:` and 64 lower-case hex digits.
    pub digest: String,
    /// Bytes.
    pub size: u64,
    /// `model`, `template`, `license`, `config` …
    pub kind: String,
}

impl Manifest {
    /// Reads a manifest and refuses whatever would make no model.
    ///
    /// # Errors
    /// `REGISTRY_INCOMPATIBLE` with what is wrong.
    pub fn read(bytes: Vec<u8>) -> Result<Manifest> {
        let wrong = |what: String| WireError::new(ErrorCode::RegistryIncompatible).detail(what);
        let read: Read =
            serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))?;
        if read.manifests.is_some() {
            return Err(wrong("this is a list of manifests, not one".to_owned()));
        }
        if read.layers.len() > MOST_LAYERS {
            return Err(wrong(format!("{} layers", read.layers.len())));
        }
        let mut seen = HashSet::new();
        let mut blobs = Vec::with_capacity(read.layers.len() + 1);
        let mut total = 0_i64;
        for layer in read.layers.into_iter().chain(read.config) {
            let digest = layer.digest.to_ascii_lowercase();
            if !is_digest(&digest) {
                return Err(wrong(format!("a layer has the digest {:?}", layer.digest)));
            }
            if !(0..=LARGEST_BLOB).contains(&layer.size) {
                return Err(wrong(format!("{digest} has the size {}", layer.size)));
            }
            // The same layer may be listed twice; it is one file.
            if seen.insert(digest.clone()) {
                total = total.saturating_add(layer.size);
                let kind = kind_of(&layer.media_type).to_owned();
                blobs.push(Blob { digest, size: layer.size.unsigned_abs(), kind });
            }
        }
        if blobs.is_empty() {
            return Err(wrong("it lists no layer".to_owned()));
        }
        if total > LARGEST_BLOB {
            return Err(wrong(format!("its layers have {total} bytes")));
        }
        let digest = hex(&Sha256::digest(&bytes));
        Ok(Manifest { bytes, digest, blobs, pushed_at: None })
    }

    /// Bytes of everything it lists.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.blobs.iter().map(|blob| blob.size).sum()
    }

    /// The first layer of a kind.
    #[must_use]
    pub fn of_kind(&self, kind: &str) -> Option<&Blob> {
        self.blobs.iter().find(|blob| blob.kind == kind)
    }
}

#[derive(Deserialize)]
struct Read {
    config: Option<Layer>,
    #[serde(default)]
    layers: Vec<Layer>,
    /// Only a list of manifests has these.
    manifests: Option<serde_json::Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Layer {
    #[serde(default)]
    media_type: String,
    digest: String,
    size: i64,
}

/// Whether a text is `sha256:` and 64 lower-case hex digits, and so safe as part of a path.
fn is_digest(text: &str) -> bool {
    text.strip_prefix("sha256:").is_some_and(|hex| {
        hex.len() == 64 && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    })
}

/// `application/vnd.ollama.image.template` is a `template`.
pub(crate) fn kind_of(media_type: &str) -> &str {
    match media_type.rsplit('.').next() {
        Some("v1+json") => "config",
        Some(kind) => kind,
        None => media_type,
    }
}

/// Whether a kind of layer holds a model file, as a rule in GGUF.
pub(crate) fn is_model_file(kind: &str) -> bool {
    matches!(kind, "model" | "projector" | "adapter")
}

impl Registries {
    /// The manifest of a name.
    ///
    /// # Errors
    /// `MODEL_UNKNOWN`, `NEEDS_NEWER_OLLAMA`, `SIGN_IN_NEEDED`, `REALM_MISMATCH`,
    /// `REGISTRY_UNREACHABLE`, `REGISTRY_INCOMPATIBLE`.
    pub async fn manifest(
        &self,
        repository: &Repository,
    ) -> std::result::Result<Manifest, Failure> {
        self.each(repository, &HashSet::new(), |route| self.manifest_at(route, repository)).await
    }

    async fn manifest_at(
        &self,
        route: Route,
        repository: &Repository,
    ) -> std::result::Result<Manifest, Failure> {
        let root = match &route.root {
            Root::Web(root) => root,
            Root::Folder(folder) => {
                let bytes = super::folder::manifest(folder, repository, LARGEST).await?;
                return read(bytes);
            }
        };
        let base = base(root, repository);
        let path = format!("manifests/{}", repository.name.tag);
        let url = below(&base, &path).map_err(Failure::of)?;
        let request = |client: &Client, url: &Url| {
            ask::request(client, url, repository).header(header::ACCEPT, ACCEPT)
        };
        let response = self.ask_through(&route, &base, &url, request).await?;
        if !response.status().is_success() {
            return Err(refusal::manifest(response, repository).await);
        }
        let pushed_at = pushed_at(&response);
        let manifest = read(ask::whole(response, LARGEST).await?)?;
        Ok(Manifest { pushed_at, ..manifest })
    }
}

/// Some registries say when a manifest came: in seconds since 1970, or as a date.
fn pushed_at(response: &reqwest::Response) -> Option<i64> {
    let header = |name: &str| response.headers().get(name)?.to_str().ok().map(str::trim);
    let read = |text: &str| {
        let seconds = text.parse::<i64>().ok().filter(|at| (0..1 << 40).contains(at));
        let date = || {
            let date = chrono::DateTime::parse_from_rfc3339(text);
            date.or_else(|_| chrono::DateTime::parse_from_rfc2822(text)).ok()
        };
        // More seconds than those of the year 5000 are milliseconds.
        let ms = |at: i64| if at > 100_000_000_000 { at } else { at * 1000 };
        seconds.map(ms).or_else(|| date().map(|at| at.timestamp_millis()))
    };
    header("ollama-push-time").or_else(|| header("last-modified")).and_then(read)
}

fn read(bytes: Vec<u8>) -> std::result::Result<Manifest, Failure> {
    Manifest::read(bytes).map_err(|error| Failure { elsewhere: true, ..Failure::of(error) })
}

#[cfg(test)]
#[path = "manifest_test.rs"]
mod tests;
