use corral_contract::{InstanceId, Timestamp};

use crate::{
    Result,
    db::{Db, failed},
};

/// Measurements that are kept of a model.
const KEPT: i64 = 50;

/// The last measurements of a model before this one, newest first, and keeps this one.
pub(in crate::health) async fn add(
    db: &Db,
    instance: InstanceId,
    key: &str,
    at: Timestamp,
    speed: Option<f64>,
    load_ms: Option<u64>,
) -> Result<Vec<(Option<f64>, Option<u64>)>> {
    let mut transaction = db.write().await?;
    let rows: Vec<(Option<f64>, Option<i64>)> = sqlx::query_as(
        "SELECT speed, load_ms FROM health_speed WHERE instance_id = ? AND key = ?
         ORDER BY id DESC LIMIT ?",
    )
    .bind(instance.0)
    .bind(key)
    .bind(KEPT)
    .fetch_all(&mut *transaction)
    .await
    .map_err(failed)?;
    sqlx::query(
        "INSERT INTO health_speed (instance_id, key, at, speed, load_ms)
         SELECT id, ?2, ?3, ?4, ?5 FROM instance WHERE id = ?1",
    )
    .bind(instance.0)
    .bind(key)
    .bind(at.0)
    .bind(speed)
    .bind(load_ms.map(u64::cast_signed))
    .execute(&mut *transaction)
    .await
    .map_err(failed)?;
    sqlx::query(
        "DELETE FROM health_speed WHERE instance_id = ?1 AND key = ?2 AND id NOT IN
             (SELECT id FROM health_speed WHERE instance_id = ?1 AND key = ?2
              ORDER BY id DESC LIMIT ?3)",
    )
    .bind(instance.0)
    .bind(key)
    .bind(KEPT)
    .execute(&mut *transaction)
    .await
    .map_err(failed)?;
    transaction.commit().await.map_err(failed)?;
    Ok(rows.into_iter().map(|(speed, load)| (speed, load.map(i64::cast_unsigned))).collect())
}

/// Models that were seen in graphics memory, with the bytes they took there.
pub(in crate::health) async fn on_gpu(db: &Db) -> Result<Vec<(InstanceId, String, u64)>> {
    let rows: Vec<(i64, String, i64)> =
        sqlx::query_as("SELECT instance_id, key, vram FROM health_gpu")
            .fetch_all(db.read())
            .await
            .map_err(failed)?;
    let row = |(instance, key, vram): (i64, String, i64)| {
        (InstanceId(instance), key, vram.cast_unsigned())
    };
    Ok(rows.into_iter().map(row).collect())
}

/// A model is in graphics memory.
pub(in crate::health) async fn seen_on_gpu(
    db: &Db,
    instance: InstanceId,
    key: &str,
    vram: u64,
) -> Result<()> {
    let mut transaction = db.write().await?;
    sqlx::query(
        "INSERT INTO health_gpu (instance_id, key, vram)
         SELECT id, ?2, ?3 FROM instance WHERE id = ?1
         ON CONFLICT (instance_id, key) DO UPDATE SET vram = excluded.vram",
    )
    .bind(instance.0)
    .bind(key)
    .bind(vram.cast_signed())
    .execute(&mut *transaction)
    .await
    .map_err(failed)?;
    transaction.commit().await.map_err(failed)
}
