//! Where the models of a server lie: moving that folder with what is in it, and keeping models that
//! are seldom needed in another one.

use serde::{Deserialize, Serialize};

use crate::{
    InstanceId, ModelId, TaskId, Timestamp, WireError, command::Nothing, commands,
    instances::InstanceRef, models::OpRef, status::words,
};

commands! { "stores";
    /// What there is to see of the models folder of a server, and what lies elsewhere.
    read View = view(InstanceRef) -> StoreView,
    /// What moving the folder would do; changes nothing that stays.
    read Preview = preview(MoveStore) -> MovePreview,
    /// Moves the folder; follow it as a task. What was there stays until it is confirmed.
    write Move = move_to(MoveStore) -> OpRef,
    /// The new place is right: what was left at the old one goes.
    write Confirm = confirm(MoveRef) -> OpRef,
    /// Back to the old place, with what came since.
    write RollBack = roll_back(MoveRef) -> OpRef,
    /// A folder for models that are seldom needed.
    write Cold = add_cold(AddCold) -> StoreView,
    /// Forgets one; what lies in it stays.
    write ForgetCold = remove_cold(ColdRef) -> Nothing,
    /// Puts models into such a folder, each layer hashed, and then deletes them from the server.
    write Archive = archive(ArchiveModels) -> OpRef,
    /// Brings archived models back to a server, each layer hashed.
    write Return = bring_back(BringBack) -> OpRef,
}

/// Asks to move a models folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoveStore {
    pub instance: InstanceId,
    /// Full path of the new folder. It is empty or not there yet; the folder above it is there.
    pub to: String,
}

words! {
    /// How the files get there.
    MoveWay {
        /// One file system: each file gets a second name, nothing is copied.
        Link = "link",
        /// One file system without second names: each file changes its name.
        Rename = "rename",
        /// Another file system: each file is copied and hashed.
        Copy = "copy",
    }
}

/// What a move would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MovePreview {
    /// Where the models are, as the server names it.
    pub from: String,
    /// Where they really are, when that folder is a link.
    pub resolved: Option<String>,
    pub to: String,
    /// `None` = it cannot be told before the folder is there.
    pub way: Option<MoveWay>,
    /// Bytes of all files that move.
    pub bytes: u64,
    pub files: u64,
    pub models: u64,
    /// Bytes that are free there.
    pub free: Option<u64>,
    /// Files that are neither Ollama's nor Corral's and stay where they are; at most 50.
    pub foreign: Vec<String>,
    pub foreign_count: u64,
    /// The user that the files belong to, where that is another one.
    pub owner: Option<String>,
    /// What a person would type to stop it, set it up and start it.
    pub commands: Vec<String>,
    /// Where it finds its variables, as a whole, before and after.
    pub before: String,
    pub after: String,
    /// Downloads that are paused meanwhile.
    pub downloads: u32,
    /// Models that are unloaded because the server starts anew.
    pub loaded: Vec<String>,
    /// Why it cannot be done.
    pub problem: Option<WireError>,
}

/// Names a move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoveRef {
    pub id: i64,
}

words! {
    /// How far a move is. Each is written down before it is done.
    MoveStage {
        /// Nothing was touched.
        Planned = "planned",
        /// Layers are copied while the server runs.
        Copying = "copying",
        /// The server is stopped.
        Stopping = "stopping",
        /// What is left is put in its place.
        Filling = "filling",
        /// The server is told its new folder.
        Switching = "switching",
        Starting = "starting",
        /// Whether it lists what it listed before.
        Probing = "probing",
        /// It does; what was left at the old place waits for a word.
        Kept = "kept",
        /// What was left at the old place goes.
        Clearing = "clearing",
        /// Back to the old place.
        Returning = "returning",
        /// Over.
        Done = "done",
        /// Over; everything is where it was.
        Returned = "returned",
    }
}

/// A move that is under way, or whose old place is still there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MoveView {
    pub id: i64,
    pub from: String,
    pub to: String,
    pub way: MoveWay,
    pub stage: MoveStage,
    pub bytes: u64,
    pub task: Option<TaskId>,
    /// When the old place goes by itself; `None` = only by a word.
    pub until: Option<Timestamp>,
    /// Why the last attempt ended.
    pub problem: Option<WireError>,
}

/// The models folder of a server and those beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoreView {
    /// `None` = not known from here.
    pub path: Option<String>,
    /// Where it really is, when it is a link.
    pub resolved: Option<String>,
    /// Bytes on its disk.
    pub free: Option<u64>,
    pub total: Option<u64>,
    /// Why it cannot be moved; a key under `stores.why`.
    pub why_not: Option<String>,
    pub moving: Option<MoveView>,
    pub cold: Vec<ColdFolder>,
}

/// Asks for a folder for archived models.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddCold {
    /// The server whose view is answered.
    pub instance: InstanceId,
    /// Full path of a folder that is there.
    pub path: String,
}

/// Names a folder for archived models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColdRef {
    pub id: i64,
}

/// A folder for archived models, on any disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ColdFolder {
    pub id: i64,
    pub path: String,
    /// Bytes; `None` when it is not there.
    pub free: Option<u64>,
    /// `FOLDER_MISSING` when its drive is not there.
    pub problem: Option<WireError>,
    /// What it holds, as it was written down: also shown when the drive is away.
    pub items: Vec<Archived>,
}

/// A model in such a folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Archived {
    pub id: i64,
    pub name: String,
    /// Of its manifest; 64 hex digits.
    pub digest: String,
    pub bytes: u64,
    pub at: Timestamp,
}

/// Asks to archive models of one server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchiveModels {
    pub ids: Vec<ModelId>,
    pub folder: i64,
}

/// Asks to bring archived models back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BringBack {
    pub instance: InstanceId,
    /// Of [`Archived`].
    pub ids: Vec<i64>,
}
