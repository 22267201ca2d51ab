//! Large contents made on the fly: random to look at, the same every time, never held in memory.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::ollama::Layer;
use crate::ollama::LayerKind;

/// The bytes of a blob, with their SHA-256 known beforehand.
#[derive(Clone, Debug)]
pub struct Content {
    source: Source,
    /// Bytes.
    pub size: u64,
    /// 64 hex digits.
    pub digest: String,
}

#[derive(Clone, Debug)]
enum Source {
    Seed(u64),
    Bytes(Arc<[u8]>),
    /// These, then zeros.
    Head(Arc<[u8]>),
}

impl Content {
    /// `size` random bytes that follow from `seed`. Hashes them once.
    pub fn seeded(seed: u64, size: u64) -> Self {
        let mut content = Self { source: Source::Seed(seed), size, digest: String::new() };
        let mut hash = Sha256::new();
        let mut offset = 0;
        while offset < size {
            let piece = content.piece(offset, 65_536);
            offset += piece.len() as u64;
            hash.update(&piece);
        }
        content.digest = crate::ollama::hex(&hash.finalize());
        content
    }

    /// Exactly these bytes.
    pub fn of(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes: Vec<u8> = bytes.into();
        let digest = crate::ollama::sha256(&bytes);
        Self { size: bytes.len() as u64, digest, source: Source::Bytes(bytes.into()) }
    }

    /// A blob of which only the beginning is real: it can be looked at, and not be downloaded,
    /// because `digest` (64 hex digits) is not that of its bytes.
    pub fn imagined(head: impl Into<Vec<u8>>, size: u64, digest: &str) -> Self {
        Self { source: Source::Head(head.into().into()), size, digest: digest.to_owned() }
    }

    /// At most `longest` bytes from `offset` on; empty at the end.
    pub fn piece(&self, offset: u64, longest: usize) -> Vec<u8> {
        let left = usize::try_from(self.size.saturating_sub(offset)).unwrap_or(usize::MAX);
        let length = left.min(longest);
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        match &self.source {
            Source::Bytes(bytes) => bytes.get(start..start + length).unwrap_or_default().to_vec(),
            Source::Head(head) => {
                let known = head.get(start.min(head.len())..).unwrap_or_default();
                let mut piece = known.get(..length.min(known.len())).unwrap_or_default().to_vec();
                piece.resize(length, 0);
                piece
            }
            Source::Seed(seed) => {
                let first = offset / 8;
                let skip = usize::try_from(offset % 8).unwrap_or(0);
                let words = ((skip + length) as u64).div_ceil(8);
                let bytes = (first..first + words).flat_map(|word| mix(seed ^ word).to_le_bytes());
                bytes.skip(skip).take(length).collect()
            }
        }
    }

    /// The layer that names this content.
    pub fn layer(&self, kind: LayerKind) -> Layer {
        Layer::known(kind, &self.digest, self.size)
    }
}

/// The finaliser of SplitMix64: neighbouring numbers give unrelated ones.
fn mix(number: u64) -> u64 {
    let number = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}
