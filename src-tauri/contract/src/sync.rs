//! Comparing what Corral knows with what a server has.

use serde::{Deserialize, Serialize};

use crate::{
    InstanceId, ModelId, TaskId, Timestamp, WireError, commands, instances::InstanceRef,
    status::words,
};

mod schedule;

pub use schedule::{
    Held, MOST_JITTER, MOST_MINUTES, Rhythm, Schedule, SchedulePreview, ScheduleView, SetSchedule,
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
    /// What changed from one report to a later one of the same instance.
    read Compare = compare(CompareReports) -> Comparison,
    /// When an instance is compared by itself.
    read ReadSchedule = read_schedule(InstanceRef) -> ScheduleView,
    /// Gives an instance a schedule of its own, or takes it away.
    write SaveSchedule = save_schedule(SetSchedule) -> ScheduleView,
    /// The next runs of a schedule that is being written; changes nothing.
    read Preview = preview(Schedule) -> SchedulePreview,
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
        /// A time of its schedule.
        Schedule = "schedule",
        /// This machine slept.
        Wake = "wake",
        /// The one before failed.
        Retry = "retry",
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
    /// It came to its end; otherwise it failed, or was stopped.
    pub completed: bool,
}

/// One model that a sync changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncItem {
    pub model: Option<ModelId>,
    pub name: String,
    pub change: Change,
    /// What differs; empty in reports of versions that did not keep it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldChange>,
}

words! {
    /// What happened to it.
    Change {
        Added = "added",
        Updated = "updated",
        Removed = "removed",
    }
}

/// One thing that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldChange {
    pub field: SyncField,
    /// `None` = not told, or not there.
    pub before: Option<String>,
    pub after: Option<String>,
}

words! {
    /// What a sync compares of a model. Sizes are bytes, times ms since 1970, as decimal numbers.
    SyncField {
        Digest = "digest",
        Size = "size",
        Modified = "modified",
        Parameters = "parameters",
        Quantization = "quantization",
        Family = "family",
        Context = "context",
        Capabilities = "capabilities",
        Name = "name",
        /// It was away, and is there again.
        Files = "files",
    }
}

/// Restricts [`call::History`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SyncHistoryRequest {
    pub instance: Option<InstanceId>,
    pub trigger: Option<Trigger>,
    pub result: Option<SyncResult>,
    /// Only reports with a smaller id: the next page.
    pub before: Option<i64>,
    /// 1 to 200; 0 means 50.
    pub limit: u32,
}

words! {
    /// How a sync ended.
    SyncResult {
        /// Without errors, and something was different.
        Changed = "changed",
        /// Without errors and differences.
        Unchanged = "unchanged",
        /// With at least one error; what could be compared was.
        Failed = "failed",
        /// Somebody stopped it.
        Stopped = "stopped",
    }
}

impl SyncReport {
    /// How it ended.
    #[must_use]
    pub fn result(&self) -> SyncResult {
        if !self.errors.is_empty() {
            SyncResult::Failed
        } else if !self.completed {
            SyncResult::Stopped
        } else if self.added + self.updated + self.removed > 0 {
            SyncResult::Changed
        } else {
            SyncResult::Unchanged
        }
    }
}

/// Two reports of one instance, in any order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompareReports {
    pub one: i64,
    pub other: i64,
}

/// The differences between the lists that two syncs found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comparison {
    pub earlier: SyncReport,
    pub later: SyncReport,
    /// Per model, what all syncs after the earlier one up to the later one changed together. A
    /// model that came and went again is not among them.
    pub items: Vec<SyncItem>,
    /// Every change is known. A report keeps at most 1,000 items.
    pub whole: bool,
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
    /// There are older ones.
    pub more: bool,
}

/// Progress of a running sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncProgress {
    pub instance: InstanceId,
    pub running: bool,
    pub done: u32,
    pub total: u32,
}
