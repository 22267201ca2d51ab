//! Rows of moves.

use std::{collections::BTreeMap, path::PathBuf};

use corral_contract::{
    ErrorCode, InstanceId, JobId, TaskId, Timestamp, WireError,
    stores::{MoveStage, MoveView, MoveWay},
};
use sqlx::{Row as _, sqlite::SqliteRow};

use super::tree::Item;
use crate::{
    Core, Result,
    db::{failed, from_json, json},
};

/// What a server lists: digests by key.
pub(super) type Listed = BTreeMap<String, Option<String>>;

/// A move as it is written down.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) id: i64,
    pub(super) instance: InstanceId,
    /// As the server names it; may be a link.
    pub(super) source: String,
    pub(super) target: String,
    pub(super) way: MoveWay,
    pub(super) stage: MoveStage,
    /// The target was not there before.
    pub(super) made: bool,
    pub(super) bytes: u64,
    pub(super) files: Vec<Item>,
    pub(super) listed: Option<Listed>,
    /// The variable as it was; `None` = it was not touched yet.
    pub(super) variable: Option<Option<String>>,
    /// The server ran.
    pub(super) ran: bool,
    pub(super) paused: Vec<JobId>,
    pub(super) task: Option<TaskId>,
    pub(super) problem: Option<WireError>,
    pub(super) kept_at: Option<Timestamp>,
}

impl Row {
    pub(super) fn from(&self) -> PathBuf {
        let named = PathBuf::from(&self.source);
        // A link stays, what it leads to moves.
        dunce::canonicalize(&named).unwrap_or(named)
    }

    pub(super) fn to(&self) -> PathBuf {
        PathBuf::from(&self.target)
    }

    /// `days` = after how many the old place goes by itself; 0 = never.
    pub(super) fn shown(&self, days: u32) -> MoveView {
        let until = self.kept_at.filter(|_| days > 0 && self.stage == MoveStage::Kept);
        MoveView {
            id: self.id,
            from: self.source.clone(),
            to: self.target.clone(),
            way: self.way,
            stage: self.stage,
            bytes: self.bytes,
            task: self.task,
            until: until.map(|at| after(at, days)),
            problem: self.problem.clone(),
        }
    }
}

/// So many days after a time.
pub(super) fn after(at: Timestamp, days: u32) -> Timestamp {
    Timestamp(at.0 + i64::from(days) * 24 * 3_600_000)
}

/// Writes a new one down; answers its number.
///
/// # Errors
/// Database errors.
pub(super) async fn insert(core: &Core, row: &Row) -> Result<i64> {
    let mut transaction = core.db.write().await?;
    let id = sqlx::query_scalar(
        "INSERT INTO store_move
             (instance_id, source, target, way, stage, made, bytes, files, ran, created_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
    )
    .bind(row.instance.0)
    .bind(&row.source)
    .bind(&row.target)
    .bind(row.way.as_str())
    .bind(row.stage.as_str())
    .bind(row.made)
    .bind(row.bytes.cast_signed())
    .bind(json(&row.files))
    .bind(row.ran)
    .bind(core.now().0)
    .fetch_one(&mut *transaction)
    .await
    .map_err(failed)?;
    transaction.commit().await.map_err(failed)?;
    Ok(id)
}

/// Writes down how far it is, and all that was learnt on the way; `from` = how far it was.
///
/// # Errors
/// `WRONG_STATE` when somebody else brought it on meanwhile; database errors.
pub(super) async fn save(core: &Core, row: &Row, from: MoveStage) -> Result<()> {
    let mut transaction = core.db.write().await?;
    let done = sqlx::query(
        "UPDATE store_move SET stage = ?, bytes = ?, files = ?, listed = ?, variable = ?,
             paused = ?, task_id = ?, problem = ?, kept_at = ?
         WHERE id = ? AND stage = ?",
    )
    .bind(row.stage.as_str())
    .bind(row.bytes.cast_signed())
    .bind(json(&row.files))
    .bind(row.listed.as_ref().map(json))
    .bind(row.variable.as_ref().map(json))
    .bind(json(&row.paused))
    .bind(row.task.map(|task| task.0))
    .bind(row.problem.as_ref().map(json))
    .bind(row.kept_at.map(|at| at.0))
    .bind(row.id)
    .bind(from.as_str())
    .execute(&mut *transaction)
    .await
    .map_err(failed)?;
    transaction.commit().await.map_err(failed)?;
    if done.rows_affected() == 0 {
        return Err(WireError::new(ErrorCode::WrongState).with("status", row.stage.as_str()));
    }
    Ok(())
}

/// # Errors
/// `NOT_FOUND`, database errors.
pub(super) async fn one(core: &Core, id: i64) -> Result<Row> {
    let row = sqlx::query("SELECT * FROM store_move WHERE id = ?")
        .bind(id)
        .fetch_optional(core.db.read())
        .await
        .map_err(failed)?;
    let row = row.as_ref().and_then(decode);
    row.ok_or_else(|| WireError::new(ErrorCode::NotFound).with("move", id))
}

/// Those that are not over, the oldest first.
///
/// # Errors
/// Database errors.
pub(super) async fn open(core: &Core, instance: Option<InstanceId>) -> Result<Vec<Row>> {
    let rows = sqlx::query(
        "SELECT * FROM store_move WHERE stage NOT IN ('done', 'returned')
             AND (?1 IS NULL OR instance_id = ?1) ORDER BY id",
    )
    .bind(instance.map(|id| id.0))
    .fetch_all(core.db.read())
    .await
    .map_err(failed)?;
    Ok(rows.iter().filter_map(decode).collect())
}

/// `None` for a row of a newer version.
fn decode(row: &SqliteRow) -> Option<Row> {
    Some(Row {
        id: row.get("id"),
        instance: InstanceId(row.get("instance_id")),
        source: row.get("source"),
        target: row.get("target"),
        way: MoveWay::parse(row.get("way"))?,
        stage: MoveStage::parse(row.get("stage"))?,
        made: row.get("made"),
        bytes: row.get::<i64, _>("bytes").cast_unsigned(),
        files: from_json(row.get("files"))?,
        listed: from_json(row.get("listed")),
        variable: from_json(row.get("variable")),
        ran: row.get("ran"),
        paused: from_json(row.get("paused")).unwrap_or_default(),
        task: row.get::<Option<i64>, _>("task_id").map(TaskId),
        problem: from_json(row.get("problem")),
        kept_at: row.get::<Option<i64>, _>("kept_at").map(Timestamp),
    })
}
