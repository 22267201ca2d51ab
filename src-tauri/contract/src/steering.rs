//! What runs a server, and what can be done to that.

use serde::{Deserialize, Serialize};

use crate::{InstanceId, instances::Runner, status::words};

words! {
    /// Whether Corral may do what it can do.
    Consent {
        /// Corral started the server or set it up.
        Ours = "ours",
        /// Not Corral's, and nobody was asked yet: asked before each step.
        Ask = "ask",
        /// Not Corral's; the user said that he need not be asked again.
        Always = "always",
    }
}

/// How far the user lets Corral go with a server that is not Corral's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AllowSteering {
    pub id: InstanceId,
    pub how: Allowance,
}

words! {
    /// For how long something is allowed.
    Allowance {
        /// The next step only.
        Once = "once",
        Always = "always",
        /// Takes back what was allowed.
        Never = "never",
    }
}

/// Whether the system starts a server by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetAutostart {
    pub id: InstanceId,
    pub on: bool,
}

/// What can be done to what runs a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SteeringView {
    pub id: InstanceId,
    pub runner: Runner,
    /// The unit, service, label or program that runs it; `None` = nothing was found.
    pub unit: Option<String>,
    pub can_start: bool,
    pub can_stop: bool,
    /// Its variables can be written.
    pub can_configure: bool,
    pub can_autostart: bool,
    /// Why something cannot be done: a key under `steering.why.`.
    pub why_not: Option<String>,
    pub consent: Consent,
    /// `None` = the system does not tell.
    pub autostart: Option<bool>,
    /// What a person would type for the same, one command a line.
    pub start: Vec<String>,
    pub stop: Vec<String>,
    pub restart: Vec<String>,
    /// The same for its start by the system.
    pub enable: Vec<String>,
    pub disable: Vec<String>,
    /// Other servers of this machine that want the same; named, not fought.
    pub conflicts: Vec<Conflict>,
}

/// Two servers want the same thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    pub over: Contested,
    /// The address or the models folder that both have.
    pub what: String,
    /// The other one's process, where it runs.
    pub pid: Option<u32>,
}

words! {
    /// What two servers cannot both have.
    Contested {
        Port = "port",
        Models = "models",
    }
}
