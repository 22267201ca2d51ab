//! Making models: from a Modelfile, from files of this machine, from other models.

use serde::{Deserialize, Serialize};

use crate::{
    InstanceId, ModelId, WireError, checks::Structure, command::Nothing, commands, models::OpRef,
    status::words,
};

commands! { "makes";
    /// The text of a Modelfile of this machine.
    read Read = read(FileRef) -> ModelfileText,
    /// What could be imported from a file or a folder.
    read Look = look(FileRef) -> FoundFiles,
    /// Folders of other tools that are on this machine.
    read Places = places(Nothing) -> FoundPlaces,
    /// What making would do, before it is done.
    read Check = check(MakeModel) -> MakeCheck,
    /// Makes a model; follow it as a task.
    write Create = create(MakeModel) -> OpRef,
    /// Gives a model a second name.
    write Copy = copy(NewName) -> OpRef,
    /// Gives a model another name.
    write Rename = rename(NewName) -> OpRef,
}

/// Names a file or a folder of this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRef {
    /// Full path.
    pub path: String,
}

/// A Modelfile that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelfileText {
    pub text: String,
    /// The folder that relative paths in it start from.
    pub base: String,
}

words! {
    /// What a file or a folder is to a new model.
    FileKind {
        /// Weights in one GGUF file.
        Gguf = "gguf",
        /// What lets a model see; goes with weights.
        Projector = "projector",
        /// Fine-tuned layers for another model.
        Adapter = "adapter",
        /// A folder of safetensors, which the server converts.
        Safetensors = "safetensors",
    }
}

/// Something that can be imported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FoundFile {
    /// Full path of the file, or of the folder of safetensors.
    pub path: String,
    /// A model name that its own name suggests.
    pub name: String,
    pub kind: FileKind,
    /// Of all its files.
    pub bytes: u64,
    pub architecture: Option<String>,
    pub quantization: Option<String>,
    /// Elements of all tensors.
    pub parameters: Option<u64>,
    pub structure: Structure,
    /// What is wrong with it, or why it cannot be judged.
    pub detail: Option<String>,
}

/// What could be imported, and whether all was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundFiles {
    /// In the order of their paths.
    pub items: Vec<FoundFile>,
    /// There was more than is looked at.
    pub more: bool,
    /// Folders that could not be read.
    pub unreadable: u32,
}

words! {
    /// Who keeps models on this machine.
    Tool {
        LmStudio = "lmStudio",
        HuggingFace = "huggingFace",
        Jan = "jan",
        Gpt4All = "gpt4All",
    }
}

/// A folder of another tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    pub tool: Tool,
    pub path: String,
}

/// Folders of other tools.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundPlaces {
    pub items: Vec<Place>,
}

words! {
    /// Forms that the server can bring weights into.
    Quantize {
        F32 = "F32",
        F16 = "F16",
        Bf16 = "BF16",
        Q80 = "Q8_0",
        Q4Ks = "Q4_K_S",
        Q4Km = "Q4_K_M",
    }
}

/// Asks for a new model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MakeModel {
    pub instance: InstanceId,
    pub name: String,
    /// The text of the Modelfile.
    pub modelfile: String,
    /// Full path of the folder that relative paths in it start from.
    #[serde(default)]
    pub base: Option<String>,
    #[serde(default)]
    pub quantize: Option<Quantize>,
    /// A model of that name is there: replace it.
    #[serde(default)]
    pub overwrite: bool,
}

words! {
    /// How the bytes of files reach the server.
    Way {
        /// The server has them, or there are none.
        Nothing = "nothing",
        /// The same bytes under a second name in its store.
        Link = "link",
        /// Written a second time into its store.
        Copy = "copy",
        Upload = "upload",
    }
}

/// What making would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MakeCheck {
    /// The name as the server will show it.
    pub name: String,
    /// Files that become part of it.
    pub files: Vec<FoundFile>,
    pub way: Way,
    /// Bytes that are written or sent before the server begins.
    pub bytes: u64,
    /// Bytes that the server writes once more because it rewrites such files.
    pub rewritten: u64,
    /// Forms that the weights can be brought into.
    pub quantize: Vec<Quantize>,
    /// The model that goes when this one comes.
    pub replaces: Option<Replaced>,
    /// Why it would be refused.
    pub refusal: Option<WireError>,
}

/// A model that would be replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replaced {
    pub id: ModelId,
    pub name: String,
    pub bytes: Option<u64>,
    /// It is in memory now.
    pub running: bool,
}

/// Asks for a second or another name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewName {
    pub id: ModelId,
    pub name: String,
    /// A model of that name is there: replace it.
    #[serde(default)]
    pub overwrite: bool,
}
