//! Reports, and what is known of an instance's list.

use corral_contract::{
    ErrorCode, InstanceId, ModelId, TaskId, Timestamp, WireError,
    sync::{SyncHistory, SyncHistoryRequest, SyncReport, Trigger},
};
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};

use crate::{
    Core, Result,
    db::{failed, from_json, json},
};

/// Reports kept per instance.
const KEPT: i64 = 500;
/// Reports of a page when none are asked for, and at most.
const USUAL: u32 = 50;
const MOST: u32 = 200;

/// What a comparison needs of a row.
#[derive(Debug, Clone)]
pub(super) struct Known {
    /// As the server wrote it.
    pub(super) name: String,
    pub(super) id: ModelId,
    pub(super) on_server: bool,
    /// Waits to be deleted.
    pub(super) hidden: bool,
    pub(super) mark: Option<i64>,
}

/// The name of an instance.
pub(super) async fn name(core: &Core, instance: InstanceId) -> Result<String> {
    sqlx::query_scalar("SELECT name FROM instance WHERE id = ?")
        .bind(instance.0)
        .fetch_optional(core.db.read())
        .await
        .map_err(failed)?
        .ok_or_else(|| WireError::new(ErrorCode::NotFound).with("instance", instance))
}

/// All rows as one text: handing them over one by one takes longer than finding them. Read in the
/// order of the table, because an index would look up each of them somewhere else.
const KNOWN: &str =
    "SELECT json_group_array(json_array(name, id, on_server, hidden_until IS NOT NULL, mark))
     FROM model NOT INDEXED WHERE instance_id = ?";

/// Every row of an instance.
pub(super) async fn known(core: &Core, instance: InstanceId) -> Result<Vec<Known>> {
    let rows: String = sqlx::query_scalar(KNOWN)
        .bind(instance.0)
        .fetch_one(core.db.read())
        .await
        .map_err(failed)?;
    let rows: Vec<(String, i64, u8, u8, Option<i64>)> = serde_json::from_str(&rows)
        .map_err(|error| WireError::new(ErrorCode::StructTransform).detail(error.to_string()))?;
    let known = |(name, id, on_server, hidden, mark)| Known {
        name,
        id: ModelId(id),
        on_server: on_server != 0,
        hidden: hidden != 0,
        mark,
    };
    Ok(rows.into_iter().map(known).collect())
}

/// The hash of the list that the rows agree with.
pub(super) async fn hash(core: &Core, instance: InstanceId) -> Result<Option<String>> {
    sqlx::query_scalar("SELECT tags_hash FROM instance WHERE id = ?")
        .bind(instance.0)
        .fetch_optional(core.db.read())
        .await
        .map_err(failed)
        .map(Option::flatten)
}

/// The rows agree with a list.
pub(super) async fn seen(
    core: &Core,
    instance: InstanceId,
    hash: &str,
    now: Timestamp,
) -> Result<()> {
    let mut transaction = core.db.write().await?;
    seen_in(&mut transaction, instance, hash, now).await?;
    transaction.commit().await.map_err(failed)
}

/// As [`seen`], inside a transaction.
pub(super) async fn seen_in(
    connection: &mut SqliteConnection,
    instance: InstanceId,
    hash: &str,
    now: Timestamp,
) -> Result<()> {
    sqlx::query("UPDATE instance SET tags_hash = ?, last_sync = ? WHERE id = ?")
        .bind(hash)
        .bind(now.0)
        .bind(instance.0)
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(())
}

/// Rows changed by themselves: the next sync compares even if the list did not change.
pub(crate) async fn look_again(
    connection: &mut SqliteConnection,
    instance: InstanceId,
) -> Result<()> {
    sqlx::query("UPDATE instance SET tags_hash = NULL WHERE id = ?")
        .bind(instance.0)
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(())
}

/// Keeps a report and forgets the oldest ones of its instance.
pub(super) async fn keep(core: &Core, report: &SyncReport) -> Result<i64> {
    let mut transaction = core.db.write().await?;
    let id: i64 = sqlx::query_scalar(
        "INSERT INTO sync_report (instance_id, trigger, added, updated, removed, unchanged, errors,
                                  items, started_at, duration_ms, task_id, asks_empty)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
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
    .fetch_one(&mut *transaction)
    .await
    .map_err(failed)?;
    sqlx::query(
        "DELETE FROM sync_report WHERE instance_id = ?1 AND id <= (
             SELECT id FROM sync_report WHERE instance_id = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
    )
    .bind(report.instance.0)
    .bind(KEPT)
    .execute(&mut *transaction)
    .await
    .map_err(failed)?;
    transaction.commit().await.map_err(failed)?;
    Ok(id)
}

/// Past reports, newest first, without their items.
pub(super) async fn history(core: &Core, request: &SyncHistoryRequest) -> Result<SyncHistory> {
    let limit = match request.limit {
        0 => USUAL,
        1..=MOST => request.limit,
        _ => return Err(WireError::field("limit", "outOfRange").with("min", 1).with("max", MOST)),
    };
    let rows = sqlx::query(
        "SELECT id, instance_id, trigger, added, updated, removed, unchanged, errors, started_at,
                duration_ms, task_id, asks_empty
         FROM sync_report WHERE ?1 IS NULL OR instance_id = ?1 ORDER BY id DESC LIMIT ?2",
    )
    .bind(request.instance.map(|id| id.0))
    .bind(limit)
    .fetch_all(core.db.read())
    .await
    .map_err(failed)?;
    Ok(SyncHistory { items: rows.iter().filter_map(report).collect() })
}

/// One past report, whole.
pub(super) async fn past(core: &Core, id: i64) -> Result<SyncReport> {
    let row = sqlx::query(
        "SELECT id, instance_id, trigger, added, updated, removed, unchanged, errors, items,
                started_at, duration_ms, task_id, asks_empty
         FROM sync_report WHERE id = ?",
    )
    .bind(id)
    .fetch_optional(core.db.read())
    .await
    .map_err(failed)?;
    let found = row.and_then(|row| {
        let items = from_json(Some(row.get("items"))).unwrap_or_default();
        Some(SyncReport { items, ..report(&row)? })
    });
    found.ok_or_else(|| WireError::new(ErrorCode::NotFound))
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
    })
}
