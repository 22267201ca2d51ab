//! Rows of exports, imports and copies.

use corral_contract::{
    ErrorCode, TaskId, Timestamp, WireError,
    bundles::{MoveOutcome, MovedItem},
    tasks::TaskKind,
};
use sqlx::Row;

use super::job::Wish;
use crate::{
    Result,
    db::{Db, failed, from_json, json},
};

/// Rows that are kept once they are over.
const KEPT: i64 = 200;

/// Keeps a wish; answers its row.
///
/// # Errors
/// Database errors.
pub(super) async fn insert(
    db: &Db,
    wish: &Wish,
    items: &[MovedItem],
    now: Timestamp,
) -> Result<i64> {
    let mut transaction = db.write().await?;
    let row = sqlx::query_scalar(
        "INSERT INTO move (kind, request, items, created_at) VALUES (?, ?, ?, ?) RETURNING id",
    )
    .bind(wish.kind().as_str())
    .bind(json(wish))
    .bind(json(&items))
    .bind(now.0)
    .fetch_one(&mut *transaction)
    .await
    .map_err(failed)?;
    sqlx::query(
        "DELETE FROM move WHERE finished_at IS NOT NULL AND id NOT IN
             (SELECT id FROM move ORDER BY id DESC LIMIT ?)",
    )
    .bind(KEPT)
    .execute(&mut *transaction)
    .await
    .map_err(failed)?;
    transaction.commit().await.map_err(failed)?;
    Ok(row)
}

/// The task that works on it now.
///
/// # Errors
/// Database errors.
pub(super) async fn set_task(db: &Db, row: i64, task: TaskId) -> Result<()> {
    let mut transaction = db.write().await?;
    sqlx::query("UPDATE move SET task_id = ? WHERE id = ? AND finished_at IS NULL")
        .bind(task.0)
        .bind(row)
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
    transaction.commit().await.map_err(failed)
}

/// How it goes with its models.
///
/// # Errors
/// Database errors.
pub(super) async fn set_items(db: &Db, row: i64, items: &[MovedItem]) -> Result<()> {
    let mut transaction = db.write().await?;
    sqlx::query("UPDATE move SET items = ? WHERE id = ? AND finished_at IS NULL")
        .bind(json(&items))
        .bind(row)
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
    transaction.commit().await.map_err(failed)
}

/// It is over, however it ended.
///
/// # Errors
/// Database errors.
pub(super) async fn close(db: &Db, row: i64, now: Timestamp) -> Result<()> {
    let mut transaction = db.write().await?;
    sqlx::query("UPDATE move SET finished_at = ? WHERE id = ? AND finished_at IS NULL")
        .bind(now.0)
        .bind(row)
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
    transaction.commit().await.map_err(failed)
}

/// Rows that are not over, with what was asked for; `None` for a wish of another version.
///
/// # Errors
/// Database errors.
pub(super) async fn open(db: &Db) -> Result<Vec<(i64, Option<Wish>)>> {
    let rows = sqlx::query("SELECT id, request FROM move WHERE finished_at IS NULL ORDER BY id")
        .fetch_all(db.read())
        .await
        .map_err(failed)?;
    Ok(rows.iter().map(|row| (row.get("id"), from_json(row.get("request")))).collect())
}

/// How it went, by its task.
///
/// # Errors
/// `NOT_FOUND`, `STRUCT_TRANSFORM`, database errors.
pub(super) async fn outcome(db: &Db, task: TaskId) -> Result<MoveOutcome> {
    let row = sqlx::query("SELECT kind, items, finished_at FROM move WHERE task_id = ?")
        .bind(task.0)
        .fetch_optional(db.read())
        .await
        .map_err(failed)?;
    let row = row.ok_or_else(|| WireError::new(ErrorCode::NotFound).with("task", task))?;
    let kind: &str = row.get("kind");
    let unknown = || WireError::new(ErrorCode::StructTransform).detail(format!("kind: {kind:?}"));
    Ok(MoveOutcome {
        task,
        kind: TaskKind::parse(kind).ok_or_else(unknown)?,
        finished_at: row.get::<Option<i64>, _>("finished_at").map(Timestamp),
        items: from_json(row.get("items")).unwrap_or_default(),
    })
}
