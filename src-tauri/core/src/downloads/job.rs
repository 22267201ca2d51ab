//! One job: its row, and what only lives while Corral runs.

use std::sync::Arc;

use corral_contract::{
    InstanceId, JobId, ModelId, TaskId, Timestamp, WireError,
    downloads::{JobState, Priority},
    progress::{Phase, WaitReason},
    settings::Settings,
    status::Install,
};
use tokio::{sync::watch, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{JobOptions, fetch::Limits, meter::Meter};
use crate::tasks::Task;

/// What the database knows of a job, but for its figures.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Job {
    pub(super) id: JobId,
    pub(super) model: ModelId,
    pub(super) instance: InstanceId,
    /// As Ollama displays it.
    pub(super) name: String,
    pub(super) priority: Priority,
    /// Place inside its priority; need not be dense.
    pub(super) position: i64,
    pub(super) state: JobState,
    /// `None` while it runs or simply waits its turn.
    pub(super) wait: Option<WaitReason>,
    pub(super) options: JobOptions,
    /// Tries since the last progress.
    pub(super) attempts: u32,
    pub(super) problem: Option<WireError>,
    pub(super) task: Option<TaskId>,
    pub(super) created_at: Timestamp,
    pub(super) queued_at: Timestamp,
    pub(super) started_at: Option<Timestamp>,
    pub(super) finished_at: Option<Timestamp>,
    pub(super) retry_at: Option<Timestamp>,
}

impl Job {
    /// In the queue: waiting, running or paused.
    pub(super) fn is_open(&self) -> bool {
        is_open(self.state)
    }

    /// In the queue, or failed and still there to be tried again.
    pub(super) fn is_wanted(&self) -> bool {
        self.is_open() || self.state == JobState::Failed
    }

    /// What the queue sorts by.
    pub(super) fn order(&self) -> (Priority, i64, JobId) {
        (self.priority, self.position, self.id)
    }

    /// Back into the queue, to be tried as soon as its turn comes.
    pub(super) fn requeue(&mut self, now: Timestamp) {
        self.state = JobState::Queued;
        self.wait = None;
        self.problem = None;
        self.queued_at = now;
        self.finished_at = None;
        self.retry_at = None;
    }

    /// The phase that goes with its state when it does not run.
    pub(super) fn resting_phase(&self) -> Phase {
        match (self.state, &self.wait) {
            (JobState::Queued, Some(WaitReason::Retry { .. })) => Phase::BackingOff,
            (JobState::Queued | JobState::Running, _) => Phase::Waiting,
            (JobState::Paused, _) => Phase::Paused,
            (JobState::Done, _) => Phase::Done,
            (JobState::Failed, _) => Phase::Failed,
            (JobState::Cancelled, _) => Phase::Cancelled,
        }
    }
}

/// In the queue: waiting, running or paused.
pub(super) fn is_open(state: JobState) -> bool {
    matches!(state, JobState::Queued | JobState::Running | JobState::Paused)
}

/// What a model's row says while its job is in this state and phase; `None` leaves the row.
pub(super) fn install_of(state: JobState, phase: Phase) -> Option<Install> {
    match state {
        JobState::Queued => Some(Install::Queued),
        JobState::Running => match phase {
            Phase::Verifying | Phase::Registering => Some(Install::Verifying),
            _ => Some(Install::Downloading),
        },
        JobState::Paused => Some(Install::Paused),
        JobState::Failed => Some(Install::Failed),
        JobState::Done => Some(Install::Ready),
        JobState::Cancelled => None,
    }
}

/// A job in memory.
pub(super) struct Entry {
    pub(super) job: Job,
    pub(super) meter: Arc<Meter>,
    /// Cancelled to make the running attempt let go; present as long as it holds on to anything.
    pub(super) run: Option<CancellationToken>,
    /// Not tried before; monotonic, because the user's clock may jump.
    pub(super) not_before: Option<Instant>,
    /// The open task, while no attempt holds it.
    pub(super) task: Option<Task>,
    /// Since when it waits for its turn, if that was in this run of Corral.
    pub(super) waits_since: Option<Instant>,
    /// The furthest it had come when the last attempt began.
    pub(super) came_to: u64,
    /// Somebody wants it now, whatever the connection costs and whoever works at the machine.
    pub(super) insists: bool,
    /// What its attempts may use.
    pub(super) limits: watch::Sender<Limits>,
}

impl Entry {
    pub(super) fn new(job: Job, meter: Arc<Meter>) -> Entry {
        Entry {
            came_to: meter.done(),
            job,
            meter,
            run: None,
            not_before: None,
            task: None,
            waits_since: None,
            insists: false,
            limits: watch::Sender::default(),
        }
    }

    /// Brings what its attempts may use in line with the settings and its own limit.
    pub(super) fn limit(&self, settings: &Settings) {
        let own = self.job.options.limit_kb;
        let limits = Limits {
            bytes_per_second: (own > 0).then(|| u64::from(own) * 1000),
            connections: Some(settings.connections),
        };
        self.limits.send_if_modified(|last| std::mem::replace(last, limits) != limits);
    }

    /// Brings the shown phase in line with the state.
    pub(super) fn rest(&self) {
        self.meter.set_phase(self.job.resting_phase());
    }
}
