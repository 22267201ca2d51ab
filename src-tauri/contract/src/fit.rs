//! Whether a model fits into memory: what it needs for a context, and who has the memory now.

use serde::{Deserialize, Serialize};

use crate::{InstanceId, ModelId, commands, downloads::MemoryCheck, status::words};

commands! { "fit";
    /// What running a model would take.
    read Estimate = estimate(EstimateFit) -> MemoryCheck,
}

words! {
    /// How exactly the context is kept; set for a whole server (`OLLAMA_KV_CACHE_TYPE`).
    KvCache {
        F16 = "f16",
        Q8_0 = "q8_0",
        Q4_0 = "q4_0",
    }
}

#[expect(clippy::derivable_impls, reason = "the list macro has no place for a default")]
impl Default for KvCache {
    fn default() -> Self {
        KvCache::F16
    }
}

impl KvCache {
    /// Bytes of so many values.
    #[must_use]
    pub fn bytes(self, values: u64) -> u64 {
        // Blocks of 32: 64 bytes, 32 and a scale, 16 and a scale.
        let block = match self {
            KvCache::F16 => 64,
            KvCache::Q8_0 => 34,
            KvCache::Q4_0 => 18,
        };
        values.div_ceil(32).saturating_mul(block)
    }
}

/// How a model would be run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Shape {
    /// Tokens; `None` = as many as the server takes by itself.
    pub context: Option<u64>,
    pub cache: KvCache,
    /// Requests at once, 1 to 64, each with a context of its own; 0 means 1.
    pub parallel: u32,
}

/// Asks what running a model would take. One of `model` and `name`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EstimateFit {
    pub instance: InstanceId,
    /// An installed one.
    #[serde(default)]
    pub model: Option<ModelId>,
    /// One that its registry has.
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default)]
    pub shape: Shape,
}

/// A loaded model that would make room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evictable {
    pub name: String,
    /// Bytes in all, and those of them on the GPU.
    pub bytes: u64,
    pub vram: u64,
}
