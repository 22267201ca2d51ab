//! What servers last told about a model, for when they cannot be asked.

use corral_contract::{ModelId, models::ShowInfo};

use super::StoredModel;
use crate::{
    Core, Result,
    db::{failed, json},
};

/// The stored answer and when it came, in ms.
///
/// # Errors
/// Database errors.
pub(in crate::models) async fn kept(core: &Core, id: ModelId) -> Result<Option<(String, i64)>> {
    sqlx::query_as("SELECT answer, at FROM show_cache WHERE model_id = ?")
        .bind(id.0)
        .fetch_optional(core.db.read())
        .await
        .map_err(failed)
}

/// Keeps an answer; one for a model that is gone meanwhile is dropped.
///
/// # Errors
/// Database errors.
pub(in crate::models) async fn keep(
    core: &Core,
    model: &StoredModel,
    info: &ShowInfo,
) -> Result<()> {
    let mut transaction = core.db.write().await?;
    sqlx::query(
        "INSERT INTO show_cache (model_id, digest, answer, at)
         SELECT ?1, ?2, ?3, ?4 WHERE EXISTS (SELECT 1 FROM model WHERE id = ?1)
         ON CONFLICT (model_id) DO UPDATE
             SET digest = excluded.digest, answer = excluded.answer, at = excluded.at",
    )
    .bind(model.id.0)
    .bind(&model.digest)
    .bind(json(info))
    .bind(core.now().0)
    .execute(&mut *transaction)
    .await
    .map_err(failed)?;
    transaction.commit().await.map_err(failed)
}
