//! What the core tells its windows, in one order.

use serde::{Deserialize, Serialize};

use crate::{
    InstanceId, JobId, ModelId,
    app::{HostFacts, Notice, Subsystem},
    downloads::{JobView, QueueMetrics},
    installs::InstallsView,
    instances::InstanceView,
    labels::LabelsView,
    models::{BatchView, ModelCounts, ModelRow},
    progress::Progress,
    resources::ResourcesView,
    running::Trial,
    serverlogs::{AddedLines, LogSearch},
    settings::Settings,
    storage::StorageStatus,
    sync::{SyncProgress, SyncReport},
    tasks::TaskView,
};

/// An event with its place in the order. Numbers rise by one; a gap means: take a new snapshot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Envelope {
    pub seq: u64,
    pub event: AppEvent,
}

/// Each payload is the new state of a thing, so that applying one twice is harmless.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data", rename_all = "kebab-case")]
pub enum AppEvent {
    Instance(Box<InstanceView>),
    InstanceRemoved(InstanceId),
    /// Versions of Ollama on this machine, or the server that runs of them.
    Installs(Box<InstallsView>),
    /// New state of some rows.
    Models(Vec<ModelRow>),
    ModelsRemoved(Vec<ModelId>),
    /// So many rows of an instance changed that asking again is cheaper; `None` = all.
    ModelsReload(Option<InstanceId>),
    Counts(ModelCounts),
    /// Tags, favourites and saved views.
    Labels(LabelsView),
    Job(Box<JobView>),
    JobRemoved(JobId),
    /// Live figures; between two of these the rest of a job does not change.
    Progress(Vec<Progress>),
    Queue(QueueMetrics),
    Task(Box<TaskView>),
    Batch(BatchView),
    Sync(SyncProgress),
    SyncDone(SyncReport),
    Notice(Notice),
    Settings(Settings),
    Subsystem(Subsystem),
    Storage(StorageStatus),
    Host(HostFacts),
    /// What is left of this machine.
    Resources(ResourcesView),
    /// How far a test prompt is.
    Trial(Box<Trial>),
    /// Files of an instance came or went: a look at its disk is out of date.
    DiskChanged(InstanceId),
    /// Lines were added to the log of a server that is followed.
    LogLines(AddedLines),
    LogSearch(LogSearch),
    /// How a server is or has been is something else now: a report on it is out of date.
    HealthChanged(InstanceId),
    /// The receiver fell behind: take a new snapshot.
    Resync,
}
