//! What the models of an instance take on its disk, what of it can go, and what was put away.

use serde::{Deserialize, Serialize};

use crate::{
    InstanceId, ModelId, TaskId, Timestamp, WireError, commands,
    instances::InstanceRef,
    models::{BatchRef, OpRef},
    status::words,
    tasks::TaskRef,
};

commands! { "disk";
    /// One look at the whole store: who takes how much, and what could go.
    read Look = look(LookAtDisk) -> DiskView,
    /// Removes what was chosen of a look; each is looked at once more. Follow it as a task.
    write Reclaim = reclaim(ReclaimItems) -> ReclaimRef,
    /// What became of each item of a reclaim.
    read Report = report(TaskRef) -> ReclaimReport,
    /// Deleted models that can be brought back.
    read Trash = trash(InstanceRef) -> TrashList,
    /// Brings deleted models back: blobs first, the manifest last, then the server is asked.
    write Restore = restore(TrashRefs) -> Restored,
    /// Deletes them for good.
    write EmptyTrash = empty_trash(TrashRefs) -> Emptied,
    /// Pinned models are never suggested and refuse to be deleted by the way.
    write Pin = pin(PinModels) -> Pinned,
}

/// Asks for a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LookAtDisk {
    pub instance: InstanceId,
    /// Models not used for so many days are suggested; 0 = none are. At most 3650.
    #[serde(default)]
    pub unused_days: u32,
}

words! {
    /// Where the figures of a look come from.
    DiskSource {
        /// The files themselves.
        Files = "files",
        /// The server's list: what each model needs alone, which does not add up.
        List = "list",
    }
}

/// What one look found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DiskView {
    pub instance: InstanceId,
    pub at: Timestamp,
    pub source: DiskSource,
    /// The models folder; `None` when it is not to be seen from here.
    pub path: Option<String>,
    /// Whether files there are ours to remove.
    pub writable: bool,
    /// Bytes free and in all on its file system; `None` = unknown.
    pub free: Option<u64>,
    pub total: Option<u64>,
    /// Every part with bytes, in the order of [`PartKind`].
    pub parts: Vec<DiskPart>,
    /// The models that take the most, the largest first; at most 200.
    pub models: Vec<DiskModel>,
    /// The models that are not among them.
    pub more: DiskRest,
    /// Manifests that nobody can read, by their path below `manifests`; at most 20. While there
    /// are any, nobody knows which blobs are needed.
    pub unreadable: Vec<String>,
    /// What could go, the largest of the safest first.
    pub items: Vec<ReclaimItem>,
    /// Why blobs without a model are not offered, when there are any.
    pub orphans_held: Option<OrphansHeld>,
    /// Since when Corral looks which models are used; `None` = not yet.
    pub watched_since: Option<Timestamp>,
    /// Models that were never seen in use since then: unknown, not unused.
    pub never_seen: u64,
    /// How long the look took, in ms.
    pub took_ms: u64,
}

words! {
    /// What bytes of a store belong to.
    PartKind {
        /// Layers of exactly one model.
        Models = "models",
        /// Layers of several models.
        Shared = "shared",
        /// Downloads that Ollama began.
        Partials = "partials",
        /// Downloads and repairs of Corral.
        Staging = "staging",
        /// Blobs that no manifest names.
        Orphans = "orphans",
        /// Deleted models that can be brought back.
        Trash = "trash",
        /// What was being written, and everything else in the folder.
        Other = "other",
    }
}

/// One part of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskPart {
    pub kind: PartKind,
    /// Bytes on the disk: a partial download is mostly holes.
    pub bytes: u64,
    /// Files, models or entries.
    pub count: u64,
}

/// A model on the disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DiskModel {
    /// `None` = the list does not have it yet.
    pub id: Option<ModelId>,
    pub name: String,
    /// Bytes of layers that only it has; `None` = unknown.
    pub exclusive: Option<u64>,
    /// Bytes of layers that others have, too; `None` = unknown.
    pub shared: Option<u64>,
    /// Bytes that it needs alone.
    pub bytes: u64,
    /// When it was last seen in use; `None` = never since Corral watches.
    pub last_used: Option<Timestamp>,
    pub pinned: bool,
}

/// Models that are only counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskRest {
    pub count: u64,
    /// Bytes of layers that only one of them has.
    pub bytes: u64,
}

words! {
    /// Why blobs without a model are not touched.
    OrphansHeld {
        /// A manifest cannot be read: its blobs look like nobody's.
        Unreadable = "unreadable",
        /// Something is being fetched or made: its blobs have no manifest yet.
        Busy = "busy",
        /// The folder is not ours to write.
        ReadOnly = "readOnly",
    }
}

words! {
    /// What can go.
    ReclaimKind {
        OllamaPartial = "ollamaPartial",
        Temporary = "temporary",
        Staged = "staged",
        SetAside = "setAside",
        /// A blob that no manifest names.
        Orphan = "orphan",
        /// A deleted model that could still be brought back.
        Trash = "trash",
        /// A model that was not used for long; goes the way of every delete.
        Model = "model",
    }
}

words! {
    /// What is lost with it.
    Safety {
        /// Nothing that anybody needs.
        Safe = "safe",
        /// A download would begin anew, or a copy is gone that was kept for a reason.
        Again = "again",
        /// A model.
        Model = "model",
    }
}

/// Something that can go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReclaimItem {
    /// Names it in [`ReclaimItems`].
    pub id: String,
    /// How it was when it was looked at: what changed since is left alone.
    pub mark: String,
    pub kind: ReclaimKind,
    pub safety: Safety,
    /// A path, or the name of a model.
    pub label: String,
    /// Models that it belonged to, as far as known.
    pub models: Vec<String>,
    /// Bytes that go with it.
    pub bytes: u64,
    pub changed_at: Option<Timestamp>,
    pub model: Option<ModelId>,
}

/// Asks to remove items of a look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReclaimItems {
    pub instance: InstanceId,
    pub items: Vec<ReclaimChoice>,
}

/// One chosen item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReclaimChoice {
    pub id: String,
    pub mark: String,
}

/// An accepted reclaim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReclaimRef {
    pub task: TaskId,
    /// The delete that models among them became; it has its own undo window.
    pub batch: Option<BatchRef>,
}

impl From<ReclaimRef> for OpRef {
    fn from(reclaim: ReclaimRef) -> OpRef {
        OpRef { task: reclaim.task }
    }
}

/// What became of a reclaim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReclaimReport {
    pub instance: InstanceId,
    pub at: Timestamp,
    /// Bytes that went, models not counted: they go after their undo window.
    pub bytes: u64,
    pub items: Vec<ReclaimResult>,
}

/// What became of one item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReclaimResult {
    pub id: String,
    pub kind: Option<ReclaimKind>,
    pub label: String,
    pub bytes: u64,
    pub outcome: ReclaimOutcome,
    pub problem: Option<WireError>,
}

words! {
    /// How it ended for one item.
    ReclaimOutcome {
        Removed = "removed",
        /// It became part of a delete.
        Handed = "handed",
        /// It is not what it was, or somebody uses it by now.
        Changed = "changed",
        Failed = "failed",
        /// The task was cancelled before.
        Left = "left",
    }
}

/// Deleted models that can be brought back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrashList {
    pub items: Vec<TrashEntry>,
}

/// One deleted model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TrashEntry {
    pub id: i64,
    pub name: String,
    /// Bytes that go when it alone does: what neither a model nor another entry holds.
    pub bytes: u64,
    pub at: Timestamp,
    /// When it goes by itself.
    pub until: Timestamp,
}

/// Names deleted models; an empty list means all of the instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrashRefs {
    pub instance: InstanceId,
    pub ids: Vec<i64>,
}

/// What was brought back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restored {
    pub names: Vec<String>,
    /// Whether the server lists them all; `false` when it could not be asked.
    pub listed: bool,
}

/// What was deleted for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Emptied {
    pub removed: u32,
    pub bytes: u64,
    /// They could not be removed now; they are tried again.
    pub left: u32,
}

/// Pins models, or lets them go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinModels {
    pub ids: Vec<ModelId>,
    pub pinned: bool,
}

/// How many changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pinned {
    pub changed: u32,
}
