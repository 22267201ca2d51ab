use std::collections::BTreeMap;

use corral_contract::{InstanceId, Timestamp};
use sqlx::{Row, sqlite::SqliteRow};

use crate::{
    Result,
    db::{Db, failed, from_json, json},
    health::figures::{KEEP, Slot},
};

/// Adds what was measured to what is known of the same ten minutes.
pub(in crate::health) async fn add(
    db: &Db,
    slots: &[(InstanceId, Timestamp, Slot)],
    now: Timestamp,
) -> Result<()> {
    let mut transaction = db.write().await?;
    for (instance, at, slot) in slots {
        let known: Option<String> = sqlx::query_scalar(
            "SELECT latencies FROM health_slot WHERE instance_id = ? AND at = ?",
        )
        .bind(instance.0)
        .bind(at.0)
        .fetch_optional(&mut *transaction)
        .await
        .map_err(failed)?;
        let mut latencies: Vec<u32> = from_json(known.as_deref()).unwrap_or_default();
        latencies.extend(&slot.latencies);
        sqlx::query(
            "INSERT INTO health_slot (instance_id, at, asked, answered, latencies)
             SELECT id, ?2, MAX(?3, 0), ?4, ?5 FROM instance WHERE id = ?1
             ON CONFLICT (instance_id, at) DO UPDATE SET
                 asked = MAX(asked + ?3, 0), answered = answered + ?4, latencies = ?5",
        )
        .bind(instance.0)
        .bind(at.0)
        .bind(slot.asked)
        .bind(slot.answered)
        .bind(json(&latencies))
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
    }
    sqlx::query("DELETE FROM health_slot WHERE at < ?")
        .bind(now.plus(-KEEP).0)
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
    transaction.commit().await.map_err(failed)
}

/// What is known of an instance since a time.
pub(in crate::health) async fn since(
    db: &Db,
    instance: InstanceId,
    from: Timestamp,
) -> Result<BTreeMap<Timestamp, Slot>> {
    let rows = sqlx::query(
        "SELECT at, asked, answered, latencies FROM health_slot WHERE instance_id = ? AND at >= ?",
    )
    .bind(instance.0)
    .bind(from.0)
    .fetch_all(db.read())
    .await
    .map_err(failed)?;
    let slot = |row: &SqliteRow| {
        let slot = Slot {
            asked: row.get("asked"),
            answered: row.get("answered"),
            latencies: from_json(Some(row.get("latencies"))).unwrap_or_default(),
        };
        (Timestamp(row.get("at")), slot)
    };
    Ok(rows.iter().map(slot).collect())
}
