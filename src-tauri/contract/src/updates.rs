//! Newer versions of installed models: found by comparing digests, fetched with a way back.

use serde::{Deserialize, Serialize};

use crate::{
    InstanceId, JobId, ModelId, TaskId, Timestamp, WireError, commands,
    models::{ModelRef, ModelRefs, OpRef},
    status::words,
};

commands! { "updates";
    /// What is newer in its registry, and whose version before is kept.
    read List = list(UpdatesOf) -> UpdateList,
    /// Asks the registries now; follow it as a task.
    write Check = check(UpdatesOf) -> OpRef,
    /// Puts updates into the queue. The version before is kept until the new one has loaded once.
    write Apply = apply(ModelRefs) -> Applied,
    /// Not now: they are not spoken of before their registry has yet another version.
    write Snooze = snooze(ModelRefs) -> Snoozed,
    /// Takes the version before back.
    write RollBack = roll_back(ModelRef) -> RolledBack,
    /// Lets the version before go without waiting for the first load.
    write Accept = accept(ModelRef) -> Snoozed,
}

/// Restricts to one instance.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct UpdatesOf {
    pub instance_id: Option<InstanceId>,
}

/// What is newer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UpdateList {
    pub items: Vec<UpdateView>,
    /// The task that asks now.
    pub checking: Option<TaskId>,
    /// When a registry was last asked about any of the models.
    pub checked_at: Option<Timestamp>,
    /// Models that could not be compared, with the reason of each.
    pub unchecked: Vec<Unchecked>,
}

/// A model with something newer in its registry, or with its version before kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UpdateView {
    pub model: ModelId,
    pub instance: InstanceId,
    pub name: String,
    pub state: UpdateState,
    /// 64 hex digits of the manifest in the registry.
    pub digest: Option<String>,
    /// Bytes of layers that are not here; `None` = not known.
    pub bytes: Option<u64>,
    /// Kinds of layers that differ (`model`, `template` …); empty = not known.
    pub changed: Vec<String>,
    /// When it was put there, where the registry tells.
    pub pushed_at: Option<Timestamp>,
    pub checked_at: Option<Timestamp>,
    pub snoozed: bool,
}

words! {
    /// How far an update is.
    UpdateState {
        Available = "available",
        /// In the queue or being fetched, the version before is kept.
        Fetching = "fetching",
        /// It is there, and the version before is kept until it has loaded once.
        Unproven = "unproven",
        RollingBack = "rollingBack",
    }
}

/// A model that could not be compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Unchecked {
    pub model: ModelId,
    pub name: String,
    pub why: WhyUnchecked,
    pub problem: Option<WireError>,
    pub at: Timestamp,
}

words! {
    /// Why a model was not compared.
    WhyUnchecked {
        /// The registry has no such tag any more.
        TagGone = "tagGone",
        /// The registry did not answer, or refused.
        Silent = "silent",
        /// It was made or changed on its server.
        MadeHere = "madeHere",
    }
}

/// The same in the list of models.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RowUpdate {
    pub state: UpdateState,
    pub bytes: Option<u64>,
    pub snoozed: bool,
}

/// All updates in one line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdateCounts {
    /// Models, those left for later not among them.
    pub models: u64,
    /// Bytes of new layers, as far as they are known.
    pub bytes: u64,
    /// Updated ones whose version before is kept.
    pub unproven: u64,
}

/// What became of the wish to update.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    pub jobs: Vec<JobId>,
    pub refused: Vec<Refused>,
}

/// A model that is not updated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    pub model: ModelId,
    pub name: String,
    pub problem: WireError,
}

/// How many were changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snoozed {
    pub changed: u32,
}

/// The version before is back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolledBack {
    /// 64 hex digits of its manifest.
    pub digest: String,
}
