use corral_contract::{
    InstanceId, Timestamp,
    health::{DismissFinding, Finding, FindingKind, Incident, IncidentKind, RecoveryState, Rules},
};
use sqlx::{Row, sqlite::SqliteRow};

use crate::{
    Result,
    db::{Db, failed, from_json, json},
};

pub(super) mod slots;
pub(super) mod speeds;

/// Incidents that are kept of an instance.
const KEPT: i64 = 200;

/// The rules of every instance that has some, and where its starting stood.
pub(super) async fn rules(db: &Db) -> Result<Vec<(InstanceId, Rules, RecoveryState)>> {
    let rows = sqlx::query("SELECT instance_id, rules, recovery FROM health_rules")
        .fetch_all(db.read())
        .await
        .map_err(failed)?;
    let row = |row: &SqliteRow| {
        let rules = serde_json::from_str(row.get("rules")).unwrap_or_default();
        let recovery = RecoveryState::parse(row.get("recovery")).unwrap_or(RecoveryState::Idle);
        (InstanceId(row.get("instance_id")), rules, recovery)
    };
    Ok(rows.iter().map(row).collect())
}

pub(super) async fn keep_rules(
    db: &Db,
    instance: InstanceId,
    rules: &Rules,
    recovery: RecoveryState,
) -> Result<()> {
    let mut transaction = db.write().await?;
    sqlx::query(
        "INSERT INTO health_rules (instance_id, rules, recovery)
         SELECT id, ?2, ?3 FROM instance WHERE id = ?1
         ON CONFLICT (instance_id) DO UPDATE SET rules = excluded.rules,
             recovery = excluded.recovery",
    )
    .bind(instance.0)
    .bind(json(rules))
    .bind(recovery.as_str())
    .execute(&mut *transaction)
    .await
    .map_err(failed)?;
    transaction.commit().await.map_err(failed)
}

/// Writes an incident down; `None` for an instance that is gone.
pub(super) async fn insert(
    db: &Db,
    instance: InstanceId,
    incident: &Incident,
) -> Result<Option<i64>> {
    let mut transaction = db.write().await?;
    let id: Option<i64> = sqlx::query_scalar(
        "INSERT INTO health_incident
             (instance_id, kind, at, until, subject, problem, cause, lines)
         SELECT id, ?2, ?3, ?4, ?5, ?6, ?7, ?8 FROM instance WHERE id = ?1
         RETURNING id",
    )
    .bind(instance.0)
    .bind(incident.kind.as_str())
    .bind(incident.at.0)
    .bind(incident.until.map(|at| at.0))
    .bind(incident.subject.as_deref())
    .bind(incident.problem.as_ref().map(json))
    .bind(incident.cause.map(FindingKind::as_str))
    .bind(json(&incident.lines))
    .fetch_optional(&mut *transaction)
    .await
    .map_err(failed)?;
    sqlx::query(
        "DELETE FROM health_incident WHERE instance_id = ?1 AND id NOT IN
             (SELECT id FROM health_incident WHERE instance_id = ?1 ORDER BY id DESC LIMIT ?2)",
    )
    .bind(instance.0)
    .bind(KEPT)
    .execute(&mut *transaction)
    .await
    .map_err(failed)?;
    transaction.commit().await.map_err(failed)?;
    Ok(id)
}

/// Changes one that is open: what it is, its end, what the log says.
pub(super) async fn update(db: &Db, incident: &Incident) -> Result<()> {
    let mut transaction = db.write().await?;
    sqlx::query(
        "UPDATE health_incident SET kind = ?2, until = ?3, subject = ?4, cause = ?5, lines = ?6
         WHERE id = ?1",
    )
    .bind(incident.id)
    .bind(incident.kind.as_str())
    .bind(incident.until.map(|at| at.0))
    .bind(incident.subject.as_deref())
    .bind(incident.cause.map(FindingKind::as_str))
    .bind(json(&incident.lines))
    .execute(&mut *transaction)
    .await
    .map_err(failed)?;
    transaction.commit().await.map_err(failed)
}

/// The last incidents of an instance, newest first.
pub(super) async fn incidents(db: &Db, instance: InstanceId, most: i64) -> Result<Vec<Incident>> {
    let rows = sqlx::query(
        "SELECT id, kind, at, until, subject, problem, cause, lines FROM health_incident
         WHERE instance_id = ? ORDER BY id DESC LIMIT ?",
    )
    .bind(instance.0)
    .bind(most)
    .fetch_all(db.read())
    .await
    .map_err(failed)?;
    Ok(rows.iter().filter_map(incident).collect())
}

/// Incidents that were open when Corral ended, the newest of each instance.
pub(super) async fn open(db: &Db) -> Result<Vec<(InstanceId, Incident)>> {
    let rows = sqlx::query(
        "SELECT instance_id, MAX(id) AS id, kind, at, until, subject, problem, cause, lines
         FROM health_incident WHERE until IS NULL AND kind IN ('down', 'crash')
         GROUP BY instance_id",
    )
    .fetch_all(db.read())
    .await
    .map_err(failed)?;
    let row = |row: &SqliteRow| Some((InstanceId(row.get("instance_id")), incident(row)?));
    Ok(rows.iter().filter_map(row).collect())
}

/// `None` for a row of a newer version whose words are unknown here.
fn incident(row: &SqliteRow) -> Option<Incident> {
    let cause: Option<String> = row.get("cause");
    let problem: Option<String> = row.get("problem");
    Some(Incident {
        id: row.get("id"),
        kind: IncidentKind::parse(row.get("kind"))?,
        at: Timestamp(row.get("at")),
        until: row.get::<Option<i64>, _>("until").map(Timestamp),
        subject: row.get("subject"),
        problem: from_json(problem.as_deref()),
        cause: cause.as_deref().and_then(FindingKind::parse),
        lines: from_json(Some(row.get("lines"))).unwrap_or_default(),
    })
}

/// Notes something that is wrong; whether it was not known yet, or dismissed before it was seen
/// again.
pub(super) async fn find(db: &Db, instance: InstanceId, finding: &Finding) -> Result<bool> {
    let mut transaction = db.write().await?;
    let subject = finding.subject.as_deref().unwrap_or_default();
    let known: Option<(i64, Option<i64>)> = sqlx::query_as(
        "SELECT at, dismissed FROM health_finding
         WHERE instance_id = ? AND kind = ? AND subject = ?",
    )
    .bind(instance.0)
    .bind(finding.kind.as_str())
    .bind(subject)
    .fetch_optional(&mut *transaction)
    .await
    .map_err(failed)?;
    // The same line is read again and again.
    if known.is_some_and(|(at, dismissed)| {
        finding.at.0 <= at || dismissed.is_some_and(|dismissed| finding.at.0 <= dismissed)
    }) {
        return Ok(false);
    }
    sqlx::query(
        "INSERT INTO health_finding (instance_id, kind, subject, at, line, now, before)
         SELECT id, ?2, ?3, ?4, ?5, ?6, ?7 FROM instance WHERE id = ?1
         ON CONFLICT (instance_id, kind, subject) DO UPDATE SET at = excluded.at,
             line = excluded.line, now = excluded.now, before = excluded.before, dismissed = NULL",
    )
    .bind(instance.0)
    .bind(finding.kind.as_str())
    .bind(subject)
    .bind(finding.at.0)
    .bind(finding.line.as_deref())
    .bind(finding.now.as_deref())
    .bind(finding.before.as_deref())
    .execute(&mut *transaction)
    .await
    .map_err(failed)?;
    transaction.commit().await.map_err(failed)?;
    Ok(known.is_none_or(|(_, dismissed)| dismissed.is_some()))
}

/// Takes a finding away, for good or until it is seen again; whether one was there.
pub(super) async fn dismiss(db: &Db, what: &DismissFinding, at: Timestamp) -> Result<bool> {
    let mut transaction = db.write().await?;
    let done = sqlx::query(
        "UPDATE health_finding SET dismissed = ?4
         WHERE instance_id = ?1 AND kind = ?2 AND subject = ?3 AND dismissed IS NULL",
    )
    .bind(what.instance.0)
    .bind(what.kind.as_str())
    .bind(what.subject.as_deref().unwrap_or_default())
    .bind(at.0)
    .execute(&mut *transaction)
    .await
    .map_err(failed)?;
    transaction.commit().await.map_err(failed)?;
    Ok(done.rows_affected() > 0)
}

/// What is wrong with an instance, newest first.
pub(super) async fn findings(db: &Db, instance: InstanceId) -> Result<Vec<Finding>> {
    let rows = sqlx::query(
        "SELECT kind, subject, at, line, now, before FROM health_finding
         WHERE instance_id = ? AND dismissed IS NULL ORDER BY at DESC LIMIT 50",
    )
    .bind(instance.0)
    .fetch_all(db.read())
    .await
    .map_err(failed)?;
    let finding = |row: &SqliteRow| {
        Some(Finding {
            kind: FindingKind::parse(row.get("kind"))?,
            at: Timestamp(row.get("at")),
            subject: Some(row.get::<String, _>("subject")).filter(|text| !text.is_empty()),
            line: row.get("line"),
            now: row.get("now"),
            before: row.get("before"),
        })
    };
    Ok(rows.iter().filter_map(finding).collect())
}
