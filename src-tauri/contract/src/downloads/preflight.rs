//! What a download would take, before a byte of it moves.

use serde::{Deserialize, Serialize};

use crate::{
    InstanceId, ModelId, WireError,
    fit::{Evictable, KvCache, Shape},
    status::words,
};

/// Asks what getting a model would take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckDownload {
    pub instance: InstanceId,
    /// Any form that [`crate::name::ModelName::parse_loose`] understands.
    pub name: String,
    /// Plain http to the registry.
    #[serde(default)]
    pub insecure: bool,
    /// How it would be run.
    #[serde(default)]
    pub shape: Shape,
}

/// What getting a model would take. `None` = not known, for a reason that is among the warnings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Preflight {
    /// As Ollama displays it.
    pub name: String,
    /// Host it comes from.
    pub registry: String,
    /// Bytes of all layers.
    pub total: Option<u64>,
    /// Bytes of the layers that the server does not have.
    pub missing: Option<u64>,
    /// Layers, and those that have to be moved.
    pub layers: u32,
    pub missing_layers: u32,
    /// Such as `3.2B`.
    pub parameters: Option<String>,
    /// Such as `Q4_K_M`.
    pub quantization: Option<String>,
    /// First line of the licence.
    pub license: Option<String>,
    pub disk: DiskCheck,
    pub memory: MemoryCheck,
    pub network: NetworkCheck,
    /// What `models.create` answers unless it is forced.
    pub refusal: Option<WireError>,
    /// What could not be checked, and what may go wrong.
    pub warnings: Vec<WireError>,
    /// What would make room, the least painful first; empty when there is enough.
    pub clean_up: Vec<CleanUp>,
}

/// Room where the models are kept, in bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DiskCheck {
    /// The folder that holds the models.
    pub path: Option<String>,
    pub free: Option<u64>,
    pub total: Option<u64>,
    /// Stays free whatever is downloaded.
    pub reserve: u64,
}

/// Memory that running the model takes, estimated, against what this machine has, in bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MemoryCheck {
    pub fit: Fit,
    /// Weights, context and buffers.
    pub needed: Option<u64>,
    /// The estimate may be wrong by this much.
    pub margin: u64,
    /// Tokens of context that it was reckoned with.
    pub context_length: Option<u64>,
    /// What the context is kept in, and for how many requests at once.
    pub cache: KvCache,
    pub parallel: u32,
    pub basis: Basis,
    /// Loads that the estimate was corrected by; 0 = none.
    pub loads: u32,
    /// Parts of what is needed: weights, context, buffers.
    pub weights: u64,
    pub context_bytes: Option<u64>,
    pub buffers: u64,
    /// Longest context that it was made for.
    pub longest_context: Option<u64>,
    /// Experts of a mixture: all lie in memory, this many work on a token.
    pub experts: Option<(u64, u64)>,
    /// Layers that only remember the last tokens, when that was reckoned with.
    pub windowed_layers: Option<u64>,
    pub vram_free: Option<u64>,
    pub vram_total: Option<u64>,
    pub ram_free: Option<u64>,
    pub ram_total: Option<u64>,
    /// Loaded models that the server may let go for it.
    pub evictable: Vec<Evictable>,
    /// Where it would run without those.
    pub fit_evicted: Fit,
}

words! {
    /// Where a model would run.
    Fit {
        Gpu = "gpu",
        /// Partly on the GPU.
        Split = "split",
        Cpu = "cpu",
        /// When other models and programs let go of memory.
        Later = "later",
        TooLarge = "tooLarge",
        Unknown = "unknown",
    }
}

words! {
    /// What an estimate of memory rests on.
    Basis {
        /// Layers, heads and lengths from the head of the file.
        Head = "head",
        /// The size of the file alone.
        Size = "size",
        /// The server said what this very model took.
        Measured = "measured",
        /// Head or size, corrected by what other models took on this server.
        Learned = "learned",
        Nothing = "nothing",
    }
}

/// How the registry answers and how long the download would take.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NetworkCheck {
    pub reachable: bool,
    /// Until the registry had answered, in ms.
    pub latency_ms: Option<u64>,
    /// Bytes per second.
    pub speed: Option<u64>,
    /// Measured on downloads before; otherwise on a short piece of this model.
    pub by_experience: bool,
    /// Seconds for what is missing, at that speed.
    pub seconds: Option<u64>,
}

/// One thing that would make room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CleanUp {
    /// The model to delete; `None` stands for what interrupted downloads left behind, which a
    /// server removes when it starts.
    pub model: Option<ModelId>,
    pub name: String,
    /// Bytes that it frees.
    pub bytes: u64,
}
