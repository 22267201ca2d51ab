//! One operation over many models.

use serde::{Deserialize, Serialize};

use crate::{BatchId, ModelId, TaskId, Timestamp, WireError, running::StartPreview};

crate::status::words! {
    /// Operations over many models.
    BatchOp {
        Start = "start",
        Stop = "stop",
        Delete = "delete",
        Recreate = "recreate",
        /// Reads every layer and compares it with its digest.
        Verify = "verify",
    }
}

/// What a batch would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchPreview {
    pub items: Vec<BatchPreviewItem>,
    /// Bytes of those that are not skipped, as far as known.
    pub bytes: u64,
    /// What starting them one after the other would do, present when models have to go for it: of
    /// the first instance where that is so.
    #[serde(default)]
    pub start: Option<StartPreview>,
}

/// What a batch would do with one model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchPreviewItem {
    pub model: ModelId,
    pub name: String,
    pub bytes: Option<u64>,
    /// Why it would be skipped.
    pub skipped: Option<WireError>,
}

/// Asks for one operation over many models.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchOperate {
    pub op: BatchOp,
    pub ids: Vec<ModelId>,
}

/// A batch as the task centre shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchView {
    pub id: BatchId,
    pub op: BatchOp,
    pub items: Vec<BatchItem>,
    pub started_at: Timestamp,
    pub finished_at: Option<Timestamp>,
    /// Until when it can be taken back (delete only).
    pub undo_until: Option<Timestamp>,
    pub undone: bool,
}

/// One model of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchItem {
    pub model: ModelId,
    pub name: String,
    pub state: ItemState,
    pub task: Option<TaskId>,
    /// Why it failed or was skipped.
    pub problem: Option<WireError>,
}

crate::status::words! {
    /// How far one item of a batch is.
    ItemState {
        Waiting = "waiting",
        Working = "working",
        Done = "done",
        Skipped = "skipped",
        Failed = "failed",
        Cancelled = "cancelled",
    }
}
