//! When models were used, and which are pinned.

use corral_contract::{InstanceId, ModelId, Timestamp};
use sqlx::SqliteConnection;

use crate::{
    Core, Result,
    db::{failed, json},
};

/// A use is written down again when the last one is this old, in ms.
pub(in crate::models) const AGAIN_AFTER: i64 = 60_000;

/// These models are in use now; answers those whose last use became another.
///
/// # Errors
/// Database errors.
pub(in crate::models) async fn used(
    core: &Core,
    ids: &[ModelId],
    now: Timestamp,
) -> Result<Vec<ModelId>> {
    let mut transaction = core.db.write().await?;
    let changed: Vec<i64> = sqlx::query_scalar(
        "INSERT INTO model_keep (model_id, last_used)
         SELECT id, ?2 FROM model WHERE id IN (SELECT value FROM json_each(?1))
         ON CONFLICT (model_id) DO UPDATE SET last_used = excluded.last_used
             WHERE last_used IS NULL OR last_used <= excluded.last_used - ?3
         RETURNING model_id",
    )
    .bind(json(&ids))
    .bind(now.0)
    .bind(AGAIN_AFTER)
    .fetch_all(&mut *transaction)
    .await
    .map_err(failed)?;
    transaction.commit().await.map_err(failed)?;
    Ok(changed.into_iter().map(ModelId).collect())
}

/// From now on the use of an instance's models is watched, unless it was before.
///
/// # Errors
/// Database errors.
pub(in crate::models) async fn watches(
    core: &Core,
    instance: InstanceId,
    now: Timestamp,
) -> Result<()> {
    let mut transaction = core.db.write().await?;
    // The instance may be gone in this moment.
    sqlx::query(
        "INSERT INTO use_watch (instance_id, since)
         SELECT id, ?2 FROM instance WHERE id = ?1 ON CONFLICT (instance_id) DO NOTHING",
    )
    .bind(instance.0)
    .bind(now.0)
    .execute(&mut *transaction)
    .await
    .map_err(failed)?;
    transaction.commit().await.map_err(failed)
}

/// Those of these models that are pinned.
///
/// # Errors
/// Database errors.
pub(in crate::models) async fn pinned(core: &Core, ids: &[ModelId]) -> Result<Vec<ModelId>> {
    let mut connection = core.db.read().acquire().await.map_err(failed)?;
    pinned_in(&mut connection, ids).await
}

/// As [`pinned`], inside a transaction.
///
/// # Errors
/// Database errors.
pub(in crate::models) async fn pinned_in(
    connection: &mut SqliteConnection,
    ids: &[ModelId],
) -> Result<Vec<ModelId>> {
    let pinned: Vec<i64> = sqlx::query_scalar(
        "SELECT model_id FROM model_keep
         WHERE pinned = 1 AND model_id IN (SELECT value FROM json_each(?))",
    )
    .bind(json(&ids))
    .fetch_all(connection)
    .await
    .map_err(failed)?;
    Ok(pinned.into_iter().map(ModelId).collect())
}
