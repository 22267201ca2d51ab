//! Past reports.

use corral_contract::{
    ErrorCode, InstanceId, TaskId, Timestamp, WireError,
    sync::{SyncHistory, SyncHistoryRequest, SyncReport, SyncResult, Trigger},
};
use sqlx::{Row, sqlite::SqliteRow};

use crate::{
    Core, Result,
    db::{failed, from_json, json},
};

/// Reports of a page when none are asked for, and at most.
const USUAL: u32 = 50;
const MOST: u32 = 200;

/// Keeps a report.
pub(in crate::sync) async fn keep(core: &Core, report: &SyncReport) -> Result<i64> {
    let mut transaction = core.db.write().await?;
    let id: i64 = sqlx::query_scalar(
        "INSERT INTO sync_report (instance_id, trigger, added, updated, removed, unchanged, errors,
                                  items, started_at, duration_ms, task_id, asks_empty, completed)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
    )
    .bind(report.instance.0)
    .bind(report.trigger.as_str())
    .bind(report.added)
    .bind(report.updated)
    .bind(report.removed)
    .bind(report.unchanged)
    .bind(json(&report.errors))
    .bind(json(&report.items))
    .bind(report.started_at.0)
    .bind(report.duration_ms.cast_signed())
    .bind(report.task.map(|id| id.0))
    .bind(report.asks_empty)
    .bind(report.completed)
    .fetch_one(&mut *transaction)
    .await
    .map_err(failed)?;
    transaction.commit().await.map_err(failed)?;
    Ok(id)
}

/// Forgets reports older than `oldest`, and of each instance all but the latest `most`. Answers
/// how many.
pub(in crate::sync) async fn prune(core: &Core, oldest: Timestamp, most: u32) -> Result<u64> {
    let mut transaction = core.db.write().await?;
    let old = sqlx::query("DELETE FROM sync_report WHERE started_at < ?")
        .bind(oldest.0)
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
    let many = sqlx::query(
        "DELETE FROM sync_report WHERE id IN (
             SELECT id FROM (
                 SELECT id, row_number() OVER (PARTITION BY instance_id ORDER BY id DESC) AS place
                 FROM sync_report)
             WHERE place > ?)",
    )
    .bind(most)
    .execute(&mut *transaction)
    .await
    .map_err(failed)?;
    transaction.commit().await.map_err(failed)?;
    Ok(old.rows_affected() + many.rows_affected())
}

/// Past reports, newest first, without their items. `?3` is empty or one of [`SyncResult`].
const HISTORY: &str =
    "SELECT id, instance_id, trigger, added, updated, removed, unchanged, errors, started_at,
            duration_ms, task_id, asks_empty, completed
     FROM sync_report
     WHERE (?1 IS NULL OR instance_id = ?1) AND (?2 IS NULL OR trigger = ?2)
       AND (?3 IS NULL OR ?3 = CASE
               WHEN errors <> '[]' THEN 'failed'
               WHEN NOT completed THEN 'stopped'
               WHEN added + updated + removed > 0 THEN 'changed'
               ELSE 'unchanged' END)
       AND (?4 IS NULL OR id < ?4)
     ORDER BY id DESC LIMIT ?5";

/// Past reports, newest first, without their items.
pub(in crate::sync) async fn history(
    core: &Core,
    request: &SyncHistoryRequest,
) -> Result<SyncHistory> {
    let limit = match request.limit {
        0 => USUAL,
        1..=MOST => request.limit,
        _ => return Err(WireError::field("limit", "outOfRange").with("min", 1).with("max", MOST)),
    };
    let rows = sqlx::query(HISTORY)
        .bind(request.instance.map(|id| id.0))
        .bind(request.trigger.map(Trigger::as_str))
        .bind(request.result.map(SyncResult::as_str))
        .bind(request.before)
        .bind(limit + 1)
        .fetch_all(core.db.read())
        .await
        .map_err(failed)?;
    let more = rows.len() > limit as usize;
    let items = rows.iter().take(limit as usize).filter_map(report).collect();
    Ok(SyncHistory { items, more })
}

/// One past report, whole.
pub(in crate::sync) async fn past(core: &Core, id: i64) -> Result<SyncReport> {
    let row = sqlx::query(
        "SELECT id, instance_id, trigger, added, updated, removed, unchanged, errors, items,
                started_at, duration_ms, task_id, asks_empty, completed
         FROM sync_report WHERE id = ?",
    )
    .bind(id)
    .fetch_optional(core.db.read())
    .await
    .map_err(failed)?;
    row.as_ref().and_then(whole).ok_or_else(|| WireError::new(ErrorCode::NotFound))
}

/// The reports of an instance after one up to another, oldest first, whole.
pub(in crate::sync) async fn between(
    core: &Core,
    instance: InstanceId,
    after: i64,
    to: i64,
) -> Result<Vec<SyncReport>> {
    let rows = sqlx::query(
        "SELECT id, instance_id, trigger, added, updated, removed, unchanged, errors, items,
                started_at, duration_ms, task_id, asks_empty, completed
         FROM sync_report WHERE instance_id = ? AND id > ? AND id <= ?
           AND added + updated + removed > 0
         ORDER BY id",
    )
    .bind(instance.0)
    .bind(after)
    .bind(to)
    .fetch_all(core.db.read())
    .await
    .map_err(failed)?;
    Ok(rows.iter().filter_map(whole).collect())
}

fn whole(row: &SqliteRow) -> Option<SyncReport> {
    let items = from_json(Some(row.get("items"))).unwrap_or_default();
    Some(SyncReport { items, ..report(row)? })
}

/// `None` for a row of a newer version whose words are unknown here.
fn report(row: &SqliteRow) -> Option<SyncReport> {
    Some(SyncReport {
        id: row.get("id"),
        instance: InstanceId(row.get("instance_id")),
        trigger: Trigger::parse(row.get("trigger"))?,
        added: row.get("added"),
        updated: row.get("updated"),
        removed: row.get("removed"),
        unchanged: row.get("unchanged"),
        errors: from_json(Some(row.get("errors"))).unwrap_or_default(),
        items: Vec::new(),
        started_at: Timestamp(row.get("started_at")),
        duration_ms: row.get::<i64, _>("duration_ms").cast_unsigned(),
        task: row.get::<Option<i64>, _>("task_id").map(TaskId),
        asks_empty: row.get("asks_empty"),
        completed: row.get("completed"),
    })
}
