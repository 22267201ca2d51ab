//! Which models an instance has, when they were used, and since when anybody looks.

use corral_contract::{InstanceId, ModelId, Timestamp};
use sqlx::Row;

use crate::{Core, Result, db::failed};

/// A model as a look at the disk needs it.
#[derive(Debug, Clone)]
pub(in crate::disk) struct Used {
    pub(in crate::disk) id: ModelId,
    pub(in crate::disk) name: String,
    pub(in crate::disk) key: String,
    pub(in crate::disk) digest: Option<String>,
    pub(in crate::disk) bytes: Option<u64>,
    pub(in crate::disk) last_used: Option<Timestamp>,
    pub(in crate::disk) pinned: bool,
    /// It lies on the server, takes room there and nothing is done with it now.
    pub(in crate::disk) idle: bool,
}

/// The models of an instance that its server has.
pub(in crate::disk) async fn of_instance(core: &Core, instance: InstanceId) -> Result<Vec<Used>> {
    let rows = sqlx::query(
        "SELECT m.id, m.name, m.key, m.digest, m.bytes, k.last_used,
                COALESCE(k.pinned, 0) AS pinned,
                m.run = 'stopped' AND m.install = 'ready' AND NOT EXISTS (
                    SELECT 1 FROM job j
                    WHERE j.model_id = m.id AND j.state IN ('queued', 'running', 'paused'))
                    AS idle
         FROM model m LEFT JOIN model_keep k ON k.model_id = m.id
         WHERE m.instance_id = ? AND m.on_server = 1 AND m.cloud = 0 AND m.hidden_until IS NULL
         ORDER BY m.sort_key",
    )
    .bind(instance.0)
    .fetch_all(core.db.read())
    .await
    .map_err(failed)?;
    let used = |row: &sqlx::sqlite::SqliteRow| Used {
        id: ModelId(row.get("id")),
        name: row.get("name"),
        key: row.get("key"),
        digest: row.get("digest"),
        bytes: row.get::<Option<i64>, _>("bytes").map(i64::cast_unsigned),
        last_used: row.get::<Option<i64>, _>("last_used").map(Timestamp),
        pinned: row.get("pinned"),
        idle: row.get("idle"),
    };
    Ok(rows.iter().map(used).collect())
}

/// Since when the use of an instance's models is watched.
pub(in crate::disk) async fn watched_since(
    core: &Core,
    instance: InstanceId,
) -> Result<Option<Timestamp>> {
    let since: Option<i64> =
        sqlx::query_scalar("SELECT since FROM use_watch WHERE instance_id = ?")
            .bind(instance.0)
            .fetch_optional(core.db.read())
            .await
            .map_err(failed)?;
    Ok(since.map(Timestamp))
}

/// When the rules of the clean-up were last looked at.
pub(in crate::disk) async fn cleaned_at(
    core: &Core,
    instance: InstanceId,
) -> Result<Option<Timestamp>> {
    let at: Option<Option<i64>> =
        sqlx::query_scalar("SELECT cleaned_at FROM use_watch WHERE instance_id = ?")
            .bind(instance.0)
            .fetch_optional(core.db.read())
            .await
            .map_err(failed)?;
    Ok(at.flatten().map(Timestamp))
}

/// They are looked at now.
pub(in crate::disk) async fn set_cleaned(
    core: &Core,
    instance: InstanceId,
    now: Timestamp,
) -> Result<()> {
    let mut transaction = core.db.write().await?;
    sqlx::query(
        "INSERT INTO use_watch (instance_id, since, cleaned_at) VALUES (?1, ?2, ?2)
         ON CONFLICT (instance_id) DO UPDATE SET cleaned_at = excluded.cleaned_at",
    )
    .bind(instance.0)
    .bind(now.0)
    .execute(&mut *transaction)
    .await
    .map_err(failed)?;
    transaction.commit().await.map_err(failed)
}
