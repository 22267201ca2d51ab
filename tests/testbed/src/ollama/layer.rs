//! Layers of a model: what a manifest lists.

use std::sync::Arc;

use sha2::{Digest, Sha256};

/// What a layer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LayerKind {
    Model,
    Projector,
    Adapter,
    Template,
    System,
    Params,
    License,
    Messages,
    Config,
}

impl LayerKind {
    /// The kind that a manifest names so.
    pub(crate) fn of_media_type(text: &str) -> Option<Self> {
        const ALL: [LayerKind; 9] = [
            LayerKind::Model,
            LayerKind::Projector,
            LayerKind::Adapter,
            LayerKind::Template,
            LayerKind::System,
            LayerKind::Params,
            LayerKind::License,
            LayerKind::Messages,
            LayerKind::Config,
        ];
        ALL.into_iter().find(|kind| kind.media_type() == text)
    }

    pub fn media_type(self) -> String {
        let name = match self {
            Self::Config => return "application/vnd.docker.container.image.v1+json".to_owned(),
            Self::Model => "model",
            Self::Projector => "projector",
            Self::Adapter => "adapter",
            Self::Template => "template",
            Self::System => "system",
            Self::Params => "params",
            Self::License => "license",
            Self::Messages => "messages",
        };
        format!("application/vnd.ollama.image.{name}")
    }
}

/// One blob as a manifest names it. Large ones are only numbers: they have no `data`.
#[derive(Clone, Debug)]
pub struct Layer {
    pub kind: LayerKind,
    /// 64 hex digits, without `sha256:`.
    pub digest: String,
    /// Bytes.
    pub size: u64,
    pub data: Option<Arc<[u8]>>,
}

impl Layer {
    /// A layer with these bytes and their true digest.
    pub fn of(kind: LayerKind, data: impl Into<Vec<u8>>) -> Self {
        let data: Vec<u8> = data.into();
        Self { kind, digest: sha256(&data), size: data.len() as u64, data: Some(data.into()) }
    }

    /// A layer that exists as a number only; equal seeds give equal digests.
    pub fn imagined(kind: LayerKind, seed: &str, size: u64) -> Self {
        Self { kind, digest: sha256(format!("{seed} {size}").as_bytes()), size, data: None }
    }

    /// A layer with a digest known from elsewhere.
    pub fn known(kind: LayerKind, digest: &str, size: u64) -> Self {
        Self { kind, digest: digest.to_owned(), size, data: None }
    }

    /// `sha256:<64 hex>`.
    pub fn full_digest(&self) -> String {
        format!("sha256:{}", self.digest)
    }
}

/// Lower-case hex SHA-256.
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|half| DIGITS[usize::from(half)])
        .collect()
}
