//! Progress of moving bytes, as it is sent at most four times per second and job.

use serde::{Deserialize, Serialize};

use crate::{ErrorCode, JobId, ModelId, status::words};

words! {
    /// What a job is doing now; the window shows it in words (`phase.<name>`).
    Phase {
        Waiting = "waiting",
        Manifest = "manifest",
        Fetching = "fetching",
        Verifying = "verifying",
        Registering = "registering",
        /// Waiting before the next try.
        BackingOff = "backingOff",
        Paused = "paused",
        Done = "done",
        Failed = "failed",
        Cancelled = "cancelled",
    }
}

/// The live figures of one job. `done` never goes back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    pub job: JobId,
    pub model: ModelId,
    pub phase: Phase,
    /// Bytes there, over all layers known.
    pub done: u64,
    /// Bytes in all; `None` until known.
    pub total: Option<u64>,
    /// Bytes per second over the last five seconds; `None` when nothing was measured.
    pub speed: Option<u64>,
    /// Seconds left at that speed; `None` when stalled or unknown.
    pub left_seconds: Option<u64>,
    /// Bytes that had to be fetched again, already counted once in `done`.
    pub again: u64,
    /// Whole percent to show where `done` of `total` would walk back: a server may name a further
    /// layer when the ones before are there already, and the total grows.
    #[serde(default)]
    pub shown: Option<u8>,
    pub layers: Vec<LayerProgress>,
}

impl Progress {
    /// Whole percent, rounded down so that 100 means finished; `None` while the total is unknown.
    /// Never goes back during the life of a job.
    #[must_use]
    pub fn percent(&self) -> Option<u8> {
        if self.shown.is_some() {
            return self.shown;
        }
        match self.total {
            Some(total) if total > 0 => {
                Some((self.done.min(total) as u128 * 100 / total as u128) as u8)
            }
            _ => None,
        }
    }
}

/// One layer of a model being fetched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LayerProgress {
    /// `sha256:` and 64 hex digits.
    pub digest: String,
    /// `model`, `template`, `license` … when the manifest is known.
    pub kind: Option<String>,
    pub done: u64,
    pub total: Option<u64>,
    pub state: LayerState,
    /// Connections that bring it now, where Corral moves the bytes.
    #[serde(default)]
    pub connections: u32,
}

words! {
    /// Where one layer stands.
    LayerState {
        Waiting = "waiting",
        Fetching = "fetching",
        /// It was on the server before.
        Present = "present",
        Fetched = "fetched",
        Verified = "verified",
    }
}

/// Why a job stands still, for the row's second line (`wait.<code>` with params).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum WaitReason {
    /// Other jobs come first.
    Queue { position: u32 },
    /// Paused by a person.
    User,
    /// The instance does not answer; goes on by itself.
    Offline,
    /// Next try at `at` (milliseconds since 1970) after `code`; `attempt` counts from 1.
    #[serde(rename_all = "camelCase")]
    Retry { at: i64, attempt: u32, code: ErrorCode },
    /// Corral was quit.
    Quit,
    /// The disk would fall below the reserve.
    Disk { missing: u64 },
    /// The connection is paid by volume; goes on by itself on another one.
    Metered,
    /// Somebody works at this machine; goes on by itself after that many minutes without.
    InUse { minutes: u32 },
}
