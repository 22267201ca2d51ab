use corral_contract::{
    ErrorCode, Timestamp,
    audit::{Actor, AuditEntry, AuditPage, AuditRequest, Outcome},
};
use sqlx::Row;

use crate::{
    Result,
    db::{Db, failed},
};

pub(super) struct NewRow<'a> {
    pub(super) at: Timestamp,
    pub(super) actor: Actor,
    pub(super) command: &'a str,
    pub(super) target: &'a str,
    pub(super) outcome: Outcome,
    pub(super) code: Option<ErrorCode>,
}

pub(super) async fn insert(db: &Db, row: &NewRow<'_>) -> Result<()> {
    let mut transaction = db.write().await?;
    sqlx::query(
        "INSERT INTO audit (at, actor, command, target, outcome, code) VALUES (?, ?, ?, ?, ?, ?)",
    )
    .bind(row.at.0)
    .bind(row.actor.as_str())
    .bind(row.command)
    .bind(row.target)
    .bind(row.outcome.as_str())
    .bind(row.code.map(ErrorCode::as_str))
    .execute(&mut *transaction)
    .await
    .map_err(failed)?;
    transaction.commit().await.map_err(failed)
}

pub(super) async fn search(db: &Db, request: &AuditRequest) -> Result<AuditPage> {
    let limit = match request.limit {
        0 => 100,
        limit => limit.min(500),
    };
    let rows = sqlx::query(
        "SELECT id, at, actor, command, target, outcome, code FROM audit
         WHERE (?1 IS NULL OR actor = ?1)
           AND (?2 IS NULL OR command = ?2)
           AND (?3 IS NULL OR outcome = ?3)
           AND (?4 IS NULL OR instr(lower(target), lower(?4)) > 0)
           AND (?5 IS NULL OR at >= ?5)
           AND (?6 IS NULL OR at <= ?6)
           AND (?7 IS NULL OR id < ?7)
         ORDER BY id DESC LIMIT ?8",
    )
    .bind(request.actor.map(Actor::as_str))
    .bind(request.command.as_deref())
    .bind(request.outcome.map(Outcome::as_str))
    .bind(request.target.as_deref())
    .bind(request.from.map(|at| at.0))
    .bind(request.to.map(|at| at.0))
    .bind(request.before)
    .bind(i64::from(limit) + 1)
    .fetch_all(db.read())
    .await
    .map_err(failed)?;
    let more = rows.len() > limit as usize;
    let items = rows.iter().take(limit as usize).filter_map(entry).collect();
    Ok(AuditPage { items, more })
}

/// `None` for a row of a newer version whose words are unknown here.
fn entry(row: &sqlx::sqlite::SqliteRow) -> Option<AuditEntry> {
    let code: Option<String> = row.get("code");
    Some(AuditEntry {
        id: row.get("id"),
        at: Timestamp(row.get("at")),
        actor: Actor::parse(row.get("actor"))?,
        command: row.get("command"),
        target: row.get("target"),
        outcome: Outcome::parse(row.get("outcome"))?,
        code: code
            .and_then(|code| ErrorCode::ALL.iter().copied().find(|each| each.as_str() == code)),
    })
}
