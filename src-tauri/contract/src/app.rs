//! The whole picture, from which a window starts and to which it returns after a gap.

use serde::{Deserialize, Serialize};

use crate::{
    Timestamp, WireError,
    command::Nothing,
    commands,
    downloads::QueueView,
    installs::InstallsView,
    instances::InstanceView,
    labels::LabelsView,
    models::{BatchView, ModelCounts},
    resources::ResourcesView,
    settings::Settings,
    status::words,
    storage::StorageStatus,
    sync::SyncProgress,
    tasks::TaskView,
};

commands! { "app";
    /// Everything a window needs, with the number of the last event it contains.
    read Snapshot = snapshot(Nothing) -> SnapshotView,
    /// Whether the window shows: polls are slower while it does not.
    read SetVisible = set_visible(Visible) -> Nothing,
}

/// Whether the window shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visible {
    pub visible: bool,
}

/// State of everything but the rows of the model list, which come in pages from `models.search`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SnapshotView {
    pub seq: u64,
    pub version: String,
    pub now: Timestamp,
    pub instances: Vec<InstanceView>,
    #[serde(default)]
    pub installs: InstallsView,
    pub counts: ModelCounts,
    #[serde(default)]
    pub labels: LabelsView,
    pub queue: QueueView,
    /// Running ones and the last 50 finished.
    pub tasks: Vec<TaskView>,
    /// Running ones, those that can be taken back, and the last 10.
    pub batches: Vec<BatchView>,
    pub syncs: Vec<SyncProgress>,
    pub notices: Vec<Notice>,
    pub settings: Settings,
    pub subsystems: Vec<Subsystem>,
    pub storage: StorageStatus,
    pub host: HostFacts,
    #[serde(default)]
    pub resources: ResourcesView,
}

/// Memory and disk of this machine, measured, `None` where the system does not tell.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HostFacts {
    pub ram_used: Option<u64>,
    pub ram_total: Option<u64>,
    /// Of all processors together, in percent.
    #[serde(default)]
    pub cpu: Option<u8>,
    pub vram_used: Option<u64>,
    pub vram_total: Option<u64>,
    pub gpus: Vec<crate::instances::Gpu>,
}

/// One part of Corral that runs on its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Subsystem {
    /// Key under `subsystem.`; may end in `:` and an instance id.
    pub name: String,
    pub health: Health,
    /// Times it was started again since Corral started.
    pub restarts: u32,
    pub problem: Option<WireError>,
}

words! {
    /// How a subsystem is.
    Health {
        Ok = "ok",
        /// It fails and is started again.
        Degraded = "degraded",
        Stopped = "stopped",
    }
}

/// Something worth a notification; mirrored in the window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Notice {
    pub id: i64,
    pub at: Timestamp,
    pub kind: NoticeKind,
    /// Name of the model or instance.
    pub subject: String,
    pub problem: Option<WireError>,
}

words! {
    /// What a notice is about; text under `notice.<kind>`.
    NoticeKind {
        DownloadDone = "downloadDone",
        DownloadFailed = "downloadFailed",
        OperationFailed = "operationFailed",
        InstanceDown = "instanceDown",
        InstanceBack = "instanceBack",
        ModelCrashed = "modelCrashed",
        /// Corral started a server that was gone, and it answers.
        InstanceRestarted = "instanceRestarted",
        /// It could not be started; nothing more is tried.
        InstanceCritical = "instanceCritical",
        /// Its models left the graphics card.
        GpuLost = "gpuLost",
        /// A model is slower than it used to be.
        ModelSlower = "modelSlower",
        SyncFailing = "syncFailing",
        DatabaseRestored = "databaseRestored",
        /// Files could go; nobody touched them.
        CleanupProposed = "cleanupProposed",
        /// Files went by the rules that the user set.
        CleanedUp = "cleanedUp",
        /// Models that ran when Corral ended were loaded again.
        ModelsRestored = "modelsRestored",
        /// Something of this machine runs short; new work is held up.
        ResourceCritical = "resourceCritical",
        /// It is well again.
        ResourceWell = "resourceWell",
    }
}
