//! One model seen closely, and what happened to it.

use serde::{Deserialize, Serialize};

use super::ModelRow;
use crate::{
    InstanceId, ModelId, Timestamp, WireError,
    checks::{CheckResult, SmokeResult},
    status::{Cause, Status},
    tasks::TaskView,
};

/// Everything about one model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ModelDetail {
    pub row: ModelRow,
    /// `None` when the server never told and cannot be asked.
    pub show: Option<ShowInfo>,
    /// Set when `show` is a copy because the instance is offline or told nothing that can be read.
    pub cached_at: Option<Timestamp>,
    /// Why `show` is not what the server tells now: `STRUCT_TRANSFORM` with the raw text for an
    /// answer that cannot be read, else what the server refused with.
    #[serde(default)]
    pub problem: Option<WireError>,
    /// Layers, when the store or the registry's manifest could be read.
    pub layers: Vec<LayerInfo>,
    /// Bytes that no other model of the instance uses.
    pub exclusive: Option<u64>,
    pub last_task: Option<TaskView>,
    /// What the last check of these files found.
    #[serde(default)]
    pub check: Option<CheckResult>,
    #[serde(default)]
    pub smoke: Option<SmokeResult>,
    pub history: Vec<HistoryEntry>,
}

/// The parsed answer of `/api/show`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ShowInfo {
    pub format: Option<String>,
    pub family: Option<String>,
    pub families: Vec<String>,
    pub parameter_size: Option<String>,
    pub quantization: Option<String>,
    pub parent_model: Option<String>,
    pub architecture: Option<String>,
    pub parameter_count: Option<u64>,
    pub context_length: Option<u64>,
    pub embedding_length: Option<u64>,
    pub capabilities: Vec<String>,
    pub template: Option<String>,
    pub system: Option<String>,
    /// Name and value in the order of the answer; a name may repeat (`stop`).
    pub parameters: Vec<(String, String)>,
    pub license: Option<String>,
    pub modelfile: Option<String>,
    pub modified_at: Option<Timestamp>,
    pub requires: Option<String>,
    pub remote_host: Option<String>,
    pub remote_model: Option<String>,
}

/// One layer of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LayerInfo {
    /// `model`, `template`, `license` …
    pub kind: String,
    /// `sha256:` and 64 hex digits.
    pub digest: String,
    pub bytes: u64,
    /// Other models of the instance that use it.
    pub shared_with: Vec<String>,
}

/// Restricts [`call::History`](super::call::History).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HistoryRequest {
    pub model: Option<ModelId>,
    /// Entries older than this id; `None` = from the newest.
    pub before: Option<i64>,
    /// 1 to 500; 0 means 100.
    pub limit: u32,
}

/// State changes, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryPage {
    pub items: Vec<HistoryEntry>,
    pub more: bool,
}

/// One change of state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HistoryEntry {
    pub id: i64,
    pub model: ModelId,
    pub name: String,
    pub instance: InstanceId,
    /// `None` = first seen.
    pub from: Option<Status>,
    pub to: Status,
    pub at: Timestamp,
    pub cause: Cause,
    /// Raw text, such as a runner's exit message.
    pub note: String,
}
