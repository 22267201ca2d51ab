//! Questions of the poller to the database.

use std::collections::HashSet;

use corral_contract::{InstanceId, ModelId, status::Cause};

use super::{StoredModel, decode, model_columns};
use crate::{
    Core, Result,
    db::{failed, json},
};

/// Rows that do not count as stopped, and those whose name or content is loaded.
const CANDIDATES: &str = concat!(
    "SELECT ",
    model_columns!(),
    " FROM model m WHERE m.id IN (
          SELECT id FROM model WHERE instance_id = ?1 AND run <> 'stopped'
          UNION
          SELECT id FROM model WHERE instance_id = ?1
             AND key IN (SELECT value FROM json_each(?2))
          UNION
          SELECT id FROM model WHERE instance_id = ?1
             AND digest IN (SELECT value FROM json_each(?3)))
      ORDER BY m.id"
);

/// The rows of an instance that a list of loaded models can change.
pub(in crate::models) async fn candidates(
    core: &Core,
    instance: InstanceId,
    keys: &HashSet<String>,
    digests: &[&str],
) -> Result<Vec<StoredModel>> {
    let rows = sqlx::query(CANDIDATES)
        .bind(instance.0)
        .bind(json(keys))
        .bind(json(&digests))
        .fetch_all(core.db.read())
        .await
        .map_err(failed)?;
    rows.iter().map(decode).collect()
}

const LOADED: &str = concat!(
    "SELECT ",
    model_columns!(),
    " FROM model m WHERE m.instance_id = ?1 AND m.run <> 'stopped'
         AND m.run IN ('running', 'stopping') ORDER BY m.id"
);

/// Models of an instance that are in memory.
pub(crate) async fn loaded(core: &Core, instance: InstanceId) -> Result<Vec<StoredModel>> {
    let rows =
        sqlx::query(LOADED).bind(instance.0).fetch_all(core.db.read()).await.map_err(failed)?;
    rows.iter().map(decode).collect()
}

const IDLE: &str = concat!(
    "SELECT ",
    model_columns!(),
    " FROM model m WHERE m.instance_id = ?1 AND m.hidden_until IS NULL
         AND m.install = 'ready' AND m.run = 'stopped' ORDER BY m.id"
);

/// Installed models of an instance that are not in memory.
pub(in crate::models) async fn idle(core: &Core, instance: InstanceId) -> Result<Vec<StoredModel>> {
    let rows =
        sqlx::query(IDLE).bind(instance.0).fetch_all(core.db.read()).await.map_err(failed)?;
    rows.iter().map(decode).collect()
}

/// Whether the last load of a model was ours. One that another client loaded is that client's to
/// unload, at any time.
pub(in crate::models) async fn started_by_us(core: &Core, model: ModelId) -> Result<bool> {
    let cause: Option<String> = sqlx::query_scalar(
        "SELECT cause FROM history
         WHERE model_id = ? AND to_status = 'running' AND cause <> 'instance'
         ORDER BY id DESC LIMIT 1",
    )
    .bind(model.0)
    .fetch_optional(core.db.read())
    .await
    .map_err(failed)?;
    let cause = cause.as_deref().and_then(Cause::parse);
    Ok(matches!(cause, Some(Cause::User | Cause::Scheduler)))
}

/// What ran on an instance that went away: nobody knows now. Memory figures stay as last seen.
pub(in crate::models) async fn running(core: &Core, instance: InstanceId) -> Result<Vec<ModelId>> {
    let ids: Vec<i64> = sqlx::query_scalar(
        "SELECT id FROM model
         WHERE instance_id = ? AND run <> 'stopped' AND run IN ('starting', 'running', 'stopping')",
    )
    .bind(instance.0)
    .fetch_all(core.db.read())
    .await
    .map_err(failed)?;
    Ok(ids.into_iter().map(ModelId).collect())
}

/// After a restart nobody knows what runs until the server is asked; it is no change of state and
/// leaves no history.
pub(in crate::models) async fn forget_runs(core: &Core) -> Result<()> {
    let mut transaction = core.db.write().await?;
    // With an unknown run state the status is what the files say; see `Status::derive`.
    sqlx::query(
        "UPDATE model SET run = 'unknown',
                status = CASE install WHEN 'ready' THEN 'stopped' ELSE install END
         WHERE run IN ('starting', 'running', 'stopping')",
    )
    .execute(&mut *transaction)
    .await
    .map_err(failed)?;
    transaction.commit().await.map_err(failed)
}
