//! What is known of an instance's list, and its schedule.

use corral_contract::{ErrorCode, InstanceId, ModelId, Timestamp, WireError, sync::Schedule};
use sqlx::SqliteConnection;

use crate::{
    Core, Result,
    db::{failed, from_json, json},
};

pub(super) mod reports;

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

/// The schedule of an instance; `None` = it has none of its own.
pub(super) async fn schedule(core: &Core, instance: InstanceId) -> Result<Option<Schedule>> {
    let text: Option<String> =
        sqlx::query_scalar("SELECT sync_schedule FROM instance WHERE id = ?")
            .bind(instance.0)
            .fetch_optional(core.db.read())
            .await
            .map_err(failed)?
            .flatten();
    Ok(from_json(text.as_deref()))
}

/// Gives an instance a schedule of its own, or takes it away.
pub(super) async fn set_schedule(
    core: &Core,
    instance: InstanceId,
    schedule: Option<&Schedule>,
) -> Result<()> {
    let mut transaction = core.db.write().await?;
    sqlx::query("UPDATE instance SET sync_schedule = ? WHERE id = ?")
        .bind(schedule.map(json))
        .bind(instance.0)
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
    transaction.commit().await.map_err(failed)
}
