//! Comparing what Corral knows with what a server has.

use serde::{Deserialize, Serialize};

use crate::{
    InstanceId, ModelId, TaskId, Timestamp, WireError, commands, instances::InstanceRef,
    status::words,
};

commands! { "sync";
    /// Compares now. One at a time per instance; a second call joins the running one.
    write Run = run(InstanceRef) -> SyncReport,
    /// Stops a running one; what it did stays.
    write Cancel = cancel(InstanceRef) -> Stopped,
    /// The user agrees that the server is really empty: marks all its models unavailable.
    write ConfirmEmpty = confirm_empty(InstanceRef) -> SyncReport,
    /// Past reports, newest first.
    read History = history(SyncHistoryRequest) -> SyncHistory,
    /// One past report, with its items.
    read Report = report(SyncReportRef) -> SyncReport,
}

/// Whether something was there to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stopped {
    pub stopped: bool,
}

words! {
    /// What asked for a sync.
    Trigger {
        User = "user",
        AppStart = "appStart",
        Interval = "interval",
        /// After an operation of ours.
        Operation = "operation",
        /// The instance came back.
        Recovered = "recovered",
    }
}

/// What a sync found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SyncReport {
    pub id: i64,
    pub instance: InstanceId,
    pub trigger: Trigger,
    pub added: u32,
    pub updated: u32,
    pub removed: u32,
    pub unchanged: u32,
    /// Per item; partial results are kept.
    pub errors: Vec<WireError>,
    /// At most 1,000; the counts above are whole.
    pub items: Vec<SyncItem>,
    pub started_at: Timestamp,
    /// In ms.
    pub duration_ms: u64,
    pub task: Option<TaskId>,
    /// The server's list was suddenly empty; nothing was marked.
    pub asks_empty: bool,
}

/// One model that a sync changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncItem {
    pub model: Option<ModelId>,
    pub name: String,
    pub change: Change,
}

words! {
    /// What happened to it.
    Change {
        Added = "added",
        Updated = "updated",
        Removed = "removed",
    }
}

/// Restricts [`call::History`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SyncHistoryRequest {
    pub instance: Option<InstanceId>,
    /// 1 to 200; 0 means 50.
    pub limit: u32,
}

/// Names a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncReportRef {
    pub id: i64,
}

/// Past reports without their items.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncHistory {
    pub items: Vec<SyncReport>,
}

/// Progress of a running sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncProgress {
    pub instance: InstanceId,
    pub running: bool,
    pub done: u32,
    pub total: u32,
}
