//! A row under another name.

use corral_contract::{
    ModelId, Timestamp,
    name::{ModelName, natural_key},
    status::Cause,
};
use sqlx::SqliteConnection;

use super::{Step, StoredModel, remember};
use crate::{Core, Result, db::failed};

/// Gives a row another name. A row that has it goes, because its model was replaced; answers that
/// one.
///
/// # Errors
/// Database errors.
pub(in crate::models) async fn rename(
    core: &Core,
    model: &StoredModel,
    name: &ModelName,
) -> Result<Vec<ModelId>> {
    let mut transaction = core.db.write().await?;
    let gone: Vec<i64> = sqlx::query_scalar(
        "DELETE FROM model WHERE instance_id = ? AND key = ? AND id <> ? RETURNING id",
    )
    .bind(model.instance.0)
    .bind(name.key())
    .bind(model.id.0)
    .fetch_all(&mut *transaction)
    .await
    .map_err(failed)?;
    let display = name.display();
    sqlx::query(
        "UPDATE model SET name = ?, key = ?, sort_key = ?, registry = ?, mark = NULL WHERE id = ?",
    )
    .bind(&display)
    .bind(name.key())
    .bind(natural_key(&display))
    .bind(name.host.to_ascii_lowercase())
    .bind(model.id.0)
    .execute(&mut *transaction)
    .await
    .map_err(failed)?;
    let renamed = StoredModel { name: display, ..model.clone() };
    let text = format!("renamed from {}", model.name);
    note(&mut transaction, &renamed, core.now(), &text).await?;
    transaction.commit().await.map_err(failed)?;
    Ok(gone.into_iter().map(ModelId).collect())
}

/// A line of history that is no change of state.
///
/// # Errors
/// Database errors.
pub(in crate::models) async fn note(
    connection: &mut SqliteConnection,
    model: &StoredModel,
    at: Timestamp,
    text: &str,
) -> Result<()> {
    let status = model.status();
    let step = Step { from: Some(status), to: status, at, cause: Cause::User, note: text };
    remember(connection, (model.id, model.instance, &model.name), step).await
}
