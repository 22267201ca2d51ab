//! Rows that a server's list says something new about, many at once.

use std::collections::HashMap;

use corral_contract::ModelId;
use serde_json::json;
use sqlx::SqliteConnection;

use super::{StoredModel, decode, model_columns};
use crate::{
    Core, Result,
    db::{failed, json},
};

const THESE: &str = concat!(
    "SELECT ",
    model_columns!(),
    " FROM model m WHERE m.id IN (SELECT value FROM json_each(?))"
);

/// Those of these rows that are there.
///
/// # Errors
/// Database errors, `STRUCT_TRANSFORM`.
pub(crate) async fn these(
    connection: &mut SqliteConnection,
    ids: &[ModelId],
) -> Result<HashMap<ModelId, StoredModel>> {
    let rows = sqlx::query(THESE).bind(json(&ids)).fetch_all(connection).await.map_err(failed)?;
    rows.iter().map(|row| decode(row).map(|model| (model.id, model))).collect()
}

/// As [`these`], without a transaction.
///
/// # Errors
/// As [`these`].
pub(in crate::models) async fn these_now(
    core: &Core,
    ids: &[ModelId],
) -> Result<HashMap<ModelId, StoredModel>> {
    let rows =
        sqlx::query(THESE).bind(json(&ids)).fetch_all(core.db.read()).await.map_err(failed)?;
    rows.iter().map(|row| decode(row).map(|model| (model.id, model))).collect()
}

/// Whether [`renew`] writes all that became different.
pub(crate) fn only_renewed(before: &StoredModel, after: &StoredModel) -> bool {
    let renewed = StoredModel {
        digest: after.digest.clone(),
        modified_at: after.modified_at,
        family: after.family.clone(),
        parameter_size: after.parameter_size.clone(),
        quantization: after.quantization.clone(),
        context_length: after.context_length,
        capabilities: after.capabilities.clone(),
        cloud: after.cloud,
        on_server: after.on_server,
        seen_at: after.seen_at,
        mark: after.mark,
        ..before.clone()
    };
    renewed == *after
}

/// One statement whatever the number of rows. None of its columns is in an index of the list:
/// writing one that is, even its old value, costs an entry of six indexes.
const RENEW: &str = "UPDATE model
     SET digest = new.value ->> 'digest', modified_at = new.value ->> 'modified_at',
         family = new.value ->> 'family', parameter_size = new.value ->> 'parameter_size',
         quantization = new.value ->> 'quantization',
         context_length = new.value ->> 'context_length',
         capabilities = new.value ->> 'capabilities', cloud = new.value ->> 'cloud',
         on_server = new.value ->> 'on_server', seen_at = new.value ->> 'seen_at',
         mark = new.value ->> 'mark'
     FROM json_each(?) AS new WHERE model.id = new.value ->> 'id'";

/// Writes what is usually new in a list, see [`only_renewed`].
///
/// # Errors
/// Database errors.
pub(crate) async fn renew(connection: &mut SqliteConnection, models: &[StoredModel]) -> Result<()> {
    if models.is_empty() {
        return Ok(());
    }
    let new = |model: &StoredModel| {
        json!({
            "id": model.id,
            "digest": model.digest,
            "modified_at": model.modified_at,
            "family": model.family,
            "parameter_size": model.parameter_size,
            "quantization": model.quantization,
            "context_length": model.context_length,
            "capabilities": model.capabilities,
            "cloud": model.cloud,
            "on_server": model.on_server,
            "seen_at": model.seen_at,
            "mark": model.mark,
        })
    };
    let models: Vec<_> = models.iter().map(new).collect();
    sqlx::query(RENEW).bind(json(&models)).execute(connection).await.map_err(failed)?;
    Ok(())
}
