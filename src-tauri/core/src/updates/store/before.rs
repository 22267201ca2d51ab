//! What is kept of versions before an update.

use corral_contract::{InstanceId, ModelId};
use sqlx::{Row, sqlite::SqliteRow};

use crate::{Core, Result, db::failed, models::store::StoredModel};

/// Where a version before an update stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::updates) enum Stage {
    /// Its second name is being made.
    Copying,
    Fetching,
    Unproven,
    RollingBack,
    /// It is no longer needed: its name has to go from the server.
    Dropping,
}

impl Stage {
    const ALL: [Stage; 5] =
        [Stage::Copying, Stage::Fetching, Stage::Unproven, Stage::RollingBack, Stage::Dropping];

    /// The word in the database; windows are told those of the contract.
    fn as_str(self) -> &'static str {
        match self {
            Stage::Copying => "copying",
            Stage::Fetching => "fetching",
            Stage::Unproven => "unproven",
            Stage::RollingBack => "rollingBack",
            Stage::Dropping => "dropping",
        }
    }
}

/// A version before an update.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::updates) struct Before {
    pub(in crate::updates) model: ModelId,
    pub(in crate::updates) instance: InstanceId,
    pub(in crate::updates) name: String,
    /// Its second name.
    pub(in crate::updates) kept_as: String,
    /// 64 hex digits of its manifest.
    pub(in crate::updates) digest: String,
    pub(in crate::updates) stage: Stage,
}

fn read(row: &SqliteRow) -> Before {
    let word: &str = row.get("state");
    let stage = Stage::ALL.into_iter().find(|stage| stage.as_str() == word);
    Before {
        model: ModelId(row.get("model_id")),
        instance: InstanceId(row.get("instance_id")),
        name: row.get("name"),
        kept_as: row.get("kept_as"),
        digest: row.get("digest"),
        // A word of a newer version: what is kept stays kept.
        stage: stage.unwrap_or(Stage::Unproven),
    }
}

/// Everything that is kept.
///
/// # Errors
/// Database errors.
pub(in crate::updates) async fn all(core: &Core) -> Result<Vec<Before>> {
    let rows = sqlx::query("SELECT * FROM model_before ORDER BY model_id")
        .fetch_all(core.db.read())
        .await
        .map_err(failed)?;
    Ok(rows.iter().map(read).collect())
}

/// What is kept of one model.
///
/// # Errors
/// Database errors.
pub(in crate::updates) async fn of_model(core: &Core, id: ModelId) -> Result<Option<Before>> {
    let row = sqlx::query("SELECT * FROM model_before WHERE model_id = ?")
        .bind(id.0)
        .fetch_optional(core.db.read())
        .await
        .map_err(failed)?;
    Ok(row.as_ref().map(read))
}

/// Notes that a version will be kept, before its second name is made.
///
/// # Errors
/// Database errors.
pub(in crate::updates) async fn add(
    core: &Core,
    model: &StoredModel,
    kept_as: &str,
    digest: &str,
) -> Result<()> {
    let mut transaction = core.db.write().await?;
    sqlx::query(
        "INSERT INTO model_before (model_id, instance_id, name, kept_as, digest, state, at)
         VALUES (?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(model.id.0)
    .bind(model.instance.0)
    .bind(&model.name)
    .bind(kept_as)
    .bind(digest)
    .bind(Stage::Copying.as_str())
    .bind(core.now().0)
    .execute(&mut *transaction)
    .await
    .map_err(failed)?;
    transaction.commit().await.map_err(failed)
}

/// From one stage to the next; `false` when it was at another one.
///
/// # Errors
/// Database errors.
pub(in crate::updates) async fn advance(
    core: &Core,
    id: ModelId,
    from: Stage,
    to: Stage,
) -> Result<bool> {
    let mut transaction = core.db.write().await?;
    let done = sqlx::query("UPDATE model_before SET state = ? WHERE model_id = ? AND state = ?")
        .bind(to.as_str())
        .bind(id.0)
        .bind(from.as_str())
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
    transaction.commit().await.map_err(failed)?;
    Ok(done.rows_affected() > 0)
}

/// Nothing is kept of it any more.
///
/// # Errors
/// Database errors.
pub(in crate::updates) async fn remove(core: &Core, id: ModelId) -> Result<()> {
    let mut transaction = core.db.write().await?;
    sqlx::query("DELETE FROM model_before WHERE model_id = ?")
        .bind(id.0)
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
    transaction.commit().await.map_err(failed)
}
