//! How a server has been, what is wrong with it, and what is done when it is gone.

use serde::{Deserialize, Serialize};

use crate::{InstanceId, Timestamp, WireError, commands, instances::InstanceRef, status::words};

commands! { "health";
    /// How a server is and has been.
    read Report = report(InstanceRef) -> HealthReport,
    /// Asks it on every level now.
    read Check = check(InstanceRef) -> HealthReport,
    /// How it is watched and what is done when it is gone.
    write Set = configure(Configure) -> HealthReport,
    /// Starts one that is gone now, and tries again by itself afterwards.
    write TryNow = try_now(InstanceRef) -> HealthReport,
    /// Leaves one that is gone alone, until the user says otherwise or it answers.
    write StopTrying = stop_trying(InstanceRef) -> HealthReport,
    /// Takes a finding away; it comes back when it is seen again.
    write Dismiss = dismiss(DismissFinding) -> HealthReport,
}

words! {
    /// What is asked of a server, each step resting on the one before.
    Level {
        /// A connection can be opened.
        Tcp = "tcp",
        /// Something answers in HTTP.
        Http = "http",
        /// It is Ollama and tells its version.
        Version = "version",
        /// It lists its models.
        Tags = "tags",
        /// A model answers.
        Inference = "inference",
    }
}

words! {
    /// How a step went.
    LevelState {
        Ok = "ok",
        Failed = "failed",
        /// A step before it failed.
        Skipped = "skipped",
        /// Not asked yet, or not to be asked.
        NotAsked = "notAsked",
    }
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LevelFact {
    pub level: Level,
    pub state: LevelState,
    /// In ms, of a step that went well.
    pub ms: Option<u32>,
    pub at: Option<Timestamp>,
    pub problem: Option<WireError>,
}

words! {
    /// What is done when a server is gone.
    Strategy {
        /// Nothing; the user is told.
        Manual = "manual",
        Immediate = "immediate",
        /// After [`Rules::delay_seconds`].
        Delayed = "delayed",
    }
}

/// How a server is watched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rules {
    /// Between two questions; 0 = 10 s while the window shows, 30 s while not. 5 to 3600.
    pub interval_seconds: u32,
    /// How long one may take, 1 to 60.
    pub timeout_seconds: u32,
    /// Questions more before it counts as down, 0 to 10.
    pub retries: u32,
    /// A model that is asked for one token now and then; `None` = no such question.
    pub inference_model: Option<String>,
    /// Between two such questions, 10 to 1440.
    pub inference_minutes: u32,
    pub strategy: Strategy,
    /// Before the first start, 1 to 3600; doubled after each failed one.
    pub delay_seconds: u32,
    /// Failed starts in a row until it is left alone, 1 to 20.
    pub most_restarts: u32,
}

impl Default for Rules {
    fn default() -> Self {
        Rules {
            interval_seconds: 0,
            timeout_seconds: 10,
            retries: 1,
            inference_model: None,
            inference_minutes: 60,
            strategy: Strategy::Manual,
            delay_seconds: 30,
            most_restarts: 5,
        }
    }
}

/// Changes the rules of one server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Configure {
    pub instance: InstanceId,
    pub rules: Rules,
}

words! {
    /// Whether Corral can start a server.
    Reach {
        /// Corral set it up.
        Ours = "ours",
        /// It did not, and the user allowed it for good.
        Allowed = "allowed",
        /// It can, once the user allows it.
        WithConsent = "withConsent",
        /// Nothing here can start it.
        Never = "never",
    }
}

words! {
    /// Where the starting of one that is gone stands.
    RecoveryState {
        /// It answers, or nothing is to be done.
        Idle = "idle",
        /// The next start is due at [`Recovery::due`].
        Waiting = "waiting",
        Trying = "trying",
        /// Too many starts failed: nothing more is tried until the user says so.
        GivenUp = "givenUp",
        /// The user stopped it, or said to stop trying.
        Held = "held",
    }
}

/// What is done about a server that is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Recovery {
    pub state: RecoveryState,
    /// Starts that failed in a row.
    pub failed: u32,
    /// When the next one is due.
    pub due: Option<Timestamp>,
    /// Why the last one failed.
    pub problem: Option<WireError>,
    pub reach: Reach,
    /// Key under `steering.why` when nothing here can start it.
    pub why_not: Option<String>,
}

/// Figures over a stretch of time. `None` where nothing was measured.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Stretch {
    pub hours: u32,
    /// Questions asked.
    pub asked: u64,
    /// Share of them that was answered, 0 to 1.
    pub availability: Option<f64>,
    /// Answered within this many ms: half of them, and 95 of a hundred.
    pub p50: Option<u32>,
    pub p95: Option<u32>,
}

/// A stretch of the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// When it begins.
    pub at: Timestamp,
    pub asked: u32,
    pub answered: u32,
    /// Half of its answers came within this many ms.
    pub p50: Option<u32>,
}

words! {
    /// What happened to a server.
    IncidentKind {
        /// It did not answer.
        Down = "down",
        /// Its process went.
        Crash = "crash",
        /// It went and came back with another version: no outage.
        Update = "update",
        /// Corral started it and it answered.
        Restarted = "restarted",
        RestartFailed = "restartFailed",
        /// Nothing more was tried.
        GaveUp = "gaveUp",
        /// The user stopped it or said to leave it alone.
        Held = "held",
        GpuLost = "gpuLost",
        Slower = "slower",
    }
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Incident {
    pub id: i64,
    pub kind: IncidentKind,
    pub at: Timestamp,
    /// When it was over; `None` = it goes on, or it has no length.
    pub until: Option<Timestamp>,
    /// Name of a model, or the new version.
    pub subject: Option<String>,
    pub problem: Option<WireError>,
    /// What the log says is the reason: a key under `finding`.
    pub cause: Option<FindingKind>,
    /// The last lines of the log then, secrets taken out.
    pub lines: Vec<String>,
}

words! {
    /// Something that is wrong and does not stop the server.
    FindingKind {
        /// Models that were in graphics memory are in main memory now.
        GpuLost = "gpuLost",
        /// A model answers or loads slower than it used to.
        Slower = "slower",
        DriverTooOld = "driverTooOld",
        DriverMismatch = "driverMismatch",
        DriverMissing = "driverMissing",
        GpuUnsupported = "gpuUnsupported",
        GpuNoRight = "gpuNoRight",
        GpuFault = "gpuFault",
        GpuMemoryShort = "gpuMemoryShort",
        MemoryShort = "memoryShort",
        PortTaken = "portTaken",
        StoreNoRight = "storeNoRight",
        DiskFull = "diskFull",
        LibraryMissing = "libraryMissing",
        /// The system ended it, most often for want of memory.
        Killed = "killed",
        Panic = "panic",
    }
}

/// One of them; text under `finding.<kind>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    pub kind: FindingKind,
    /// Seen last.
    pub at: Timestamp,
    /// Name of a model, where it is about one.
    pub subject: Option<String>,
    /// The line that tells, or the figures: values of the text.
    pub line: Option<String>,
    pub now: Option<String>,
    pub before: Option<String>,
}

/// A finding to take away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DismissFinding {
    pub instance: InstanceId,
    pub kind: FindingKind,
    pub subject: Option<String>,
}

/// A card as the server itself sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compute {
    /// `cuda`, `rocm`, `vulkan`, `metal` or `cpu`, as it writes it.
    pub library: String,
    pub name: String,
    /// Compute capability or architecture.
    pub compute: Option<String>,
    pub driver: Option<String>,
    /// Bytes.
    pub total: Option<u64>,
    pub available: Option<u64>,
}

/// How a server is and has been.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HealthReport {
    pub instance: InstanceId,
    pub rules: Rules,
    /// All five, in their order.
    pub levels: Vec<LevelFact>,
    /// Over 1, 24 and 168 hours.
    pub stretches: Vec<Stretch>,
    /// The last 24 hours in 48 parts, oldest first.
    pub slots: Vec<Slot>,
    /// Newest first, at most 50.
    pub incidents: Vec<Incident>,
    pub findings: Vec<Finding>,
    pub recovery: Recovery,
    /// What it said at its last start; empty where its log cannot be read.
    pub compute: Vec<Compute>,
    /// A model up to so many bytes runs wholly on one card; `None` = not known or no card.
    pub largest: Option<u64>,
}
