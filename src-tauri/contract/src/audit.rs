//! Who did what.

use serde::{Deserialize, Serialize};

use crate::{ErrorCode, Timestamp, commands, status::words};

commands! { "audit";
    /// Audit rows, newest first.
    read Search = search(AuditRequest) -> AuditPage,
}

words! {
    /// Who asked.
    Actor {
        Window = "window",
        Tray = "tray",
        Scheduler = "scheduler",
    }
}

words! {
    /// How it ended.
    Outcome {
        Done = "done",
        Refused = "refused",
        Failed = "failed",
    }
}

/// Restricts [`call::Search`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AuditRequest {
    pub actor: Option<Actor>,
    /// Exact `domain.name`.
    pub command: Option<String>,
    pub outcome: Option<Outcome>,
    /// Part of the target.
    pub target: Option<String>,
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
    /// Rows older than this id.
    pub before: Option<i64>,
    /// 1 to 500; 0 means 100.
    pub limit: u32,
}

/// Audit rows, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditPage {
    pub items: Vec<AuditEntry>,
    pub more: bool,
}

/// One row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditEntry {
    pub id: i64,
    pub at: Timestamp,
    pub actor: Actor,
    /// `domain.name`.
    pub command: String,
    /// What it was about, in words; no secrets.
    pub target: String,
    pub outcome: Outcome,
    pub code: Option<ErrorCode>,
}
