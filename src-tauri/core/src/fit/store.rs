use std::collections::BTreeMap;

use corral_contract::{InstanceId, fit::Evictable, models::Memory};
use sqlx::Row;

use crate::{
    Core, Result,
    db::{failed, from_json},
    ollama::LoadedModel,
};

/// Loads that a factor is learned from: the last ones.
const LEARNED_FROM: i64 = 20;

/// What a model took when it was loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Measured {
    pub(super) context: u64,
    pub(super) bytes: u64,
    pub(super) vram: u64,
}

/// The last load of a manifest.
///
/// # Errors
/// Database errors.
pub(super) async fn measured(
    core: &Core,
    instance: InstanceId,
    digest: &str,
) -> Result<Option<Measured>> {
    let row = sqlx::query(
        "SELECT context, bytes, vram FROM fit_load
         WHERE instance_id = ? AND digest = ? AND context > 0 ORDER BY at DESC LIMIT 1",
    )
    .bind(instance.0)
    .bind(digest)
    .fetch_optional(core.db.read())
    .await
    .map_err(failed)?;
    Ok(row.map(|row| Measured {
        context: row.get::<i64, _>("context").cast_unsigned(),
        bytes: row.get::<i64, _>("bytes").cast_unsigned(),
        vram: row.get::<i64, _>("vram").cast_unsigned(),
    }))
}

/// Keeps what a load took.
///
/// # Errors
/// Database errors.
pub(super) async fn keep(
    core: &Core,
    instance: InstanceId,
    digest: &str,
    loaded: &LoadedModel,
    reckoned: Option<u64>,
) -> Result<()> {
    let mut transaction = core.db.write().await?;
    sqlx::query(
        "INSERT INTO fit_load (instance_id, digest, context, bytes, vram, reckoned, at)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7 WHERE EXISTS (SELECT 1 FROM instance WHERE id = ?1)
         ON CONFLICT (instance_id, digest, context) DO UPDATE SET bytes = excluded.bytes,
             vram = excluded.vram, reckoned = excluded.reckoned, at = excluded.at",
    )
    .bind(instance.0)
    .bind(digest)
    .bind(loaded.context_length.unwrap_or(0).cast_signed())
    .bind(loaded.size.cast_signed())
    .bind(loaded.size_vram.cast_signed())
    .bind(reckoned.map(u64::cast_signed))
    .bind(core.now().0)
    .execute(&mut *transaction)
    .await
    .map_err(failed)?;
    transaction.commit().await.map_err(failed)
}

/// What was measured over what was reckoned, of the last loads of an instance.
///
/// # Errors
/// Database errors.
pub(super) async fn ratios_of(core: &Core, instance: InstanceId) -> Result<Vec<f64>> {
    sqlx::query_scalar(
        "SELECT CAST(bytes AS REAL) / reckoned FROM fit_load
         WHERE instance_id = ? AND reckoned > 0 ORDER BY at DESC LIMIT ?",
    )
    .bind(instance.0)
    .bind(LEARNED_FROM)
    .fetch_all(core.db.read())
    .await
    .map_err(failed)
}

/// The same of every instance.
///
/// # Errors
/// Database errors.
pub(super) async fn ratios(core: &Core) -> Result<BTreeMap<InstanceId, Vec<f64>>> {
    let ids: Vec<i64> = sqlx::query_scalar("SELECT DISTINCT instance_id FROM fit_load")
        .fetch_all(core.db.read())
        .await
        .map_err(failed)?;
    let mut all = BTreeMap::new();
    for id in ids.into_iter().map(InstanceId) {
        all.insert(id, ratios_of(core, id).await?);
    }
    Ok(all)
}

/// Models in the memory of an instance, but for the one of this manifest.
///
/// # Errors
/// Database errors.
pub(super) async fn loaded(
    core: &Core,
    instance: InstanceId,
    but: Option<&str>,
) -> Result<Vec<Evictable>> {
    let rows = sqlx::query(
        "SELECT name, memory FROM model WHERE instance_id = ?1 AND run = 'running'
             AND memory IS NOT NULL AND digest IS NOT ?2
         GROUP BY digest ORDER BY sort_key",
    )
    .bind(instance.0)
    .bind(but)
    .fetch_all(core.db.read())
    .await
    .map_err(failed)?;
    let evictable = rows.iter().filter_map(|row| {
        let memory: Memory = from_json(row.get::<Option<&str>, _>("memory"))?;
        Some(Evictable { name: row.get("name"), bytes: memory.bytes, vram: memory.vram })
    });
    Ok(evictable.collect())
}
