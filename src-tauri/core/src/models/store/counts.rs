//! How many models each status has.

use corral_contract::{
    InstanceId,
    models::{CountModels, ModelCounts, call},
    status::Status,
};
use sqlx::Row;

use crate::{Core, Result, db::failed, router::Handle, updates};

/// Answered by the index `model_search` alone.
const COUNTS: &str = "SELECT status, COUNT(*) AS models, COALESCE(SUM(bytes), 0) AS bytes
     FROM model INDEXED BY model_search
     WHERE hidden_until IS NULL AND (?1 IS NULL OR instance_id = ?1) GROUP BY status";

pub(in crate::models) async fn counts(
    core: &Core,
    instance: Option<InstanceId>,
) -> Result<ModelCounts> {
    let rows = sqlx::query(COUNTS)
        .bind(instance.map(|id| id.0))
        .fetch_all(core.db.read())
        .await
        .map_err(failed)?;
    let mut counts = ModelCounts::default();
    for row in rows {
        let models = row.get::<i64, _>("models").cast_unsigned();
        counts.total += models;
        counts.bytes += row.get::<i64, _>("bytes").cast_unsigned();
        if let Some(status) = Status::parse(row.get("status")) {
            counts.by_status.push((status, models));
        }
    }
    counts.by_status.sort();
    counts.updates = updates::counts(core, instance).await?;
    Ok(counts)
}

impl Handle<call::Counts> for Core {
    async fn handle(&self, request: CountModels) -> Result<ModelCounts> {
        counts(self, request.instance_id).await
    }
}
