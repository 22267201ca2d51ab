//! Variables that a server is started with: what there is, what is set, and changing it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    InstanceId, WireError, commands,
    instances::{Gpu, InstanceRef},
    models::OpRef,
    status::words,
};

mod form;
mod presets;
mod table;

pub use form::{Form, LONGEST, duration};
pub use presets::{PRESETS, Preset};
pub use table::{Group, SPECS, Spec, spec};

commands! { "environment";
    /// Every variable with what it is now and at the next start.
    read Read = read(InstanceRef) -> EnvironmentView,
    /// What a change would write, line by line; changes nothing.
    read Preview = preview(EnvironmentChange) -> EnvironmentPreview,
    /// Writes, restarts, tries the server out, and takes everything back if it does not work.
    write Apply = apply(ApplyEnvironment) -> OpRef,
}

/// The variables of one server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EnvironmentView {
    pub id: InstanceId,
    pub can_write: bool,
    /// Why not: a key under `steering.why.`.
    pub why_not: Option<String>,
    /// What is written could not be read.
    pub problem: Option<WireError>,
    /// How the current values were learnt.
    pub seen: Seen,
    /// All that Ollama knows, in the order of the table, then others that are set.
    pub variables: Vec<Variable>,
    /// Cards of this machine, for choosing among them.
    pub gpus: Vec<Gpu>,
}

words! {
    /// How the values of a running server were learnt.
    Seen {
        /// From its process.
        Process = "process",
        /// From the line that it writes at its start.
        Log = "log",
        /// It does not run, or does not show them.
        No = "no",
    }
}

/// One variable. Values have passwords in addresses left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Variable {
    pub name: String,
    /// Of the running server; `None` = not set, or not to be seen.
    pub current: Option<String>,
    /// Written down for the next start.
    pub next: Option<String>,
    pub set_by: SetBy,
    /// The file that sets it.
    pub place: Option<String>,
    /// What is wrong with what is written: a key under `reason.`.
    pub problem: Option<String>,
    /// Written here, but set by a file that Corral leaves alone.
    pub fixed: bool,
}

words! {
    /// Who set a variable.
    SetBy {
        /// Nobody: the server chooses.
        Nobody = "nobody",
        Corral = "corral",
        /// Somebody wrote it into a file.
        Hand = "hand",
        /// It came with the environment in which the server was started.
        Start = "start",
    }
}

/// New values of some variables; `None` leaves one to the server again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvironmentChange {
    pub id: InstanceId,
    pub values: BTreeMap<String, Option<String>>,
}

/// What a change would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EnvironmentPreview {
    /// Marks what is written now; sent back by [`ApplyEnvironment`].
    pub mark: String,
    /// What is written now and what would be, as lines. Passwords are left out.
    pub lines: Vec<DiffLine>,
    pub problems: Vec<FieldProblem>,
    pub warnings: Vec<Warning>,
    /// The server runs and is restarted.
    pub restarts: bool,
    /// What a person would type to the same end.
    pub equivalent: Vec<String>,
}

impl EnvironmentPreview {
    /// Whether it can be written as it is.
    #[must_use]
    pub fn possible(&self) -> bool {
        self.problems.is_empty() && self.lines.iter().any(|line| line.side != Side::Both)
    }
}

/// One line of what is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiffLine {
    pub side: Side,
    pub text: String,
}

words! {
    /// Where a line stands.
    Side {
        Both = "both",
        Before = "before",
        After = "after",
    }
}

/// A value that cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldProblem {
    pub name: String,
    /// A key under `reason.`.
    pub reason: String,
}

words! {
    /// What a user should know before he applies a change.
    Warning {
        /// Others than this machine could reach the server, which asks for no password.
        Exposed = "exposed",
        /// Every website could use the server.
        AnyOrigin = "anyOrigin",
        /// A quantised cache needs flash attention.
        CacheNeedsFlash = "cacheNeedsFlash",
        /// The models stay where they are.
        ModelsStay = "modelsStay",
        /// What is loaded goes with the restart.
        Unloads = "unloads",
        /// Corral follows the server to its new address.
        Moves = "moves",
        /// Ollama's app sets this itself, by its own settings.
        AppDecides = "appDecides",
    }
}

/// Applies what [`call::Preview`] showed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApplyEnvironment {
    pub id: InstanceId,
    pub values: BTreeMap<String, Option<String>>,
    /// Of the preview: should what is written have changed since, nothing is done.
    pub mark: String,
}
