//! Models: finding them, running them, getting rid of them.

use serde::{Deserialize, Serialize};

use crate::{
    BatchId, InstanceId, JobId, ModelId, TaskId, Timestamp, WireError,
    checks::RowCheck,
    commands,
    downloads::Priority,
    labels::Label,
    progress::Progress,
    status::{Action, Install, Origin, Run, Status},
    updates::{RowUpdate, UpdateCounts},
};

mod batch;
mod detail;
mod table;

pub use batch::{
    BatchItem, BatchOp, BatchOperate, BatchPreview, BatchPreviewItem, BatchView, ItemState,
};
pub use detail::{HistoryEntry, HistoryPage, HistoryRequest, LayerInfo, ModelDetail, ShowInfo};
pub use table::{LIST_COLUMNS, ListExport, ListFormat};

commands! { "models";
    /// Finds models; see [`ModelSearchRequest`].
    read Search = search(ModelSearchRequest) -> ModelPage,
    /// How many models each filter chip would show.
    read Counts = counts(CountModels) -> ModelCounts,
    /// Puts a download into the queue.
    write Create = create(CreateModel) -> JobRef,
    /// Loads a model into memory. A second call while one runs answers the same operation.
    write Start = start(StartModel) -> OpRef,
    /// Unloads a model after its running requests have ended.
    write Close = close(ModelRef) -> OpRef,
    /// Stops, resets state and message, fetches what changed, starts again if it ran.
    write Recreate = recreate(ModelRef) -> OpRef,
    /// What a delete would do, before it is done.
    read PreviewDelete = preview_delete(ModelRefs) -> DeletePreview,
    /// Hides the rows at once and deletes after the undo window.
    write Delete = delete(DeleteModels) -> BatchRef,
    /// Takes a delete back while its undo window is open.
    write UndoDelete = undo_delete(BatchRef) -> UndoneDelete,
    /// One operation over many models; items in a wrong state are skipped with a reason.
    write Batch = batch_operate(BatchOperate) -> BatchRef,
    /// What a batch would do, before it is done.
    read PreviewBatch = preview_batch(BatchOperate) -> BatchPreview,
    /// Stops a running batch: what waits is not begun, what can be stopped is.
    write CancelBatch = cancel_batch(BatchRef) -> crate::tasks::Cancelled,
    /// Writes the list as it is shown, or chosen models of it, into a file of this machine.
    write ExportTable = export_table(ListExport) -> OpRef,
    /// Everything about one model; a cached copy with its age when the instance is offline.
    read LoadDetail = load_detail(ModelRef) -> ModelDetail,
    /// State changes of one model or of all, newest first.
    read History = history(HistoryRequest) -> HistoryPage,
}

/// Names one model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelRef {
    pub id: ModelId,
}

/// Names several models.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelRefs {
    pub ids: Vec<ModelId>,
}

/// An accepted operation; follow it as a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpRef {
    pub task: TaskId,
}

/// An accepted operation over several models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchRef {
    pub batch: BatchId,
}

/// A place in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobRef {
    pub job: JobId,
    pub model: ModelId,
    /// The same model was already queued; this is that job.
    pub existing: bool,
}

/// All conditions are ANDed; empty ones do not restrict.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ModelSearchRequest {
    /// From 1. Past the end means the last page.
    pub page: u32,
    /// 1 to 500; 0 means 50.
    pub page_size: u32,
    /// Part of the name, or of an own tag or note (also by pinyin), any case; `%` and `_` mean
    /// themselves.
    pub name: String,
    pub status: Vec<Status>,
    pub from: Vec<Origin>,
    /// Such as `4GB`, `4.5 gb`, `500MiB` or bytes; inclusive.
    pub min_size: Option<String>,
    /// As `min_size`; inclusive.
    pub max_size: Option<String>,
    /// Only favourites.
    pub favourite: bool,
    /// With any of these own tags, in any case.
    pub tags: Vec<String>,
    /// With any of these capabilities, such as `tools`.
    pub capabilities: Vec<String>,
    /// None = the order of first sight.
    pub sort_by: Option<SortKey>,
    pub sort_desc: bool,
    pub instance_id: Option<InstanceId>,
}

crate::status::words! {
    /// Columns a list can be sorted by; unknown values come last in both directions.
    SortKey {
        /// Natural order, any case: `m:7b` before `m:13b`.
        Name = "name",
        Size = "size",
        CreatedAt = "createdAt",
        Status = "status",
    }
}

/// One page of models.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelPage {
    pub items: Vec<ModelRow>,
    /// Rows that match, over all pages.
    pub total: u64,
    /// Bytes of all rows that match.
    pub bytes: u64,
    /// The page answered; differs from the one asked for when that was past the end.
    pub page: u32,
    /// Events up to this number are contained.
    pub seq: u64,
}

/// Restricts [`call::Counts`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CountModels {
    pub instance_id: Option<InstanceId>,
}

/// Models per status, without those waiting to be deleted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelCounts {
    pub total: u64,
    pub bytes: u64,
    pub by_status: Vec<(Status, u64)>,
    /// Newer versions in their registries.
    #[serde(default)]
    pub updates: UpdateCounts,
}

impl ModelCounts {
    /// The count of one status.
    #[must_use]
    pub fn of(&self, status: Status) -> u64 {
        self.by_status.iter().find(|(each, _)| *each == status).map_or(0, |(_, count)| *count)
    }
}

/// One row of the list: the document's `OllamaModelInfo` (first eight fields, its JSON keys) and
/// what Corral knows beside it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ModelRow {
    pub id: ModelId,
    /// As Ollama displays it, always with the tag.
    pub name: String,
    /// Formatted, decimal units as `ollama list` prints; empty when unknown.
    pub size: String,
    pub from: Origin,
    pub log_file_exist: bool,
    pub status: Status,
    /// Raw text of the last problem or phase; the window shows `problem` in its language.
    pub message: String,
    /// First seen by Corral.
    pub created_at: Timestamp,

    pub instance: InstanceId,
    pub install: Install,
    pub run: Run,
    pub bytes: Option<u64>,
    /// Registry host the name points to.
    pub registry: String,
    /// 64 hex digits of the manifest.
    pub digest: Option<String>,
    /// As the server says.
    pub modified_at: Option<Timestamp>,
    pub family: Option<String>,
    pub parameter_size: Option<String>,
    pub quantization: Option<String>,
    pub context_length: Option<u64>,
    pub capabilities: Vec<String>,
    /// A stub whose model runs at the provider; it has no bytes here.
    pub cloud: bool,
    /// Other names on the same instance with the same digest.
    pub aliases: Vec<String>,
    /// Present while in memory.
    pub memory: Option<Memory>,
    /// Present while in the queue.
    pub progress: Option<Progress>,
    pub job: Option<JobId>,
    /// The operation that runs on it now.
    pub operation: Option<TaskId>,
    pub last_task: Option<TaskId>,
    pub problem: Option<WireError>,
    pub actions: Vec<Action>,
    /// Whether the instance answered last time; if not, run state is what was seen before.
    pub online: bool,
    /// When the server last confirmed this row.
    pub seen_at: Option<Timestamp>,
    /// What the last check of its files found; `None` = not checked as they are now.
    #[serde(default)]
    pub checked: Option<RowCheck>,
    /// What the user said about it.
    #[serde(default)]
    pub label: Label,
    /// It is loaded when Corral has started and finds its server.
    #[serde(default)]
    pub preload: bool,
    /// A newer version, or the one before that is still kept.
    pub update: Option<RowUpdate>,
    /// When it was last seen in use; `None` = never since Corral watches.
    #[serde(default)]
    pub last_used: Option<Timestamp>,
    /// Never suggested, and deleted only when the user says so once more.
    #[serde(default)]
    pub pinned: bool,
}

/// Where a loaded model lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Memory {
    /// Bytes in all.
    pub bytes: u64,
    /// Of those, on the GPU.
    pub vram: u64,
    pub context_length: Option<u64>,
    /// When it will be unloaded; `None` = stays until stopped.
    pub expires_at: Option<Timestamp>,
}

impl Memory {
    /// Percent on the GPU, rounded as `ollama ps` does.
    #[must_use]
    pub fn gpu_percent(&self) -> u8 {
        if self.bytes == 0 {
            return 0;
        }
        let share = self.vram.min(self.bytes) as f64 / self.bytes as f64;
        (share * 100.0).round() as u8
    }
}

/// Asks for a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateModel {
    pub instance: InstanceId,
    /// Any form that [`crate::name::ModelName::parse_loose`] understands.
    pub name: String,
    #[serde(default)]
    pub priority: Priority,
    /// Load it when it is there.
    #[serde(default)]
    pub start_when_done: bool,
    /// The model is there already: fetch what changed instead of refusing.
    #[serde(default)]
    pub update: bool,
    /// Plain http to the registry; only when the user says so.
    #[serde(default)]
    pub insecure: bool,
    /// Although the check before it says that it cannot go well.
    #[serde(default)]
    pub force: bool,
}

/// Asks to load a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StartModel {
    pub id: ModelId,
    /// Those that differ from the default win over a preset.
    #[serde(default)]
    pub options: StartOptions,
    /// The kept options to use; `None` = the usual ones of the model, if it has such.
    #[serde(default)]
    pub preset: Option<i64>,
    /// The server's choice where `options` says nothing, whatever is usual.
    #[serde(default)]
    pub plain: bool,
}

impl StartModel {
    /// With these options, and the usual preset where they say nothing.
    #[must_use]
    pub fn with(id: ModelId, options: StartOptions) -> Self {
        StartModel { id, options, preset: None, plain: false }
    }
}

/// Load options; `None` leaves the server's choice.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StartOptions {
    /// Such as `10m`, `-1` (for ever) or seconds.
    pub keep_alive: Option<String>,
    /// Tokens, at least 4.
    pub num_ctx: Option<u32>,
    /// Layers on the GPU; 0 = CPU only, -1 = automatic.
    pub num_gpu: Option<i32>,
    /// Threads; 0 = automatic.
    pub num_thread: Option<u32>,
    pub num_batch: Option<u32>,
    pub main_gpu: Option<u32>,
    pub use_mmap: Option<bool>,
}

/// Asks to delete models.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeleteModels {
    pub ids: Vec<ModelId>,
    /// Remove the rows even if the server cannot be asked; files may remain.
    #[serde(default)]
    pub force: bool,
    /// Nothing is kept in the trash.
    #[serde(default)]
    pub for_good: bool,
    /// Pinned ones, too.
    #[serde(default)]
    pub pinned_too: bool,
}

/// How many rows an undo brought back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct UndoneDelete {
    pub restored: u32,
}

/// What a delete would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeletePreview {
    pub items: Vec<DeleteItem>,
    /// Bytes really freed, shared layers counted once; `None` when the store cannot be seen.
    pub freed: Option<u64>,
    /// Milliseconds in which it can be taken back.
    pub undo_ms: i64,
    /// Days for which the trash keeps it, so that nothing is freed before; 0 = it keeps nothing.
    #[serde(default)]
    pub trash_days: u32,
}

/// One model of a delete preview.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeleteItem {
    pub id: ModelId,
    pub name: String,
    pub bytes: Option<u64>,
    /// Freed by deleting all chosen models, as far as it is this model's; `None` = unknown.
    pub freed: Option<u64>,
    /// Models that stay and share layers with it.
    pub shared_with: Vec<String>,
    pub running: bool,
    /// Only the row goes, because the instance is offline or has no such model.
    pub row_only: bool,
    #[serde(default)]
    pub pinned: bool,
    /// Whether the trash can keep it: the store is ours to write.
    #[serde(default)]
    pub kept: bool,
}
