//! Many rows in one statement.

use std::collections::HashMap;

use corral_contract::{
    InstanceId, ModelId, Timestamp,
    status::{Cause, Status},
};
use sqlx::SqliteConnection;

use super::{StoredModel, decode, model_columns};
use crate::{
    Result,
    db::{failed, json},
    sync,
};

const BY_IDS: &str = concat!(
    "SELECT ",
    model_columns!(),
    " FROM model m WHERE m.id IN (SELECT value FROM json_each(?))"
);

/// These models by their ids, hidden ones included; missing ones are left out.
///
/// # Errors
/// Database errors.
pub(in crate::models) async fn get(
    connection: &mut SqliteConnection,
    ids: &[ModelId],
) -> Result<HashMap<ModelId, StoredModel>> {
    let rows = sqlx::query(BY_IDS).bind(json(&ids)).fetch_all(connection).await.map_err(failed)?;
    let models = rows.iter().map(|row| decode(row).map(|model| (model.id, model)));
    models.collect()
}

/// Removes rows whose models were deleted, each with a note for its history, which stays. Should
/// the server still have one, the next sync finds it again.
///
/// # Errors
/// Database errors.
pub(in crate::models) async fn remove(
    connection: &mut SqliteConnection,
    gone: &[(&StoredModel, &str)],
    now: Timestamp,
) -> Result<()> {
    let rows: Vec<_> = gone
        .iter()
        .map(|(model, note)| {
            serde_json::json!({
                "model": model.id.0,
                "instance": model.instance.0,
                "name": model.name,
                "from": model.status().as_str(),
                "note": note,
            })
        })
        .collect();
    sqlx::query(
        "INSERT INTO history (model_id, instance_id, name, from_status, to_status, at, cause, note)
         SELECT value ->> 'model', value ->> 'instance', value ->> 'name', value ->> 'from',
                ?2, ?3, ?4, value ->> 'note'
         FROM json_each(?1) WHERE EXISTS (SELECT 1 FROM model WHERE id = value ->> 'model')
         ORDER BY key",
    )
    .bind(json(&rows))
    .bind(Status::Unavailable.as_str())
    .bind(now.0)
    .bind(Cause::User.as_str())
    .execute(&mut *connection)
    .await
    .map_err(failed)?;
    let ids: Vec<ModelId> = gone.iter().map(|(model, _)| model.id).collect();
    sqlx::query("DELETE FROM model WHERE id IN (SELECT value FROM json_each(?))")
        .bind(json(&ids))
        .execute(&mut *connection)
        .await
        .map_err(failed)?;
    let mut instances: Vec<InstanceId> = gone.iter().map(|(model, _)| model.instance).collect();
    instances.sort_unstable();
    instances.dedup();
    for instance in instances {
        sync::look_again(connection, instance).await?;
    }
    Ok(())
}

/// Hides rows until then, or shows them again.
///
/// # Errors
/// Database errors.
pub(in crate::models) async fn hide(
    connection: &mut SqliteConnection,
    ids: &[ModelId],
    until: Option<Timestamp>,
) -> Result<()> {
    sqlx::query("UPDATE model SET hidden_until = ?2 WHERE id IN (SELECT value FROM json_each(?1))")
        .bind(json(&ids))
        .bind(until.map(|until| until.0))
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(())
}
