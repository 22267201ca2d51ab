use std::collections::HashMap;

use corral_contract::{
    InstanceId, Timestamp, WireError,
    instances::{Kind, Removed, Runner, StoreSource},
};
use sqlx::Row;
use url::Url;

use super::{
    address,
    model::{Counts, Profile, Record},
    sealed,
};
use crate::{
    Core, Result,
    db::{Db, failed, from_json, json},
};

pub(super) async fn all(db: &Db) -> Result<Vec<Record>> {
    let rows = sqlx::query(
        "SELECT id, name, kind, runner, url, headers, custom_ca, store_path, store_source, version
         FROM instance ORDER BY id",
    )
    .fetch_all(db.read())
    .await
    .map_err(failed)?;
    Ok(rows.iter().filter_map(record).collect())
}

/// `None` for a row of a newer version whose words are unknown here.
fn record(row: &sqlx::sqlite::SqliteRow) -> Option<Record> {
    Some(Record {
        id: InstanceId(row.get("id")),
        profile: Profile {
            name: row.get("name"),
            kind: Kind::parse(row.get("kind"))?,
            runner: Runner::parse(row.get("runner")).unwrap_or(Runner::Unknown),
            url: Url::parse(row.get("url")).ok()?,
            headers: from_json(row.get::<Option<&str>, _>("headers")).unwrap_or_default(),
            custom_ca: row.get("custom_ca"),
        },
        store_path: row.get("store_path"),
        store_source: StoreSource::parse(row.get("store_source")).unwrap_or(StoreSource::Unknown),
        version: row.get("version"),
    })
}

/// Whether an instance was ever stored here, also one that was removed since.
pub(super) async fn ever_had_one(db: &Db) -> Result<bool> {
    let count: i64 =
        sqlx::query_scalar("SELECT count(*) FROM sqlite_sequence WHERE name = 'instance'")
            .fetch_one(db.read())
            .await
            .map_err(failed)?;
    Ok(count > 0)
}

pub(super) async fn insert(core: &Core, profile: &Profile) -> Result<InstanceId> {
    let headers = sealed::seal(core.secrets(), &profile.headers).await?;
    let mut transaction = core.db.write().await?;
    let id: i64 = sqlx::query_scalar(
        "INSERT INTO instance (name, kind, runner, url, headers, custom_ca, created_at)
         VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id",
    )
    .bind(&profile.name)
    .bind(profile.kind.as_str())
    .bind(profile.runner.as_str())
    .bind(address::shown(&profile.url))
    .bind(json(&headers))
    .bind(profile.custom_ca.as_deref())
    .bind(core.now().0)
    .fetch_one(&mut *transaction)
    .await
    .map_err(|error| taken(error, profile))?;
    transaction.commit().await.map_err(failed)?;
    Ok(InstanceId(id))
}

pub(super) async fn update(core: &Core, id: InstanceId, profile: &Profile) -> Result<()> {
    let headers = sealed::seal(core.secrets(), &profile.headers).await?;
    let mut transaction = core.db.write().await?;
    sqlx::query(
        "UPDATE instance SET name = ?, kind = ?, runner = ?, url = ?, headers = ?, custom_ca = ?
         WHERE id = ?",
    )
    .bind(&profile.name)
    .bind(profile.kind.as_str())
    .bind(profile.runner.as_str())
    .bind(address::shown(&profile.url))
    .bind(json(&headers))
    .bind(profile.custom_ca.as_deref())
    .bind(id.0)
    .execute(&mut *transaction)
    .await
    .map_err(|error| taken(error, profile))?;
    transaction.commit().await.map_err(failed)
}

/// Two commands at once may both have found the address free; the table decides.
fn taken(error: sqlx::Error, profile: &Profile) -> WireError {
    match &error {
        sqlx::Error::Database(inner) if inner.is_unique_violation() => {
            WireError::new(corral_contract::ErrorCode::AlreadyExists)
                .with("field", "url")
                .with("name", &profile.name)
                .with("url", address::shown(&profile.url))
        }
        _ => failed(error),
    }
}

/// Forgets an instance with its models and queue entries, and counts them.
pub(super) async fn remove(db: &Db, id: InstanceId) -> Result<Removed> {
    let mut transaction = db.write().await?;
    let models: i64 = sqlx::query_scalar("SELECT count(*) FROM model WHERE instance_id = ?")
        .bind(id.0)
        .fetch_one(&mut *transaction)
        .await
        .map_err(failed)?;
    let jobs: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM job
         WHERE instance_id = ? AND state IN ('queued', 'running', 'paused')",
    )
    .bind(id.0)
    .fetch_one(&mut *transaction)
    .await
    .map_err(failed)?;
    sqlx::query("DELETE FROM instance WHERE id = ?")
        .bind(id.0)
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
    transaction.commit().await.map_err(failed)?;
    let (models, jobs) = (models.unsigned_abs(), jobs.unsigned_abs());
    Ok(Removed { models, jobs, kept: Vec::new() })
}

pub(super) async fn set_version(db: &Db, id: InstanceId, version: &str) -> Result<()> {
    let mut transaction = db.write().await?;
    sqlx::query("UPDATE instance SET version = ? WHERE id = ?")
        .bind(version)
        .bind(id.0)
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
    transaction.commit().await.map_err(failed)
}

pub(super) async fn set_place(
    db: &Db,
    id: InstanceId,
    path: Option<&str>,
    source: StoreSource,
) -> Result<()> {
    let mut transaction = db.write().await?;
    sqlx::query("UPDATE instance SET store_path = ?, store_source = ? WHERE id = ?")
        .bind(path)
        .bind(source.as_str())
        .bind(id.0)
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
    transaction.commit().await.map_err(failed)
}

/// A model whose files the server has, to ask where they are.
pub(super) async fn any_model(db: &Db, id: InstanceId) -> Result<Option<String>> {
    sqlx::query_scalar(
        "SELECT name FROM model WHERE instance_id = ? AND on_server = 1 AND cloud = 0 LIMIT 1",
    )
    .bind(id.0)
    .fetch_optional(db.read())
    .await
    .map_err(failed)
}

/// Figures of every instance, or of one.
pub(super) async fn counts(
    db: &Db,
    only: Option<InstanceId>,
) -> Result<HashMap<InstanceId, Counts>> {
    let rows = sqlx::query(
        "SELECT instance.id, instance.last_sync, count(model.id) AS models,
                coalesce(sum(model.status = 'running'), 0) AS running
         FROM instance
         LEFT JOIN model ON model.instance_id = instance.id AND model.hidden_until IS NULL
         WHERE ?1 IS NULL OR instance.id = ?1
         GROUP BY instance.id",
    )
    .bind(only.map(|id| id.0))
    .fetch_all(db.read())
    .await
    .map_err(failed)?;
    let counts = |row: &sqlx::sqlite::SqliteRow| {
        let counts = Counts {
            models: row.get::<i64, _>("models").unsigned_abs(),
            running: row.get::<i64, _>("running").unsigned_abs(),
            last_sync: row.get::<Option<i64>, _>("last_sync").map(Timestamp),
        };
        (InstanceId(row.get("id")), counts)
    };
    Ok(rows.iter().map(counts).collect())
}

/// Every instance, in the order in which they were added.
pub(super) async fn ids(db: &Db) -> Result<Vec<InstanceId>> {
    let ids: Vec<i64> = sqlx::query_scalar("SELECT id FROM instance ORDER BY id")
        .fetch_all(db.read())
        .await
        .map_err(failed)?;
    Ok(ids.into_iter().map(InstanceId).collect())
}
