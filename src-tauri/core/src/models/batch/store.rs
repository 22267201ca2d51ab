//! Batches in the database.

use corral_contract::{
    BatchId, ErrorCode, ModelId, TaskId, Timestamp, WireError,
    models::{BatchItem, BatchOp, BatchView, ItemState},
};
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};

use crate::{
    Core, Result,
    db::{failed, from_json, json},
};

/// Finished batches that a snapshot carries.
const RECENT: i64 = 10;
/// Batches kept; older ones go when a new one comes.
const KEPT: i64 = 200;

/// A batch with what only the core needs.
pub(in crate::models) struct StoredBatch {
    pub(in crate::models) view: BatchView,
    pub(in crate::models) force: bool,
    pub(in crate::models) for_good: bool,
    /// What each model was when it was chosen.
    pub(in crate::models) digests: Vec<Option<String>>,
}

/// A batch to write down.
pub(in crate::models) struct NewBatch<'a> {
    pub(in crate::models) op: BatchOp,
    pub(in crate::models) force: bool,
    pub(in crate::models) for_good: bool,
    pub(in crate::models) at: Timestamp,
    pub(in crate::models) undo_until: Option<Timestamp>,
    pub(in crate::models) items: &'a [BatchItem],
    /// What each model is now, as far as it matters.
    pub(in crate::models) digests: &'a [Option<String>],
}

pub(in crate::models) async fn insert(
    connection: &mut SqliteConnection,
    new: NewBatch<'_>,
) -> Result<BatchId> {
    let id: i64 = sqlx::query_scalar(
        "INSERT INTO batch (op, force, for_good, started_at, undo_until)
         VALUES (?, ?, ?, ?, ?) RETURNING id",
    )
    .bind(new.op.as_str())
    .bind(new.force)
    .bind(new.for_good)
    .bind(new.at.0)
    .bind(new.undo_until.map(|at| at.0))
    .fetch_one(&mut *connection)
    .await
    .map_err(failed)?;
    let items: Vec<_> = new
        .items
        .iter()
        .enumerate()
        .map(|(ordinal, item)| {
            serde_json::json!([
                item.model.0,
                item.name,
                item.state.as_str(),
                item.problem.as_ref().map(json),
                new.digests.get(ordinal).and_then(Option::as_ref),
            ])
        })
        .collect();
    sqlx::query(
        "INSERT INTO batch_item (batch_id, ordinal, model_id, name, state, problem, digest)
         SELECT ?1, key, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4
         FROM json_each(?2)",
    )
    .bind(id)
    .bind(json(&items))
    .execute(&mut *connection)
    .await
    .map_err(failed)?;
    sqlx::query("DELETE FROM batch WHERE id <= ? AND finished_at IS NOT NULL")
        .bind(id - KEPT)
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(BatchId(id))
}

pub(super) async fn set_item(
    core: &Core,
    batch: BatchId,
    ordinal: usize,
    item: &BatchItem,
) -> Result<()> {
    let mut transaction = core.db.write().await?;
    sqlx::query(
        "UPDATE batch_item SET state = ?, task_id = ?, problem = ?
         WHERE batch_id = ? AND ordinal = ?",
    )
    .bind(item.state.as_str())
    .bind(item.task.map(|id| id.0))
    .bind(item.problem.as_ref().map(json))
    .bind(batch.0)
    .bind(ordinal as i64)
    .execute(&mut *transaction)
    .await
    .map_err(failed)?;
    transaction.commit().await.map_err(failed)
}

/// As [`set_item`], of many at once.
pub(super) async fn set_items(
    connection: &mut SqliteConnection,
    batch: BatchId,
    items: &[(usize, BatchItem)],
) -> Result<()> {
    let rows: Vec<_> = items
        .iter()
        .map(|(ordinal, item)| {
            serde_json::json!([
                batch.0,
                ordinal,
                item.state.as_str(),
                item.task.map(|id| id.0),
                item.problem.as_ref().map(json),
            ])
        })
        .collect();
    // The batch stands in every row: bound once, SQLite would hold each item of the batch against
    // each of these.
    sqlx::query(
        "UPDATE batch_item SET state = set_to.value ->> 2, task_id = set_to.value ->> 3,
                problem = set_to.value ->> 4
         FROM json_each(?) AS set_to
         WHERE batch_item.batch_id = set_to.value ->> 0
           AND batch_item.ordinal = set_to.value ->> 1",
    )
    .bind(json(&rows))
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}

pub(super) async fn finish(
    connection: &mut SqliteConnection,
    batch: BatchId,
    now: Timestamp,
) -> Result<()> {
    sqlx::query("UPDATE batch SET finished_at = ?, undo_until = NULL WHERE id = ?")
        .bind(now.0)
        .bind(batch.0)
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(())
}

/// Closes the undo window by taking the batch back; `false` when it is closed already.
pub(in crate::models) async fn undo(
    connection: &mut SqliteConnection,
    batch: BatchId,
    now: Timestamp,
) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE batch SET undone = 1, finished_at = ?, undo_until = NULL
         WHERE id = ? AND undo_until IS NOT NULL AND finished_at IS NULL",
    )
    .bind(now.0)
    .bind(batch.0)
    .execute(&mut *connection)
    .await
    .map_err(failed)?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query(
        "UPDATE batch_item SET state = 'cancelled' WHERE batch_id = ? AND state = 'waiting'",
    )
    .bind(batch.0)
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(true)
}

/// Closes the undo window because it is over; `false` when somebody was faster.
pub(super) async fn claim(core: &Core, batch: BatchId) -> Result<bool> {
    let mut transaction = core.db.write().await?;
    let done = sqlx::query(
        "UPDATE batch SET undo_until = NULL
         WHERE id = ? AND undo_until IS NOT NULL AND finished_at IS NULL",
    )
    .bind(batch.0)
    .execute(&mut *transaction)
    .await
    .map_err(failed)?;
    transaction.commit().await.map_err(failed)?;
    Ok(done.rows_affected() > 0)
}

/// Batches whose undo window is open, with its end.
pub(super) async fn open_windows(core: &Core) -> Result<Vec<(BatchId, Timestamp)>> {
    let rows: Vec<(i64, i64)> = sqlx::query_as(
        "SELECT id, undo_until FROM batch
         WHERE undo_until IS NOT NULL AND finished_at IS NULL ORDER BY undo_until",
    )
    .fetch_all(core.db.read())
    .await
    .map_err(failed)?;
    Ok(rows.into_iter().map(|(id, at)| (BatchId(id), Timestamp(at))).collect())
}

/// Moves the end of an undo window.
pub(super) async fn reopen(core: &Core, batch: BatchId, until: Timestamp) -> Result<()> {
    let mut transaction = core.db.write().await?;
    sqlx::query("UPDATE batch SET undo_until = ? WHERE id = ? AND undo_until IS NOT NULL")
        .bind(until.0)
        .bind(batch.0)
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
    transaction.commit().await.map_err(failed)
}

/// After a restart: deletes that were not done get their window once more, other batches end.
pub(in crate::models) async fn recover(
    core: &Core,
    now: Timestamp,
    until: Timestamp,
) -> Result<()> {
    let mut transaction = core.db.write().await?;
    for (statement, at) in [
        (
            "UPDATE batch SET undo_until = ? WHERE op = 'delete' AND finished_at IS NULL",
            Some(until),
        ),
        (
            "UPDATE batch_item SET state = CASE
                 WHEN batch_id IN (SELECT id FROM batch WHERE op = 'delete') THEN 'waiting'
                 ELSE 'cancelled' END
             WHERE state IN ('waiting', 'working')
               AND batch_id IN (SELECT id FROM batch WHERE finished_at IS NULL)",
            None,
        ),
        (
            "UPDATE batch SET finished_at = ? WHERE op <> 'delete' AND finished_at IS NULL",
            Some(now),
        ),
        // A hidden row that no open delete names would never be seen again.
        (
            "UPDATE model SET hidden_until = NULL
             WHERE hidden_until IS NOT NULL AND id NOT IN (
                 SELECT i.model_id FROM batch_item i JOIN batch b ON b.id = i.batch_id
                 WHERE b.op = 'delete' AND b.finished_at IS NULL AND i.state = 'waiting')",
            None,
        ),
    ] {
        let mut query = sqlx::query(statement);
        if let Some(at) = at {
            query = query.bind(at.0);
        }
        query.execute(&mut *transaction).await.map_err(failed)?;
    }
    transaction.commit().await.map_err(failed)
}

pub(super) async fn get(core: &Core, batch: BatchId) -> Result<Option<StoredBatch>> {
    let row = sqlx::query("SELECT * FROM batch WHERE id = ?")
        .bind(batch.0)
        .fetch_optional(core.db.read())
        .await
        .map_err(failed)?;
    match row {
        Some(row) => complete(core, &row).await.map(Some),
        None => Ok(None),
    }
}

/// Batches that run or can be taken back, and the last finished ones, newest first.
pub(in crate::models) async fn recent(core: &Core) -> Result<Vec<BatchView>> {
    let rows = sqlx::query(
        "SELECT * FROM batch WHERE finished_at IS NULL OR id IN (
             SELECT id FROM batch WHERE finished_at IS NOT NULL ORDER BY id DESC LIMIT ?)
         ORDER BY id DESC",
    )
    .bind(RECENT)
    .fetch_all(core.db.read())
    .await
    .map_err(failed)?;
    let mut views = Vec::with_capacity(rows.len());
    for row in &rows {
        views.push(complete(core, row).await?.view);
    }
    Ok(views)
}

async fn complete(core: &Core, row: &SqliteRow) -> Result<StoredBatch> {
    let id: i64 = row.get("id");
    let word: &str = row.get("op");
    let op = BatchOp::parse(word).ok_or_else(|| {
        WireError::new(ErrorCode::StructTransform).detail(format!("op: {word:?}"))
    })?;
    let items = sqlx::query(
        "SELECT model_id, name, state, task_id, problem, digest FROM batch_item
         WHERE batch_id = ? ORDER BY ordinal",
    )
    .bind(id)
    .fetch_all(core.db.read())
    .await
    .map_err(failed)?;
    let item = |row: &SqliteRow| {
        Some(BatchItem {
            model: ModelId(row.get("model_id")),
            name: row.get("name"),
            state: ItemState::parse(row.get("state"))?,
            task: row.get::<Option<i64>, _>("task_id").map(TaskId),
            problem: from_json(row.get::<Option<&str>, _>("problem")),
        })
    };
    let time = |column: &str| row.get::<Option<i64>, _>(column).map(Timestamp);
    let view = BatchView {
        id: BatchId(id),
        op,
        items: items.iter().filter_map(item).collect(),
        started_at: Timestamp(row.get("started_at")),
        finished_at: time("finished_at"),
        undo_until: time("undo_until"),
        undone: row.get("undone"),
    };
    let digests = items.iter().map(|item| item.get("digest")).collect();
    Ok(StoredBatch { view, force: row.get("force"), for_good: row.get("for_good"), digests })
}
