//! Presets and preloaded models in the database.

use corral_contract::{
    ErrorCode, InstanceId, ModelId, Timestamp, WireError,
    models::StartOptions,
    running::{MOST_PRESETS, Preset, RunView},
};
use sqlx::{Row, sqlite::SqliteRow};

use super::draft::PresetDraft;
use crate::{
    Core, Result,
    db::{failed, from_json, json},
};

fn decode(row: &SqliteRow) -> Preset {
    Preset {
        id: row.get("id"),
        name: row.get("name"),
        options: from_json(Some(row.get("options"))).unwrap_or_default(),
        usual: row.get("usual"),
    }
}

/// How a model of this name is run on an instance.
pub(super) async fn view(core: &Core, instance: InstanceId, key: &str) -> Result<RunView> {
    let rows = sqlx::query(
        "SELECT id, name, options, usual FROM preset WHERE key = ?
         ORDER BY used_at DESC NULLS LAST, id",
    )
    .bind(key)
    .fetch_all(core.db.read())
    .await
    .map_err(failed)?;
    let preload: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM preload WHERE instance_id = ? AND key = ?)",
    )
    .bind(instance.0)
    .bind(key)
    .fetch_one(core.db.read())
    .await
    .map_err(failed)?;
    Ok(RunView { presets: rows.iter().map(decode).collect(), preload })
}

/// # Errors
/// `NOT_FOUND`, database errors.
pub(super) async fn preset(core: &Core, key: &str, id: i64) -> Result<Preset> {
    let row = sqlx::query("SELECT id, name, options, usual FROM preset WHERE id = ? AND key = ?")
        .bind(id)
        .bind(key)
        .fetch_optional(core.db.read())
        .await
        .map_err(failed)?;
    row.as_ref().map(decode).ok_or_else(|| gone(id))
}

fn gone(id: i64) -> WireError {
    WireError::new(ErrorCode::NotFound).with("preset", id)
}

pub(super) async fn usual(core: &Core, key: &str) -> Result<Option<StartOptions>> {
    let options: Option<String> =
        sqlx::query_scalar("SELECT options FROM preset WHERE key = ? AND usual = 1")
            .bind(key)
            .fetch_optional(core.db.read())
            .await
            .map_err(failed)?;
    Ok(from_json(options.as_deref()))
}

pub(super) async fn used(core: &Core, id: i64, now: Timestamp) -> Result<()> {
    let mut transaction = core.db.write().await?;
    sqlx::query("UPDATE preset SET used_at = ? WHERE id = ?")
        .bind(now.0)
        .bind(id)
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
    transaction.commit().await.map_err(failed)
}

/// # Errors
/// `ALREADY_EXISTS` for a name that another preset of the model has, `NOT_FOUND` for one that is
/// gone, `INVALID_INPUT` when there are too many.
pub(super) async fn save(core: &Core, key: &str, draft: &PresetDraft) -> Result<()> {
    let mut transaction = core.db.write().await?;
    let others: Vec<(i64, String)> = sqlx::query_as("SELECT id, name FROM preset WHERE key = ?")
        .bind(key)
        .fetch_all(&mut *transaction)
        .await
        .map_err(failed)?;
    let name = draft.name.to_lowercase();
    if others.iter().any(|(id, other)| Some(*id) != draft.id && other.to_lowercase() == name) {
        return Err(WireError::new(ErrorCode::AlreadyExists).with("name", &draft.name));
    }
    if draft.id.is_none() && others.len() >= MOST_PRESETS {
        return Err(WireError::field("name", "tooMany").with("max", MOST_PRESETS));
    }
    if draft.usual {
        sqlx::query("UPDATE preset SET usual = 0 WHERE key = ?")
            .bind(key)
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
    }
    let options = json(&draft.options);
    let done = match draft.id {
        Some(id) => {
            sqlx::query(
                "UPDATE preset SET name = ?, options = ?, usual = ? WHERE id = ? AND key = ?",
            )
            .bind(&draft.name)
            .bind(options)
            .bind(draft.usual)
            .bind(id)
            .bind(key)
            .execute(&mut *transaction)
            .await
        }
        None => {
            sqlx::query("INSERT INTO preset (key, name, options, usual) VALUES (?, ?, ?, ?)")
                .bind(key)
                .bind(&draft.name)
                .bind(options)
                .bind(draft.usual)
                .execute(&mut *transaction)
                .await
        }
    }
    .map_err(failed)?;
    if done.rows_affected() == 0 {
        return Err(gone(draft.id.unwrap_or_default()));
    }
    transaction.commit().await.map_err(failed)
}

/// # Errors
/// `NOT_FOUND`, database errors.
pub(super) async fn remove(core: &Core, key: &str, id: i64) -> Result<()> {
    let mut transaction = core.db.write().await?;
    let done = sqlx::query("DELETE FROM preset WHERE id = ? AND key = ?")
        .bind(id)
        .bind(key)
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
    transaction.commit().await.map_err(failed)?;
    if done.rows_affected() == 0 { Err(gone(id)) } else { Ok(()) }
}

/// Loads a name at start, or no longer; `Some` with the VRAM it takes, as far as it is known.
pub(super) async fn set_preload(
    core: &Core,
    instance: InstanceId,
    key: &str,
    on: Option<Option<u64>>,
) -> Result<()> {
    let mut transaction = core.db.write().await?;
    match on {
        Some(vram) => {
            sqlx::query(
                "INSERT INTO preload (instance_id, key, vram) VALUES (?, ?, ?)
                 ON CONFLICT DO UPDATE SET vram = COALESCE(excluded.vram, vram)",
            )
            .bind(instance.0)
            .bind(key)
            .bind(vram.map(u64::cast_signed))
            .execute(&mut *transaction)
            .await
        }
        None => {
            sqlx::query("DELETE FROM preload WHERE instance_id = ? AND key = ?")
                .bind(instance.0)
                .bind(key)
                .execute(&mut *transaction)
                .await
        }
    }
    .map_err(failed)?;
    transaction.commit().await.map_err(failed)
}

/// Remembers what a loaded model takes, if it is one that is loaded at start.
///
/// # Errors
/// Database errors.
pub(crate) async fn measured(
    core: &Core,
    instance: InstanceId,
    key: &str,
    vram: u64,
) -> Result<()> {
    let known: Option<Option<i64>> =
        sqlx::query_scalar("SELECT vram FROM preload WHERE instance_id = ? AND key = ?")
            .bind(instance.0)
            .bind(key)
            .fetch_optional(core.db.read())
            .await
            .map_err(failed)?;
    // Most models are not loaded at start, and most take what they took last time.
    match known {
        Some(last) if last != Some(vram.cast_signed()) => {
            set_preload(core, instance, key, Some(Some(vram))).await
        }
        _ => Ok(()),
    }
}

/// What is loaded at start on an instance and is not loaded yet: the largest first, as measured,
/// else by size.
pub(super) async fn due(core: &Core, instance: InstanceId) -> Result<Vec<ModelId>> {
    let ids: Vec<i64> = sqlx::query_scalar(
        "SELECT m.id FROM model m
         JOIN (SELECT key, max(vram) AS vram FROM
                   (SELECT key, vram FROM preload WHERE instance_id = ?1
                    UNION ALL SELECT key, vram FROM ran WHERE instance_id = ?1)
               GROUP BY key) p ON p.key = m.key
         WHERE m.instance_id = ?1 AND m.on_server = 1 AND m.hidden_until IS NULL
             AND m.run NOT IN ('running', 'starting', 'stopping')
         ORDER BY COALESCE(p.vram, m.bytes) DESC NULLS LAST, m.id",
    )
    .bind(instance.0)
    .fetch_all(core.db.read())
    .await
    .map_err(failed)?;
    Ok(ids.into_iter().map(ModelId).collect())
}

/// Keeps which models were in memory, with what they took. What an earlier start kept and never came
/// to load stays.
///
/// # Errors
/// Database errors.
pub(super) async fn keep_ran(core: &Core) -> Result<()> {
    let mut transaction = core.db.write().await?;
    sqlx::query(
        "INSERT INTO ran (instance_id, key, vram)
         SELECT instance_id, key, json_extract(memory, '$.vram') FROM model
         WHERE run = 'running' AND on_server = 1 AND hidden_until IS NULL
         ON CONFLICT DO UPDATE SET vram = excluded.vram",
    )
    .execute(&mut *transaction)
    .await
    .map_err(failed)?;
    transaction.commit().await.map_err(failed)
}

/// Forgets what ran on an instance, or anywhere.
///
/// # Errors
/// Database errors.
pub(super) async fn forget_ran(core: &Core, instance: Option<InstanceId>) -> Result<()> {
    let mut transaction = core.db.write().await?;
    sqlx::query("DELETE FROM ran WHERE ?1 IS NULL OR instance_id = ?1")
        .bind(instance.map(|id| id.0))
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
    transaction.commit().await.map_err(failed)
}

/// Models of an instance that ran, loaded by now or not.
///
/// # Errors
/// Database errors.
pub(super) async fn ran(core: &Core, instance: InstanceId) -> Result<Vec<ModelId>> {
    let ids: Vec<i64> = sqlx::query_scalar(
        "SELECT m.id FROM ran r JOIN model m ON m.instance_id = r.instance_id AND m.key = r.key
         WHERE r.instance_id = ?",
    )
    .bind(instance.0)
    .fetch_all(core.db.read())
    .await
    .map_err(failed)?;
    Ok(ids.into_iter().map(ModelId).collect())
}

/// Models in memory or on the way there.
pub(super) async fn loaded(core: &Core, instance: Option<InstanceId>) -> Result<Vec<ModelId>> {
    let ids: Vec<i64> = sqlx::query_scalar(
        "SELECT id FROM model WHERE run IN ('running', 'starting') AND hidden_until IS NULL
             AND (?1 IS NULL OR instance_id = ?1) ORDER BY id",
    )
    .bind(instance.map(|id| id.0))
    .fetch_all(core.db.read())
    .await
    .map_err(failed)?;
    Ok(ids.into_iter().map(ModelId).collect())
}
