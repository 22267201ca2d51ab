//! Taking models elsewhere: into one file and out of it, to another server, and as a list of names.

use serde::{Deserialize, Serialize};

use crate::{
    InstanceId, ModelId, TaskId, Timestamp, WireError, commands,
    models::{ModelRefs, OpRef},
    status::words,
    tasks::{TaskKind, TaskRef},
};

commands! { "bundles";
    /// What a file with these models would hold.
    read PreviewExport = preview_export(ModelRefs) -> ExportPreview,
    /// Writes models into one file; follow it as a task.
    write Export = export(ExportModels) -> OpRef,
    /// What is in such a file, compared with what an instance has. Reads its table only.
    read Inspect = inspect(InspectBundle) -> BundleView,
    /// Brings models of such a file to an instance; follow it as a task.
    write Import = import(ImportModels) -> OpRef,
    /// What copying models to another instance would take.
    read PreviewCopy = preview_copy(CopyTarget) -> CopyPreview,
    /// Copies models to another instance; follow it as a task.
    write Copy = copy(CopyModels) -> OpRef,
    /// How an export, import or copy ended, model by model; also while it runs.
    read Outcome = outcome(TaskRef) -> MoveOutcome,
    /// Writes the names of an instance's models into a file.
    write SaveList = save_list(ListTarget) -> SavedList,
    /// What restoring such a list to an instance would do.
    read PreviewList = preview_list(InspectBundle) -> ListPreview,
    /// Puts downloads for missing models of such a list into the queue.
    write RestoreList = restore_list(ChosenNames) -> RestoredList,
}

/// How a file of models ends, with its dot.
pub const BUNDLE_ENDING: &str = ".corral.tar";

/// What a file with some models would hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExportPreview {
    pub items: Vec<ExportItem>,
    /// Bytes of the whole file; layers that several models share are in it once.
    pub bytes: u64,
    /// A name for the file.
    pub file_name: String,
}

/// One model of an [`ExportPreview`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExportItem {
    pub model: ModelId,
    pub name: String,
    /// Bytes of its layers, shared ones too.
    pub bytes: Option<u64>,
    /// Why it cannot be written.
    pub problem: Option<WireError>,
}

/// Asks to write models into one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExportModels {
    pub ids: Vec<ModelId>,
    /// Full path of the file to be.
    pub path: String,
    /// A file of that name may be replaced, once the new one is whole.
    #[serde(default)]
    pub overwrite: bool,
    /// What was written stays when it is cancelled, so that the next export of the same goes on.
    #[serde(default)]
    pub keep_part: bool,
}

/// Names a file and the instance it is compared with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InspectBundle {
    /// Full path on this machine.
    pub path: String,
    pub instance: InstanceId,
}

/// What is in a file of models.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BundleView {
    /// Bytes of the file.
    pub bytes: u64,
    pub items: Vec<BundleItem>,
    /// Bytes that have to come for all items that are not there as they are.
    pub missing: u64,
    /// Free where the models are; `None` = cannot be seen.
    pub free: Option<u64>,
    /// Whether files go straight into the models folder; otherwise they are uploaded.
    pub direct: bool,
}

/// One model in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BundleItem {
    /// As Ollama displays it.
    pub name: String,
    /// 64 hex digits of its manifest.
    pub digest: String,
    /// Bytes of its layers.
    pub bytes: u64,
    /// Of those, bytes that the instance does not have; `None` = it did not say.
    pub missing: Option<u64>,
    pub there: There,
    pub way: Way,
    /// Why it cannot be brought at all.
    pub problem: Option<WireError>,
}

words! {
    /// What an instance has under the name of a model that is to come.
    There {
        /// Nothing.
        Nothing = "nothing",
        /// The very same model.
        Same = "same",
        /// Another model; it would be replaced.
        Other = "other",
        /// The instance does not answer and its folder cannot be seen.
        Unknown = "unknown",
    }
}

words! {
    /// How a model gets onto the list of the other side.
    Way {
        /// Layers and manifest are written into its models folder.
        Store = "store",
        /// Layers are uploaded; the server gets the manifest from the registry.
        Registry = "registry",
        /// Layers are uploaded and the server makes a new model of them: its digest is another one.
        Rebuild = "rebuild",
    }
}

/// What to bring of a file, and under which names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImportModels {
    pub path: String,
    pub instance: InstanceId,
    pub items: Vec<ImportItem>,
    /// Models that the server cannot take as they are may be made anew there.
    #[serde(default)]
    pub rebuild: bool,
}

/// One model to bring.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImportItem {
    /// As [`BundleItem::name`] says.
    pub name: String,
    /// Another name for it.
    #[serde(default)]
    pub rename: Option<String>,
    /// What is there under that name may be replaced.
    #[serde(default)]
    pub overwrite: bool,
}

/// Which models would go where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopyTarget {
    pub ids: Vec<ModelId>,
    pub to: InstanceId,
}

/// What a copy would take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CopyPreview {
    pub items: Vec<CopyItem>,
    /// Bytes that have to move; layers that several models share count once.
    pub missing: u64,
    /// Free on the other side; `None` = cannot be seen.
    pub free: Option<u64>,
}

/// One model of a [`CopyPreview`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CopyItem {
    pub model: ModelId,
    #[serde(flatten)]
    pub item: BundleItem,
}

/// Asks to copy models to another instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CopyModels {
    pub ids: Vec<ModelId>,
    pub to: InstanceId,
    /// Models of the same names may be replaced.
    #[serde(default)]
    pub overwrite: bool,
    /// Models that the server cannot take as they are may be made anew there.
    #[serde(default)]
    pub rebuild: bool,
}

/// How it went with each model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MoveOutcome {
    pub task: TaskId,
    pub kind: TaskKind,
    /// `None` while it runs.
    pub finished_at: Option<Timestamp>,
    pub items: Vec<MovedItem>,
}

/// How it went with one model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MovedItem {
    pub name: String,
    pub state: MoveState,
    #[serde(default)]
    pub problem: Option<WireError>,
}

words! {
    /// What became of one model.
    MoveState {
        Waiting = "waiting",
        Done = "done",
        /// The other side had it already.
        Present = "present",
        /// Made anew on the other side: other bytes, other digest.
        Rebuilt = "rebuilt",
        Failed = "failed",
    }
}

/// Asks to write the names of models into a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListTarget {
    /// Full path of the file to be.
    pub path: String,
    pub instance: InstanceId,
    #[serde(default)]
    pub overwrite: bool,
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedList {
    pub models: u32,
}

/// A list of names compared with what an instance has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListPreview {
    pub items: Vec<ListItem>,
}

/// One name of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListItem {
    /// As Ollama displays it, or as it was written when it is no name.
    pub name: String,
    pub state: ListState,
    /// As the list says; `None` = it does not.
    pub bytes: Option<u64>,
    /// Why it is no name, a key under `reason.`.
    pub reason: Option<String>,
}

words! {
    /// What restoring does with one name.
    ListState {
        /// It is there.
        Present = "present",
        /// It is there, but not the one that the list tells of.
        Differs = "differs",
        /// A download would be put into the queue.
        Missing = "missing",
        /// It is in the queue.
        Queued = "queued",
        /// It is no name of a model.
        Invalid = "invalid",
    }
}

/// Asks to fetch models of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChosenNames {
    pub path: String,
    pub instance: InstanceId,
    /// Which of them; the ones that are there already are left alone.
    pub names: Vec<String>,
}

/// What was put into the queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RestoredList {
    pub queued: u32,
    /// There already, or in the queue already.
    pub present: u32,
    pub failed: Vec<MovedItem>,
}
