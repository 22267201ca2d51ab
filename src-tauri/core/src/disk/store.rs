//! The trash, the use of models and reports in the database.

use corral_contract::{
    InstanceId, ModelId, TaskId, Timestamp,
    disk::{ReclaimReport, TrashEntry},
};
use sqlx::{Row, sqlite::SqliteRow};

use crate::{
    Core, Result,
    db::{failed, from_json, json},
};

pub(super) mod uses;

/// Reports that are kept.
const KEPT: i64 = 50;

/// Where an entry of the trash stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Its blobs are being linked; the server has the model.
    Entering,
    Kept,
    /// Its blobs are being linked back.
    Restoring,
    /// Its files are being removed.
    Leaving,
}

impl Stage {
    fn as_str(self) -> &'static str {
        match self {
            Stage::Entering => "entering",
            Stage::Kept => "kept",
            Stage::Restoring => "restoring",
            Stage::Leaving => "leaving",
        }
    }

    fn parse(word: &str) -> Stage {
        match word {
            "entering" => Stage::Entering,
            "kept" => Stage::Kept,
            "restoring" => Stage::Restoring,
            // Of another version: nobody can bring it back.
            _ => Stage::Leaving,
        }
    }
}

/// An entry of the trash.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) id: i64,
    pub(super) instance: Option<InstanceId>,
    pub(super) store: String,
    pub(super) folder: String,
    pub(super) name: String,
    pub(super) key: String,
    pub(super) digest: String,
    pub(super) bytes: u64,
    pub(super) stage: Stage,
    pub(super) at: Timestamp,
    pub(super) until: Timestamp,
}

impl Entry {
    pub(super) fn shown(&self) -> TrashEntry {
        TrashEntry {
            id: self.id,
            name: self.name.clone(),
            bytes: self.bytes,
            at: self.at,
            until: self.until,
        }
    }
}

/// Writes an entry down, before a file is touched; answers it with its id.
pub(super) async fn insert(core: &Core, entry: Entry) -> Result<Entry> {
    let mut transaction = core.db.write().await?;
    let id: i64 = sqlx::query_scalar(
        "INSERT INTO trash (instance_id, store, folder, name, key, digest, bytes, state, at, until)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
    )
    .bind(entry.instance.map(|id| id.0))
    .bind(&entry.store)
    .bind(&entry.folder)
    .bind(&entry.name)
    .bind(&entry.key)
    .bind(&entry.digest)
    .bind(entry.bytes.cast_signed())
    .bind(entry.stage.as_str())
    .bind(entry.at.0)
    .bind(entry.until.0)
    .fetch_one(&mut *transaction)
    .await
    .map_err(failed)?;
    transaction.commit().await.map_err(failed)?;
    Ok(Entry { id, ..entry })
}

/// Moves an entry on; `false` when it does not stand there any more.
pub(super) async fn step(core: &Core, id: i64, from: Stage, to: Stage) -> Result<bool> {
    let mut transaction = core.db.write().await?;
    let done = sqlx::query("UPDATE trash SET state = ? WHERE id = ? AND state = ?")
        .bind(to.as_str())
        .bind(id)
        .bind(from.as_str())
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
    transaction.commit().await.map_err(failed)?;
    Ok(done.rows_affected() > 0)
}

/// The server has no such model any more: the entry is kept, and holds so many bytes.
pub(super) async fn kept(core: &Core, id: i64, bytes: u64) -> Result<()> {
    let mut transaction = core.db.write().await?;
    sqlx::query("UPDATE trash SET state = 'kept', bytes = ? WHERE id = ?")
        .bind(bytes.cast_signed())
        .bind(id)
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
    transaction.commit().await.map_err(failed)
}

/// Forgets an entry whose files are gone.
pub(super) async fn remove(core: &Core, id: i64) -> Result<()> {
    let mut transaction = core.db.write().await?;
    sqlx::query("DELETE FROM trash WHERE id = ?")
        .bind(id)
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
    transaction.commit().await.map_err(failed)
}

/// Every entry, the newest first.
pub(super) async fn entries(core: &Core) -> Result<Vec<Entry>> {
    let rows = sqlx::query("SELECT * FROM trash ORDER BY id DESC")
        .fetch_all(core.db.read())
        .await
        .map_err(failed)?;
    Ok(rows.iter().map(decode).collect())
}

/// The entries of an instance that can be brought back, the newest first.
pub(super) async fn of_instance(core: &Core, instance: InstanceId) -> Result<Vec<Entry>> {
    let rows = sqlx::query(
        "SELECT * FROM trash WHERE instance_id = ? AND state = 'kept' ORDER BY id DESC",
    )
    .bind(instance.0)
    .fetch_all(core.db.read())
    .await
    .map_err(failed)?;
    Ok(rows.iter().map(decode).collect())
}

/// The kept models of an instance lie in another folder from now on.
pub(crate) async fn moved(core: &Core, instance: InstanceId, to: &str) -> Result<()> {
    let mut transaction = core.db.write().await?;
    sqlx::query("UPDATE trash SET store = ? WHERE instance_id = ?")
        .bind(to)
        .bind(instance.0)
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
    transaction.commit().await.map_err(failed)
}

fn decode(row: &SqliteRow) -> Entry {
    Entry {
        id: row.get("id"),
        instance: row.get::<Option<i64>, _>("instance_id").map(InstanceId),
        store: row.get("store"),
        folder: row.get("folder"),
        name: row.get("name"),
        key: row.get("key"),
        digest: row.get("digest"),
        bytes: row.get::<i64, _>("bytes").cast_unsigned(),
        stage: Stage::parse(row.get("state")),
        at: Timestamp(row.get("at")),
        until: Timestamp(row.get("until")),
    }
}

/// Keeps what became of a reclaim; the oldest go.
pub(super) async fn keep_report(core: &Core, task: TaskId, report: &ReclaimReport) -> Result<()> {
    let mut transaction = core.db.write().await?;
    sqlx::query("INSERT OR REPLACE INTO reclaim_report (task_id, at, report) VALUES (?, ?, ?)")
        .bind(task.0)
        .bind(report.at.0)
        .bind(json(report))
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
    sqlx::query(
        "DELETE FROM reclaim_report WHERE task_id NOT IN (
             SELECT task_id FROM reclaim_report ORDER BY task_id DESC LIMIT ?)",
    )
    .bind(KEPT)
    .execute(&mut *transaction)
    .await
    .map_err(failed)?;
    transaction.commit().await.map_err(failed)
}

/// What became of a reclaim; `None` while it runs, and when it is forgotten.
pub(super) async fn report(core: &Core, task: TaskId) -> Result<Option<ReclaimReport>> {
    let text: Option<String> =
        sqlx::query_scalar("SELECT report FROM reclaim_report WHERE task_id = ?")
            .bind(task.0)
            .fetch_optional(core.db.read())
            .await
            .map_err(failed)?;
    Ok(from_json(text.as_deref()))
}

/// Pins these models or lets them go; answers those that changed.
pub(super) async fn pin(core: &Core, ids: &[ModelId], pinned: bool) -> Result<Vec<ModelId>> {
    let mut transaction = core.db.write().await?;
    let changed: Vec<i64> = sqlx::query_scalar(
        "INSERT INTO model_keep (model_id, pinned)
         SELECT id, ?2 FROM model WHERE id IN (SELECT value FROM json_each(?1))
         ON CONFLICT (model_id) DO UPDATE SET pinned = excluded.pinned
             WHERE pinned <> excluded.pinned
         RETURNING model_id",
    )
    .bind(json(&ids))
    .bind(pinned)
    .fetch_all(&mut *transaction)
    .await
    .map_err(failed)?;
    transaction.commit().await.map_err(failed)?;
    Ok(changed.into_iter().map(ModelId).collect())
}
