use std::collections::BTreeMap;

use corral_contract::{
    InstanceId, Timestamp,
    installs::{InstallOllama, Release, RemoveOllama, UpdateOllama},
};
use serde::{Deserialize, Serialize};
use sqlx::Row;

use crate::{
    Result,
    db::{Db, failed, from_json, json},
};

/// A version that lies complete in the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Version {
    pub(super) version: String,
    pub(super) digest: String,
    pub(super) verified: bool,
    pub(super) from_file: bool,
    pub(super) size: u64,
    pub(super) installed_at: Timestamp,
}

/// The server that Corral runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Server {
    pub(super) instance: Option<InstanceId>,
    pub(super) port: u16,
    pub(super) models: String,
    pub(super) environment: BTreeMap<String, String>,
    pub(super) active: String,
    pub(super) previous: Option<String>,
    pub(super) pinned: bool,
    pub(super) autostart: bool,
}

/// What was asked for and is not over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Wish {
    Install(InstallOllama),
    Update(UpdateOllama),
    Remove(RemoveOllama),
}

pub(super) async fn versions(db: &Db) -> Result<Vec<Version>> {
    let rows = sqlx::query(
        "SELECT version, digest, verified, from_file, size, installed_at
         FROM ollama_version ORDER BY installed_at DESC, version DESC",
    )
    .fetch_all(db.read())
    .await
    .map_err(failed)?;
    let version = |row: &sqlx::sqlite::SqliteRow| Version {
        version: row.get("version"),
        digest: row.get("digest"),
        verified: row.get("verified"),
        from_file: row.get("from_file"),
        size: row.get::<i64, _>("size").unsigned_abs(),
        installed_at: Timestamp(row.get("installed_at")),
    };
    Ok(rows.iter().map(version).collect())
}

pub(super) async fn add_version(db: &Db, version: &Version) -> Result<()> {
    let mut transaction = db.write().await?;
    sqlx::query(
        "INSERT OR REPLACE INTO ollama_version
         (version, digest, verified, from_file, size, installed_at) VALUES (?, ?, ?, ?, ?, ?)",
    )
    .bind(&version.version)
    .bind(&version.digest)
    .bind(version.verified)
    .bind(version.from_file)
    .bind(i64::try_from(version.size).unwrap_or(i64::MAX))
    .bind(version.installed_at.0)
    .execute(&mut *transaction)
    .await
    .map_err(failed)?;
    transaction.commit().await.map_err(failed)
}

pub(super) async fn drop_version(db: &Db, version: &str) -> Result<()> {
    let mut transaction = db.write().await?;
    sqlx::query("DELETE FROM ollama_version WHERE version = ?")
        .bind(version)
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
    transaction.commit().await.map_err(failed)
}

pub(super) async fn server(db: &Db) -> Result<Option<Server>> {
    let row = sqlx::query(
        "SELECT instance_id, port, models, environment, active, previous, pinned, autostart
         FROM ollama_server",
    )
    .fetch_optional(db.read())
    .await
    .map_err(failed)?;
    Ok(row.map(|row| Server {
        instance: row.get::<Option<i64>, _>("instance_id").map(InstanceId),
        port: u16::try_from(row.get::<i64, _>("port")).unwrap_or(0),
        models: row.get("models"),
        environment: from_json(row.get("environment")).unwrap_or_default(),
        active: row.get("active"),
        previous: row.get("previous"),
        pinned: row.get("pinned"),
        autostart: row.get("autostart"),
    }))
}

pub(super) async fn put_server(db: &Db, server: &Server) -> Result<()> {
    let mut transaction = db.write().await?;
    sqlx::query(
        "INSERT OR REPLACE INTO ollama_server
         (id, instance_id, port, models, environment, active, previous, pinned, autostart)
         VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(server.instance.map(|id| id.0))
    .bind(i64::from(server.port))
    .bind(&server.models)
    .bind(json(&server.environment))
    .bind(&server.active)
    .bind(server.previous.as_deref())
    .bind(server.pinned)
    .bind(server.autostart)
    .execute(&mut *transaction)
    .await
    .map_err(failed)?;
    transaction.commit().await.map_err(failed)
}

pub(super) async fn drop_server(db: &Db) -> Result<()> {
    let mut transaction = db.write().await?;
    sqlx::query("DELETE FROM ollama_server").execute(&mut *transaction).await.map_err(failed)?;
    transaction.commit().await.map_err(failed)
}

/// What is under way, and the version it is about, if that is known.
pub(super) async fn job(db: &Db) -> Result<Option<(Wish, Option<String>)>> {
    let row = sqlx::query("SELECT wish, version FROM ollama_job")
        .fetch_optional(db.read())
        .await
        .map_err(failed)?;
    Ok(row.and_then(|row| Some((from_json(row.get("wish"))?, row.get("version")))))
}

pub(super) async fn put_job(db: &Db, wish: &Wish, version: Option<&str>) -> Result<()> {
    let mut transaction = db.write().await?;
    sqlx::query("INSERT OR REPLACE INTO ollama_job (id, wish, version) VALUES (1, ?, ?)")
        .bind(json(wish))
        .bind(version)
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
    transaction.commit().await.map_err(failed)
}

pub(super) async fn drop_job(db: &Db) -> Result<()> {
    let mut transaction = db.write().await?;
    sqlx::query("DELETE FROM ollama_job").execute(&mut *transaction).await.map_err(failed)?;
    transaction.commit().await.map_err(failed)
}

pub(super) async fn newest(db: &Db) -> Result<Option<Release>> {
    let text: Option<String> = sqlx::query_scalar("SELECT release FROM ollama_release")
        .fetch_optional(db.read())
        .await
        .map_err(failed)?;
    Ok(from_json(text.as_deref()))
}

pub(super) async fn put_newest(db: &Db, release: &Release) -> Result<()> {
    let mut transaction = db.write().await?;
    sqlx::query("INSERT OR REPLACE INTO ollama_release (id, release) VALUES (1, ?)")
        .bind(json(release))
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
    transaction.commit().await.map_err(failed)
}
