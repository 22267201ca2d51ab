//! Tasks: every operation with its phases, result and log.

use serde::{Deserialize, Serialize};

use crate::{
    InstanceId, ModelId, TaskId, Timestamp, WireError, commands, progress::Progress, status::words,
};

commands! { "tasks";
    /// Newest first.
    read List = list(TaskListRequest) -> TaskList,
    /// Part of a task's log.
    read Log = log(LogRequest) -> LogPage,
    /// Stops a running task where it can be stopped.
    write Cancel = cancel(TaskRef) -> Cancelled,
    /// Forgets finished tasks and their log files.
    write ClearFinished = clear_finished(crate::command::Nothing) -> Cleared,
}

/// Names one task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskRef {
    pub id: TaskId,
}

/// Whether it could be stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cancelled {
    pub cancelled: bool,
}

/// How many were forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cleared {
    pub cleared: u32,
}

words! {
    /// What a task does.
    TaskKind {
        Pull = "pull",
        Start = "start",
        Close = "close",
        Recreate = "recreate",
        Delete = "delete",
        Sync = "sync",
        Check = "check",
        Repair = "repair",
        Smoke = "smoke",
        Ask = "ask",
        TableExport = "tableExport",
        /// Asking registries what the models of the catalogue are.
        Catalogue = "catalogue",
        /// Asking registries whether they have something newer.
        Updates = "updates",
        Reclaim = "reclaim",
        /// Models into one file.
        Export = "export",
        /// Models out of one file.
        Unpack = "unpack",
        /// Models to another instance.
        CopyTo = "copyTo",
        Make = "make",
        Copy = "copy",
        Rename = "rename",
        /// A models folder to another place.
        StoreMove = "storeMove",
        /// The same back again.
        StoreReturn = "storeReturn",
        /// What was left at the old place of one.
        StoreClear = "storeClear",
        /// Models into a folder for those that are seldom needed.
        Archive = "archive",
        BringBack = "bringBack",
        /// Lines of a server's log into a file.
        LogExport = "logExport",
        /// Starting, stopping or restarting a server.
        StartServer = "startServer",
        StopServer = "stopServer",
        RestartServer = "restartServer",
        /// Changing the variables of a server.
        Configure = "configure",
        /// Ollama itself onto this machine.
        Install = "install",
        /// Another version of it.
        Upgrade = "upgrade",
        /// The version before.
        Downgrade = "downgrade",
        Uninstall = "uninstall",
    }
}

impl TaskKind {
    /// Whether the window shows what came of it in a place of its own: the report of a sync, the answer
    /// to a question, the ages of lists that are refreshed. Nobody is told its end again.
    #[must_use]
    pub fn shows_its_end(self) -> bool {
        matches!(self, TaskKind::Sync | TaskKind::Ask | TaskKind::Catalogue | TaskKind::Updates)
    }
}

words! {
    /// Where a task stands.
    TaskState {
        Waiting = "waiting",
        Running = "running",
        Done = "done",
        Failed = "failed",
        Cancelled = "cancelled",
        /// Corral ended before the task did.
        Interrupted = "interrupted",
    }
}

/// A task as the task centre shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskView {
    pub id: TaskId,
    pub kind: TaskKind,
    pub state: TaskState,
    /// Key under `taskPhase.`; empty when there is none.
    pub phase: String,
    pub instance: Option<InstanceId>,
    pub model: Option<ModelId>,
    /// Name of what it works on.
    pub target: String,
    pub progress: Option<Progress>,
    /// How far one is that reads files.
    #[serde(default)]
    pub figures: Option<Figures>,
    pub problem: Option<WireError>,
    pub created_at: Timestamp,
    pub finished_at: Option<Timestamp>,
    pub has_log: bool,
    pub can_cancel: bool,
}

/// How much was read of what there is to read, or how many questions were asked of a round of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    /// Bytes, or questions.
    pub done: u64,
    pub total: u64,
    /// Bytes per second; `None` while nothing was measured.
    pub speed: Option<u64>,
}

impl Figures {
    /// Whole percent, rounded down; `None` when there is nothing to read.
    #[must_use]
    pub fn percent(&self) -> Option<u8> {
        let share = u128::from(self.done.min(self.total)) * 100;
        u8::try_from(share.checked_div(u128::from(self.total))?).ok()
    }
}

/// Restricts [`call::List`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TaskListRequest {
    pub model: Option<ModelId>,
    /// Tasks older than this id.
    pub before: Option<TaskId>,
    /// 1 to 500; 0 means 100.
    pub limit: u32,
}

/// Tasks, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskList {
    pub items: Vec<TaskView>,
    pub more: bool,
}

/// Asks for a part of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogRequest {
    pub id: TaskId,
    /// First byte.
    #[serde(default)]
    pub offset: u64,
    /// The page that ends before this byte instead; past the end means the last page.
    #[serde(default)]
    pub before: Option<u64>,
}

/// Part of a log: whole lines, at most 256 KiB.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogPage {
    /// Each line holds its time, its level (`INFO`, `WARN` or `ERROR`) and what it says; a line
    /// that is set in goes on with the one before.
    pub text: String,
    /// Where the text begins. Another place than was asked for: the file was replaced by a shorter
    /// one, and what was read before is not in it any more.
    pub offset: u64,
    /// Where to go on reading.
    pub next_offset: u64,
    pub total: u64,
    /// The task still writes.
    pub growing: bool,
    /// The file was there; `false` also corrects the flag in the list.
    pub exists: bool,
}
