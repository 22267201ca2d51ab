//! Looking whether files are what they should be, putting right what is not, and what lies around.

use serde::{Deserialize, Serialize};

use crate::{
    ModelId, Timestamp, WireError, commands,
    instances::InstanceRef,
    models::{ModelRef, OpRef},
    status::words,
};

commands! { "checks";
    /// Reads every layer of a model and compares it with its digest; follow it as a task.
    write Model = model(ModelRef) -> OpRef,
    /// The same for every model of a store.
    write Store = store(InstanceRef) -> OpRef,
    /// What the last checks of an instance found damaged.
    read Damaged = damaged(InstanceRef) -> DamagedList,
    /// Sets the damaged layers of a model aside and fetches just these again.
    write Repair = repair(RepairModel) -> OpRef,
    /// Asks a model for one token, or for one embedding.
    write Smoke = smoke(ModelRef) -> OpRef,
    /// Hashes a file of this machine and looks at its structure; answers when it is done.
    write File = file(CheckFile) -> FileCheck,
}

words! {
    /// What is wrong with a layer.
    Damage {
        Missing = "missing",
        /// Shorter or longer than the manifest says.
        WrongSize = "wrongSize",
        WrongDigest = "wrongDigest",
        /// Its bytes are those that were ordered, but they are no whole GGUF file.
        BadStructure = "badStructure",
    }
}

/// A layer that is not what its name promises.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DamagedLayer {
    /// `sha256:` and 64 hex digits.
    pub digest: String,
    /// `model`, `template`, `license` …
    pub kind: String,
    /// As the manifest says.
    pub bytes: u64,
    pub why: Damage,
    /// What exactly, in the words of the format.
    #[serde(default)]
    pub detail: Option<String>,
}

/// What the last check of a model found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckResult {
    pub at: Timestamp,
    /// Bytes that were read.
    pub bytes: u64,
    /// Empty = sound.
    pub damaged: Vec<DamagedLayer>,
}

/// The same in the list of models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RowCheck {
    pub at: Timestamp,
    /// Damaged layers.
    pub damaged: u32,
}

words! {
    /// How a smoke test ended.
    SmokeOutcome {
        Passed = "passed",
        Failed = "failed",
        /// There is too little memory for it now.
        NotTested = "notTested",
    }
}

/// The last smoke test of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SmokeResult {
    pub at: Timestamp,
    pub outcome: SmokeOutcome,
    /// From the question to the answer, loading included; only of one that passed.
    pub ms: Option<u64>,
    pub problem: Option<WireError>,
}

/// Damaged models of an instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DamagedList {
    pub items: Vec<DamagedModel>,
    /// Models whose check is known and found nothing.
    pub sound: u64,
    /// Models that were never checked as they are now.
    pub unchecked: u64,
}

/// A model with damaged layers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DamagedModel {
    pub model: ModelId,
    pub name: String,
    pub result: CheckResult,
}

/// Asks for a repair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepairModel {
    pub id: ModelId,
    /// Models that have a damaged layer in memory may be stopped.
    #[serde(default)]
    pub stop: bool,
}

/// Asks to check a file that is to be imported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckFile {
    /// Full path on this machine.
    pub path: String,
    /// 32 hex digits in any form that checksum tools print.
    #[serde(default)]
    pub md5: Option<String>,
    /// 64 hex digits, likewise.
    #[serde(default)]
    pub sha256: Option<String>,
}

/// What a file is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FileCheck {
    pub path: String,
    pub bytes: u64,
    /// 64 hex digits.
    pub sha256: String,
    /// 32 hex digits.
    pub md5: String,
    /// Whether it is the one that was given; `None` = none was given.
    pub sha256_matches: Option<bool>,
    pub md5_matches: Option<bool>,
    pub structure: Structure,
    /// What exactly is wrong with its structure, or why it cannot be judged.
    pub detail: Option<String>,
    pub architecture: Option<String>,
    /// Elements of all tensors.
    pub parameters: Option<u64>,
    pub quantization: Option<String>,
    pub context_length: Option<u64>,
}

words! {
    /// What can be said about the inner order of a file.
    Structure {
        Sound = "sound",
        Broken = "broken",
        /// Another format, or a form of GGUF that is not known here.
        Unknown = "unknown",
    }
}
