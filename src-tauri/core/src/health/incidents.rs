//! What happened to a server, written down when it begins and when it is over.

use corral_contract::{
    InstanceId, WireError,
    health::{FindingKind, Incident, IncidentKind},
};

use super::{causes, changed, store};
use crate::{Core, serverlogs};

/// Lines of the log that are kept beside an incident.
const LINES: u32 = 20;

/// Something that has no length.
pub(super) async fn note(
    core: &Core,
    instance: InstanceId,
    kind: IncidentKind,
    subject: Option<String>,
    problem: Option<WireError>,
) {
    let now = core.now();
    let incident = Incident {
        id: 0,
        kind,
        at: now,
        until: Some(now),
        subject,
        problem,
        cause: None,
        lines: Vec::new(),
    };
    keep(core, instance, incident).await;
}

/// Something that goes on, with what the log says of it; as it was kept.
pub(super) async fn open(
    core: &Core,
    instance: InstanceId,
    kind: IncidentKind,
    problem: Option<WireError>,
) -> Option<Incident> {
    let (lines, cause) = said(core, instance).await;
    let at = core.now();
    let incident = Incident { id: 0, kind, at, until: None, subject: None, problem, cause, lines };
    keep(core, instance, incident).await
}

/// The last lines of the log, without secrets, and the reason that they name.
pub(super) async fn said(core: &Core, instance: InstanceId) -> (Vec<String>, Option<FindingKind>) {
    match serverlogs::tail(core, instance, LINES).await {
        Ok(lines) => (lines.iter().map(serverlogs::written).collect(), causes::last(&lines)),
        // Without a log there is less to tell, and nothing else changes.
        Err(error) => {
            tracing::debug!(instance = %instance, %error, "no lines beside an incident");
            (Vec::new(), None)
        }
    }
}

async fn keep(core: &Core, instance: InstanceId, mut incident: Incident) -> Option<Incident> {
    let kept = store::insert(&core.db, instance, &incident).await;
    match kept {
        Ok(Some(id)) => incident.id = id,
        Ok(None) => return None,
        Err(error) => tracing::warn!(%error, "an incident was not kept"),
    }
    changed(core, instance);
    Some(incident)
}

/// Writes down what became of one.
pub(super) async fn update(core: &Core, instance: InstanceId, incident: &Incident) {
    if let Err(error) = store::update(&core.db, incident).await {
        tracing::warn!(%error, "the end of an incident was not kept");
    }
    changed(core, instance);
}
