//! What this machine has left, and whether that is enough for more.

use serde::{Deserialize, Serialize};

use crate::{InstanceId, WireError, command::Nothing, commands, status::words};

commands! { "resources";
    /// As it was looked at last.
    read View = view(Nothing) -> ResourcesView,
}

words! {
    /// What may run short.
    ResourceKind {
        /// The disk that the models of an instance lie on.
        Disk = "disk",
        Ram = "ram",
        Cpu = "cpu",
        /// The memory of the graphics cards together.
        Gpu = "gpu",
        /// Ollama's own registry, by how it answered when it was last asked for something.
        Registry = "registry",
    }
}

words! {
    /// How much is left.
    Level {
        /// The system does not tell, or nobody asked yet.
        Unknown = "unknown",
        Ok = "ok",
        Warn = "warn",
        /// New work waits; what runs goes on.
        Critical = "critical",
    }
}

/// All that is known. Of servers elsewhere nothing is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ResourcesView {
    pub items: Vec<Resource>,
}

/// One thing that may run short.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Resource {
    pub kind: ResourceKind,
    /// Whose disk.
    pub instance: Option<InstanceId>,
    /// A folder or a host; empty where there is only one.
    pub subject: String,
    pub level: Level,
    /// What is used, 0 to 100.
    pub percent: Option<u8>,
    /// Bytes.
    pub used: Option<u64>,
    pub total: Option<u64>,
    /// Why the registry does not answer.
    pub problem: Option<WireError>,
}
