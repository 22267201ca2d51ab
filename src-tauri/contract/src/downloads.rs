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
    /// Puts jobs before everything that waits, in the order given.
    write Next = next(JobIds) -> Changed,
    /// Limits the speed of one job.
    write SetJobLimit = set_job_limit(JobLimit) -> Changed,
    /// What moved in the last hours.
    read Hours = hours(HoursBack) -> HourlyFigures,
    /// What this machine tells about its connection and whether somebody works at it.
    read Conditions = conditions(Nothing) -> ConditionsNow,
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

/// Limits one job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobLimit {
    pub id: JobId,
    /// Kilobytes per second; 0 = no limit of its own; at most 10,000,000. Holds only for what
    /// Corral moves itself.
    pub kb: u32,
}

/// How far back figures are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HoursBack {
    /// Hours, the current one included, 1 to 720.
    pub hours: u32,
}

/// Figures by the hour.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HourlyFigures {
    /// Oldest first, without gaps; the last one is the current hour.
    pub hours: Vec<Hour>,
}

/// What happened in one hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hour {
    /// When it began.
    pub at: Timestamp,
    /// Bytes that came.
    pub bytes: u64,
    /// Jobs that were started, and how long these had waited altogether, in ms.
    pub started: u32,
    pub waited_ms: u64,
    pub done: u32,
    pub failed: u32,
    /// Most jobs that ran or waited at once.
    pub longest: u32,
}

/// What this machine tells. `None` = its system does not say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConditionsNow {
    /// The connection is paid by volume.
    pub metered: Option<bool>,
    /// Seconds since the last key or movement of the mouse.
    pub idle_seconds: Option<u64>,
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
    /// Its own limit in kilobytes per second; 0 = none.
    #[serde(default)]
    pub limit_kb: u32,
    /// It was asked for over plain http.
    #[serde(default)]
    pub insecure: bool,
    /// Its model is loaded when it is there.
    #[serde(default)]
    pub start_when_done: bool,
    /// The server's own puller moves the bytes: no limit of Corral's holds.
    #[serde(default)]
    pub by_server: bool,
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
    /// Bytes per second that all jobs together may bring now; `None` = no limit.
    #[serde(default)]
    pub limit: Option<u64>,
    /// When another limit begins to hold, by the windows that are set.
    #[serde(default)]
    pub limit_until: Option<Timestamp>,
    /// Why all of them wait: the connection, or somebody at the machine.
    #[serde(default)]
    pub hold: Option<WaitReason>,
}
