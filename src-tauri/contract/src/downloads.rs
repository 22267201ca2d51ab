//! The download queue.

use serde::{Deserialize, Serialize};

use crate::{
    InstanceId, JobId, ModelId, TaskId, Timestamp, WireError,
    command::Nothing,
    commands,
    progress::{Progress, WaitReason},
    status::words,
};

mod preflight;

pub use preflight::{
    Basis, CheckDownload, CleanUp, DiskCheck, Fit, MemoryCheck, NetworkCheck, Preflight,
};

commands! { "downloads";
    /// What getting a model would take, before a byte of it moves.
    read Check = preflight(CheckDownload) -> Preflight,
    /// The whole queue in its order, then the finished ones.
    read List = list(Nothing) -> QueueView,
    write Pause = pause(JobIds) -> Changed,
    /// Also retries failed ones.
    write Resume = resume(JobIds) -> Changed,
    /// Takes jobs out of the queue; a model that has no other reason to be listed goes with it.
    write Cancel = cancel(JobIds) -> Changed,
    /// Puts a job before another of the same priority, or at the end of it.
    write Move = move(MoveJob) -> Changed,
    write SetPriority = set_priority(JobPriority) -> Changed,
    /// How many run at once.
    write SetLimit = set_limit(QueueLimit) -> Changed,
    write PauseAll = pause_all(Nothing) -> Changed,
    write ResumeAll = resume_all(Nothing) -> Changed,
    /// Forgets finished and cancelled entries; files are not touched.
    write ClearFinished = clear_finished(Nothing) -> Changed,
}

/// Names some jobs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobIds {
    pub ids: Vec<JobId>,
}

/// How many jobs were changed; those in a state that does not allow it are left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    pub changed: u32,
}

/// Puts a job somewhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoveJob {
    pub id: JobId,
    /// `None` = to the end of its priority.
    pub before: Option<JobId>,
}

/// Changes a priority.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobPriority {
    pub id: JobId,
    pub priority: Priority,
}

/// Limits of the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueueLimit {
    /// Jobs at once per instance, 1 to 16.
    pub parallel: u32,
}

words! {
    /// Which job comes first.
    Priority {
        High = "high",
        Normal = "normal",
        Low = "low",
    }
}

#[expect(clippy::derivable_impls, reason = "the list macro has no place for a default")]
impl Default for Priority {
    fn default() -> Self {
        Priority::Normal
    }
}

words! {
    /// Where a job stands.
    JobState {
        Queued = "queued",
        Running = "running",
        Paused = "paused",
        Done = "done",
        Failed = "failed",
        Cancelled = "cancelled",
    }
}

/// One entry of the queue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobView {
    pub id: JobId,
    pub model: ModelId,
    pub instance: InstanceId,
    pub name: String,
    pub priority: Priority,
    pub state: JobState,
    /// Place in the whole queue, from 1; `None` when not waiting or running.
    pub position: Option<u32>,
    pub wait: Option<WaitReason>,
    pub progress: Progress,
    /// Failed tries in a row, without progress in between.
    pub attempts: u32,
    pub problem: Option<WireError>,
    pub task: Option<TaskId>,
    pub created_at: Timestamp,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
    /// Estimated from the measured speed; `None` while nothing was measured.
    pub starts_at: Option<Timestamp>,
    pub ends_at: Option<Timestamp>,
}

/// The queue with its figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QueueView {
    pub jobs: Vec<JobView>,
    pub metrics: QueueMetrics,
}

/// Figures of the whole queue.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueueMetrics {
    pub running: u32,
    pub waiting: u32,
    pub paused: u32,
    pub failed: u32,
    /// Bytes per second of all running jobs.
    pub speed: u64,
    /// Bytes there and in all, of running and waiting jobs whose size is known.
    pub done: u64,
    pub total: u64,
    pub left_seconds: Option<u64>,
    /// Mean wait of the last 50 started jobs, in ms.
    pub mean_wait_ms: Option<u64>,
    /// Bytes moved in the last hour.
    pub last_hour: u64,
    pub parallel: u32,
}
