//! Ollama servers that Corral knows.

use serde::{Deserialize, Serialize};

use crate::{
    InstanceId, Timestamp, WireError,
    command::Nothing,
    commands,
    installs::InstallOllama,
    models::OpRef,
    status::words,
    steering::{AllowSteering, Conflict, SetAutostart, SteeringView},
};

commands! { "instances";
    /// All known instances.
    read List = list(Nothing) -> InstanceList,
    /// Looks for servers on this machine; changes nothing.
    read Detect = detect(Nothing) -> Detected,
    /// Adds one after asking it once; an unreachable one may be added with `force`.
    write Add = add(InstanceDraft) -> InstanceView,
    /// Changes address, headers or name.
    write Update = update(UpdateInstance) -> InstanceView,
    /// Forgets it. Never touches the server or its models.
    write Remove = remove(InstanceRef) -> Removed,
    /// Asks it now instead of waiting for the next poll.
    read Probe = probe(InstanceRef) -> InstanceView,
    /// Tries an address before it is added.
    read Test = test(InstanceDraft) -> ApiFact,
    /// What runs it, and what can be done to that; changes nothing.
    read Steering = steering(InstanceRef) -> SteeringView,
    /// Starts its process or service, and waits until it answers.
    write Start = start(InstanceRef) -> OpRef,
    /// Ends its process or service. What it holds in memory goes.
    write Stop = stop(InstanceRef) -> OpRef,
    /// Both, one after the other.
    write Restart = restart(InstanceRef) -> OpRef,
    /// Whether the system starts it by itself.
    write Autostart = set_autostart(SetAutostart) -> SteeringView,
    /// The user lets Corral steer a server that is not Corral's, or takes that back.
    write Allow = allow(AllowSteering) -> SteeringView,
    /// Fetches Ollama for this machine, runs it and registers it.
    write Install = install(InstallOllama) -> OpRef,
}

/// Names one instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceRef {
    pub id: InstanceId,
}

/// All instances in the order they were added.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InstanceList {
    pub items: Vec<InstanceView>,
}

/// What went with a removed instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removed {
    /// Rows forgotten; the files stay on the server.
    pub models: u64,
    /// Queue entries that lost their instance and were cancelled.
    pub jobs: u64,
    /// Names of versions before an update, which stay on the server and take room there.
    #[serde(default)]
    pub kept: Vec<String>,
}

words! {
    /// How an instance came to be known.
    Kind {
        /// Installed and run by Corral.
        NativeManaged = "native-managed",
        /// Found on this machine.
        NativeAdopted = "native-adopted",
        /// Given by address.
        Remote = "remote",
    }
}

words! {
    /// What runs a found server.
    Runner {
        /// Corral itself.
        Managed = "managed",
        /// Ollama's own app.
        App = "app",
        Systemd = "systemd",
        Launchd = "launchd",
        WindowsService = "windowsService",
        /// A process somebody started.
        Process = "process",
        Unknown = "unknown",
    }
}

/// An instance as the window shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InstanceView {
    pub id: InstanceId,
    pub name: String,
    pub kind: Kind,
    pub runner: Runner,
    /// Without credentials.
    pub url: String,
    /// Names of the extra headers; the values stay in the core.
    pub header_names: Vec<String>,
    pub has_custom_ca: bool,
    /// First fact: the process or service.
    pub service: ServiceFact,
    /// Second fact: the API.
    pub api: ApiFact,
    pub store: StoreFact,
    /// Models known, and of those in memory.
    pub models: u64,
    pub running: u64,
    pub last_sync: Option<Timestamp>,
    /// When its schedule has it compared next; `None` = not by itself, or not known yet.
    pub next_sync: Option<Timestamp>,
    /// The server listens beyond loopback without protection we know of.
    pub exposed: bool,
    /// Other servers of this machine that want its port or its models folder; named, not fought.
    #[serde(default)]
    pub conflicts: Vec<Conflict>,
    /// Latencies of the last polls in ms, oldest first, `None` = no answer; at most 60.
    pub latencies: Vec<Option<u32>>,
}

/// Whether the process or service runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceFact {
    pub state: ServiceState,
    pub pid: Option<u32>,
    pub since: Option<Timestamp>,
}

words! {
    /// State of the process or service.
    ServiceState {
        Running = "running",
        Stopped = "stopped",
        /// Another machine's, or not to be seen from here.
        Unknown = "unknown",
    }
}

/// Whether the API answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiFact {
    pub state: ApiState,
    pub version: Option<String>,
    /// Of the last answer, in ms.
    pub latency_ms: Option<u32>,
    /// Why it is not well.
    pub problem: Option<WireError>,
    /// When this was last asked.
    pub checked_at: Option<Timestamp>,
    /// Since when it is in this state.
    pub since: Option<Timestamp>,
}

words! {
    /// State of the API.
    ApiState {
        /// Not asked yet.
        Checking = "checking",
        Ok = "ok",
        /// Answers, but something limits it (too old).
        Limited = "limited",
        Down = "down",
    }
}

/// Where the models are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoreFact {
    /// `None` = not known from here.
    pub path: Option<String>,
    pub source: StoreSource,
    /// Ours to write; `None` = not known.
    pub writable: Option<bool>,
    pub free: Option<u64>,
    pub total: Option<u64>,
}

words! {
    /// How the models folder was learnt.
    StoreSource {
        Show = "show",
        Log = "log",
        Environment = "environment",
        Default = "default",
        Unknown = "unknown",
    }
}

/// A server to add or to try.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct InstanceDraft {
    /// Shown name; empty = made from the address.
    pub name: String,
    /// `host`, `host:port` or a URL; without a port 11434, as Ollama reads it.
    pub url: String,
    /// Name and value; values are secrets.
    pub headers: Vec<(String, String)>,
    /// PEM text of an extra certificate authority.
    pub custom_ca: Option<String>,
    /// Add it although it does not answer.
    pub force: bool,
    /// Set by detect: how it was found.
    pub found: Option<Runner>,
}

/// Changes one instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UpdateInstance {
    pub id: InstanceId,
    pub name: Option<String>,
    pub url: Option<String>,
    /// `None` = leave; replaces all. A value of `None` keeps the stored value of that name.
    pub headers: Option<Vec<(String, Option<String>)>>,
    /// `None` = leave, empty = remove.
    pub custom_ca: Option<String>,
}

/// What a look at this machine found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Detected {
    pub servers: Vec<DetectedServer>,
    /// Graphics cards as the system tells them.
    pub gpus: Vec<Gpu>,
    /// How long the look took, in ms.
    pub took_ms: u64,
}

/// One server found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DetectedServer {
    pub url: String,
    pub runner: Runner,
    pub pid: Option<u32>,
    pub api: ApiFact,
    pub store: Option<String>,
    pub models: Option<u64>,
    /// Bytes of them, as the server says.
    #[serde(default)]
    pub bytes: Option<u64>,
    /// Bytes that are free where they lie.
    #[serde(default)]
    pub free: Option<u64>,
    /// It is one of ours already.
    pub known: Option<InstanceId>,
    /// Two servers share a port or a models folder; named, not fought.
    pub conflict: Option<String>,
}

/// A graphics card.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Gpu {
    pub name: String,
    pub vendor: String,
    /// Bytes; `None` where the system does not tell.
    pub memory: Option<u64>,
    pub used: Option<u64>,
}
