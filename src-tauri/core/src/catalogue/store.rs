use std::collections::{HashMap, HashSet};

use corral_contract::{InstanceId, Timestamp, WireError};
use sqlx::Row;

use crate::{
    Core, Result,
    db::{failed, from_json, json},
};

/// Answers of hf.co that are kept.
const MOST_ANSWERS: i64 = 200;

/// What a registry said about a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) bytes: Option<u64>,
    pub(super) digest: Option<String>,
    pub(super) gone: bool,
    pub(super) checked_at: Timestamp,
}

/// What is kept of the catalogue as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Setup {
    pub(super) own_file: Option<String>,
    pub(super) refreshed_at: Option<Timestamp>,
    pub(super) problem: Option<WireError>,
}

/// Everything that registries said, by complete lower-case names.
///
/// # Errors
/// Database errors.
pub(super) async fn said(core: &Core) -> Result<HashMap<String, Said>> {
    let rows = sqlx::query("SELECT key, bytes, digest, gone, checked_at FROM catalogue_tag")
        .fetch_all(core.db.read())
        .await
        .map_err(failed)?;
    let read = |row: sqlx::sqlite::SqliteRow| {
        let said = Said {
            bytes: row.get::<Option<i64>, _>("bytes").map(i64::cast_unsigned),
            digest: row.get("digest"),
            gone: row.get("gone"),
            checked_at: Timestamp(row.get("checked_at")),
        };
        (row.get("key"), said)
    };
    Ok(rows.into_iter().map(read).collect())
}

/// Keeps what a registry said about a tag. That one is gone leaves the size it had.
///
/// # Errors
/// Database errors.
pub(super) async fn keep(core: &Core, key: &str, said: &Said) -> Result<()> {
    let mut transaction = core.db.write().await?;
    sqlx::query(
        "INSERT INTO catalogue_tag (key, bytes, digest, gone, checked_at) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT (key) DO UPDATE SET bytes = COALESCE(excluded.bytes, bytes),
             digest = COALESCE(excluded.digest, digest), gone = excluded.gone,
             checked_at = excluded.checked_at",
    )
    .bind(key)
    .bind(said.bytes.map(u64::cast_signed))
    .bind(&said.digest)
    .bind(said.gone)
    .bind(said.checked_at.0)
    .execute(&mut *transaction)
    .await
    .map_err(failed)?;
    transaction.commit().await.map_err(failed)
}

/// Keys of the models that a server has.
///
/// # Errors
/// Database errors.
pub(super) async fn installed(core: &Core, instance: InstanceId) -> Result<HashSet<String>> {
    let keys: Vec<String> = sqlx::query_scalar(
        "SELECT key FROM model WHERE instance_id = ? AND on_server = 1 AND hidden_until IS NULL",
    )
    .bind(instance.0)
    .fetch_all(core.db.read())
    .await
    .map_err(failed)?;
    Ok(keys.into_iter().collect())
}

/// Names that contain this text and were asked for before, the last first, each once.
///
/// # Errors
/// Database errors.
pub(super) async fn recent(core: &Core, text: &str, most: i64) -> Result<Vec<String>> {
    sqlx::query_scalar(
        "SELECT name FROM job WHERE instr(lower(name), lower(?1)) > 0
         GROUP BY lower(name) ORDER BY MAX(id) DESC LIMIT ?2",
    )
    .bind(text)
    .bind(most)
    .fetch_all(core.db.read())
    .await
    .map_err(failed)
}

/// # Errors
/// Database errors.
pub(super) async fn setup(core: &Core) -> Result<Setup> {
    let row = sqlx::query("SELECT own_file, refreshed_at, problem FROM catalogue_setup")
        .fetch_optional(core.db.read())
        .await
        .map_err(failed)?;
    Ok(row.map_or_else(Setup::default, |row| Setup {
        own_file: row.get("own_file"),
        refreshed_at: row.get::<Option<i64>, _>("refreshed_at").map(Timestamp),
        problem: from_json(row.get::<Option<&str>, _>("problem")),
    }))
}

/// # Errors
/// Database errors.
pub(super) async fn set_own_file(core: &Core, path: Option<&str>) -> Result<()> {
    let mut transaction = core.db.write().await?;
    sqlx::query(
        "INSERT INTO catalogue_setup (one, own_file) VALUES (1, ?)
         ON CONFLICT (one) DO UPDATE SET own_file = excluded.own_file",
    )
    .bind(path)
    .execute(&mut *transaction)
    .await
    .map_err(failed)?;
    transaction.commit().await.map_err(failed)
}

/// A round of questions ended; `None` = all were answered. Only then its time is kept.
///
/// # Errors
/// Database errors.
pub(super) async fn refreshed(core: &Core, problem: Option<&WireError>) -> Result<()> {
    let at = problem.is_none().then(|| core.now().0);
    let mut transaction = core.db.write().await?;
    sqlx::query(
        "INSERT INTO catalogue_setup (one, refreshed_at, problem) VALUES (1, ?1, ?2)
         ON CONFLICT (one) DO UPDATE SET problem = excluded.problem,
             refreshed_at = COALESCE(excluded.refreshed_at, refreshed_at)",
    )
    .bind(at)
    .bind(problem.map(json))
    .execute(&mut *transaction)
    .await
    .map_err(failed)?;
    transaction.commit().await.map_err(failed)
}

/// The last answer to a question and when it came.
///
/// # Errors
/// Database errors.
pub(super) async fn answer(core: &Core, question: &str) -> Result<Option<(String, Timestamp)>> {
    let row: Option<(String, i64)> =
        sqlx::query_as("SELECT answer, at FROM hub_answer WHERE question = ?")
            .bind(question)
            .fetch_optional(core.db.read())
            .await
            .map_err(failed)?;
    Ok(row.map(|(answer, at)| (answer, Timestamp(at))))
}

/// Keeps an answer; the oldest ones go.
///
/// # Errors
/// Database errors.
pub(super) async fn keep_answer(core: &Core, question: &str, answer: &str) -> Result<()> {
    let mut transaction = core.db.write().await?;
    sqlx::query(
        "INSERT INTO hub_answer (question, answer, at) VALUES (?, ?, ?)
         ON CONFLICT (question) DO UPDATE SET answer = excluded.answer, at = excluded.at",
    )
    .bind(question)
    .bind(answer)
    .bind(core.now().0)
    .execute(&mut *transaction)
    .await
    .map_err(failed)?;
    sqlx::query(
        "DELETE FROM hub_answer WHERE question NOT IN (
             SELECT question FROM hub_answer ORDER BY at DESC LIMIT ?)",
    )
    .bind(MOST_ANSWERS)
    .execute(&mut *transaction)
    .await
    .map_err(failed)?;
    transaction.commit().await.map_err(failed)
}
