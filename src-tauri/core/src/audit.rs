//! Who did what: one row per changing command, also when it was refused or failed.

use corral_contract::{
    WireError,
    audit::{Actor, AuditPage, AuditRequest, call},
};

use crate::{Core, Result, guard, router::Handle};

mod store;

/// Writes the row. A row that cannot be written is logged instead: the command itself has
/// happened already, and refusing it afterwards would lie.
pub(crate) async fn record(
    core: &Core,
    actor: Actor,
    command: &str,
    target: &str,
    error: Option<&WireError>,
) {
    let row = store::NewRow {
        at: core.now(),
        actor,
        command,
        target,
        outcome: guard::outcome(error),
        code: error.map(|error| error.code),
    };
    if let Err(problem) = store::insert(&core.db, &row).await {
        tracing::warn!(command, outcome = row.outcome.as_str(), %problem, "audit row not written");
    }
}

impl Handle<call::Search> for Core {
    async fn handle(&self, request: AuditRequest) -> Result<AuditPage> {
        store::search(&self.db, &request).await
    }
}
