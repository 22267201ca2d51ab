//! Rows of folders for archived models, and of what is in them.

use corral_contract::{ErrorCode, InstanceId, Timestamp, WireError, stores::Archived};
use sqlx::{Row, sqlite::SqliteRow};

use crate::{Core, Result, db::failed};

/// A folder for archived models.
#[derive(Debug, Clone)]
pub(super) struct Folder {
    pub(super) id: i64,
    pub(super) path: String,
    /// What the mark in it says.
    pub(super) mark: String,
}

/// How far a model is on its way there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// It is being copied; the server still has it.
    Entering,
    /// It is there whole; the server is told to delete it.
    Leaving,
    Kept,
}

impl Stage {
    fn as_str(self) -> &'static str {
        match self {
            Stage::Entering => "entering",
            Stage::Leaving => "leaving",
            Stage::Kept => "kept",
        }
    }

    fn parse(word: &str) -> Stage {
        match word {
            "entering" => Stage::Entering,
            "leaving" => Stage::Leaving,
            _ => Stage::Kept,
        }
    }
}

/// A model in such a folder.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) id: i64,
    pub(super) folder: i64,
    pub(super) instance: Option<InstanceId>,
    pub(super) name: String,
    /// Of its manifest, 64 hex digits.
    pub(super) digest: String,
    pub(super) bytes: u64,
    pub(super) stage: Stage,
    pub(super) at: Timestamp,
}

impl Entry {
    pub(super) fn shown(&self) -> Archived {
        Archived {
            id: self.id,
            name: self.name.clone(),
            digest: self.digest.clone(),
            bytes: self.bytes,
            at: self.at,
        }
    }
}

/// # Errors
/// `ALREADY_EXISTS` for a folder that is known; database errors.
pub(super) async fn add(core: &Core, path: &str, mark: &str) -> Result<i64> {
    let mut transaction = core.db.write().await?;
    let id = sqlx::query_scalar(
        "INSERT INTO cold_folder (path, mark) VALUES (?, ?) ON CONFLICT DO NOTHING RETURNING id",
    )
    .bind(path)
    .bind(mark)
    .fetch_optional(&mut *transaction)
    .await
    .map_err(failed)?;
    transaction.commit().await.map_err(failed)?;
    id.ok_or_else(|| WireError::new(ErrorCode::AlreadyExists).with("name", path))
}

/// # Errors
/// Database errors.
pub(super) async fn forget(core: &Core, id: i64) -> Result<()> {
    let mut transaction = core.db.write().await?;
    sqlx::query("DELETE FROM cold_folder WHERE id = ?")
        .bind(id)
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
    transaction.commit().await.map_err(failed)
}

/// # Errors
/// Database errors.
pub(super) async fn folders(core: &Core) -> Result<Vec<Folder>> {
    let rows = sqlx::query("SELECT id, path, mark FROM cold_folder ORDER BY id")
        .fetch_all(core.db.read())
        .await
        .map_err(failed)?;
    let folder = |row: &SqliteRow| Folder {
        id: row.get("id"),
        path: row.get("path"),
        mark: row.get("mark"),
    };
    Ok(rows.iter().map(folder).collect())
}

/// # Errors
/// `NOT_FOUND`, database errors.
pub(super) async fn folder(core: &Core, id: i64) -> Result<Folder> {
    let found = folders(core).await?.into_iter().find(|folder| folder.id == id);
    found.ok_or_else(|| WireError::new(ErrorCode::NotFound).with("folder", id))
}

/// Writes one down; answers its number.
///
/// # Errors
/// `ALREADY_EXISTS` when that folder has a model of this name; database errors.
pub(super) async fn insert(core: &Core, entry: &Entry) -> Result<i64> {
    let mut transaction = core.db.write().await?;
    let id = sqlx::query_scalar(
        "INSERT INTO archived (folder_id, instance_id, name, digest, bytes, stage, at)
         VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING id",
    )
    .bind(entry.folder)
    .bind(entry.instance.map(|id| id.0))
    .bind(&entry.name)
    .bind(&entry.digest)
    .bind(entry.bytes.cast_signed())
    .bind(entry.stage.as_str())
    .bind(entry.at.0)
    .fetch_optional(&mut *transaction)
    .await
    .map_err(failed)?;
    transaction.commit().await.map_err(failed)?;
    id.ok_or_else(|| WireError::new(ErrorCode::AlreadyExists).with("name", &entry.name))
}

/// One step further, if nobody was faster.
///
/// # Errors
/// `WRONG_STATE` when it is elsewhere by now; database errors.
pub(super) async fn step(core: &Core, id: i64, from: Stage, to: Stage) -> Result<()> {
    let mut transaction = core.db.write().await?;
    let done = sqlx::query("UPDATE archived SET stage = ? WHERE id = ? AND stage = ?")
        .bind(to.as_str())
        .bind(id)
        .bind(from.as_str())
        .execute(&mut *transaction)
        .await
        .map_err(failed)?
        .rows_affected();
    transaction.commit().await.map_err(failed)?;
    if done == 1 { Ok(()) } else { Err(WireError::new(ErrorCode::WrongState)) }
}

/// # Errors
/// Database errors.
pub(super) async fn remove(core: &Core, id: i64) -> Result<()> {
    let mut transaction = core.db.write().await?;
    sqlx::query("DELETE FROM archived WHERE id = ?")
        .bind(id)
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
    transaction.commit().await.map_err(failed)
}

/// All of them, by name.
///
/// # Errors
/// Database errors.
pub(super) async fn entries(core: &Core) -> Result<Vec<Entry>> {
    let rows = sqlx::query("SELECT * FROM archived ORDER BY name, id")
        .fetch_all(core.db.read())
        .await
        .map_err(failed)?;
    Ok(rows.iter().map(decode).collect())
}

/// # Errors
/// `NOT_FOUND`, database errors.
pub(super) async fn entry(core: &Core, id: i64) -> Result<Entry> {
    let found = entries(core).await?.into_iter().find(|entry| entry.id == id);
    found.ok_or_else(|| WireError::new(ErrorCode::NotFound).with("archived", id))
}

fn decode(row: &SqliteRow) -> Entry {
    Entry {
        id: row.get("id"),
        folder: row.get("folder_id"),
        instance: row.get::<Option<i64>, _>("instance_id").map(InstanceId),
        name: row.get("name"),
        digest: row.get("digest"),
        bytes: row.get::<i64, _>("bytes").cast_unsigned(),
        stage: Stage::parse(row.get("stage")),
        at: Timestamp(row.get("at")),
    }
}
