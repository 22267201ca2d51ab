//! Running models as one likes: kept load options, what is loaded at start, how long it stays,
//! trying one out.

use serde::{Deserialize, Serialize};

use crate::{
    InstanceId, ModelId, TaskId, WireError,
    command::Nothing,
    commands,
    models::{BatchRef, ModelRef, OpRef, StartOptions},
    status::words,
};

commands! { "running";
    /// Kept options of a model, and whether it is loaded at start.
    read OfModel = of_model(ModelRef) -> RunView,
    /// Keeps load options under a name, or changes kept ones.
    write Save = save_preset(SavePreset) -> RunView,
    write Remove = remove_preset(PresetRef) -> RunView,
    /// Whether the model is loaded when Corral has started and finds its server.
    write Preload = set_preload(SetPreload) -> RunView,
    /// What loading a model would do to those that are loaded.
    read Preview = preview(ModelRef) -> StartPreview,
    /// Changes how long a loaded model stays after its last request.
    write Stay = retime(Retime) -> Nothing,
    /// Asks a model something; follow it by the events of its task.
    write Ask = ask(AskModel) -> OpRef,
    /// Unloads everything, of one instance or of all.
    write Stop = stop_all(StopAll) -> BatchRef,
}

/// Most presets of one model.
pub const MOST_PRESETS: usize = 20;
/// Longest name of a preset, in characters.
pub const PRESET_NAME_LENGTH: usize = 40;
/// Longest question of a test, in bytes.
pub const PROMPT_LENGTH: usize = 32 * 1024;
/// Longest answer of a test that is kept, in bytes; the rest is only counted.
pub const ANSWER_LENGTH: usize = 32 * 1024;

/// Load options under a name. They belong to the name of the model, whatever its server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preset {
    pub id: i64,
    pub name: String,
    pub options: StartOptions,
    /// Used where a start names no options. At most one per model.
    pub usual: bool,
}

/// How a model is run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunView {
    /// The one used last first.
    pub presets: Vec<Preset>,
    pub preload: bool,
}

/// Keeps options for a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavePreset {
    pub model: ModelId,
    /// The preset to change; `None` = a new one.
    #[serde(default)]
    pub id: Option<i64>,
    /// 1 to [`PRESET_NAME_LENGTH`] characters, unlike the model's others.
    pub name: String,
    pub options: StartOptions,
    #[serde(default)]
    pub usual: bool,
}

/// Names a preset of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PresetRef {
    pub model: ModelId,
    pub id: i64,
}

/// Whether a model is loaded at start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetPreload {
    pub model: ModelId,
    pub on: bool,
}

/// What a start would do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartPreview {
    /// Bytes the model is thought to need; `None` = unknown.
    pub needed: Option<u64>,
    /// Memory that is free for it; `None` = cannot be seen from here.
    pub free: Option<u64>,
    /// Models that would probably have to go, the first to go first.
    pub evicts: Vec<Evicted>,
    /// Why they would go.
    pub why: Option<Eviction>,
    /// Models in memory that are not expected to go.
    pub stay: u32,
}

/// A model that would make room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evicted {
    pub model: ModelId,
    pub name: String,
    /// Bytes it takes now.
    pub bytes: Option<u64>,
}

words! {
    /// Why a loaded model makes room for another one.
    Eviction {
        /// As many models as the server keeps at once are loaded.
        Count = "count",
        /// Both do not fit into memory.
        Memory = "memory",
    }
}

/// Sets the time a loaded model stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Retime {
    pub model: ModelId,
    /// As in [`StartOptions::keep_alive`].
    pub keep_alive: String,
}

/// Asks a model something, to see whether and how fast it answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskModel {
    pub model: ModelId,
    /// 1 byte to [`PROMPT_LENGTH`] bytes.
    pub prompt: String,
    /// Most tokens of the answer, 1 to 4096.
    pub most: u32,
}

/// Names the server whose models are unloaded; `None` = all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopAll {
    pub instance: Option<InstanceId>,
}

/// How far a test prompt is. Times are those of this machine, figures those of the server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Trial {
    pub task: TaskId,
    pub model: ModelId,
    /// The answer so far, at most [`ANSWER_LENGTH`] bytes.
    pub text: String,
    /// What it thought before, cut like the answer.
    pub thinking: String,
    /// Until the first piece of the answer came, in ms, loading included.
    pub first_ms: Option<u64>,
    /// In ms.
    pub took_ms: u64,
    /// Of it, for loading the model, in ms, as the server says.
    pub load_ms: Option<u64>,
    /// Tokens of the question and of the answer, as the server says.
    pub prompt_tokens: Option<u64>,
    pub answer_tokens: Option<u64>,
    /// Tokens of the answer per second, as the server measured it.
    pub speed: Option<f64>,
    pub vector: Option<Vector>,
    pub done: bool,
    pub problem: Option<WireError>,
}

/// The answer of an embedding model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Vector {
    pub dimensions: u32,
    /// Its first numbers, at most 8.
    pub first: Vec<f32>,
}
