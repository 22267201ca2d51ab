//! Model rows in the database.

use corral_contract::{
    BatchId, ErrorCode, InstanceId, ModelId, TaskId, Timestamp, WireError,
    name::{ModelName, natural_key},
    status::{Cause, Install, Origin, Run, Status},
};
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};

pub(crate) use super::model::StoredModel;
use crate::{
    Core, Result,
    db::{failed, from_json, json},
};

pub(in crate::models) mod counts;
pub(in crate::models) mod history;
pub(in crate::models) mod keep;
pub(crate) mod listed;
pub(in crate::models) mod many;
pub(in crate::models) mod named;
pub(in crate::models) mod renaming;
pub(in crate::models) mod search;
pub(crate) mod seen;
pub(in crate::models) mod show;
pub(in crate::models) mod shown;

/// The columns of `model m` that [`decode`] reads, for use inside `concat!`.
macro_rules! model_columns {
    () => {
        "m.id, m.instance_id, m.name, m.key, m.origin, m.registry, m.install, m.run, m.bytes,
         m.digest, m.modified_at, m.family, m.parameter_size, m.quantization, m.context_length,
         m.capabilities, m.cloud, m.on_server, m.message, m.problem, m.memory, m.last_task,
         m.created_at, m.seen_at, m.hidden_until, m.mark"
    };
}
pub(in crate::models) use model_columns;

const BY_ID: &str = concat!("SELECT ", model_columns!(), " FROM model m WHERE m.id = ?");
const BY_KEY: &str =
    concat!("SELECT ", model_columns!(), " FROM model m WHERE m.instance_id = ? AND m.key = ?");

/// The model of a row with [`model_columns`].
///
/// # Errors
/// `STRUCT_TRANSFORM` for words of another version.
pub(super) fn decode(row: &SqliteRow) -> Result<StoredModel> {
    let unknown = |column: &str, word: &str| {
        WireError::new(ErrorCode::StructTransform).detail(format!("{column}: {word:?}"))
    };
    let (origin, install, run): (&str, &str, &str) =
        (row.get("origin"), row.get("install"), row.get("run"));
    let unsigned = |column: &str| row.get::<Option<i64>, _>(column).map(i64::cast_unsigned);
    let time = |column: &str| row.get::<Option<i64>, _>(column).map(Timestamp);
    Ok(StoredModel {
        id: ModelId(row.get("id")),
        instance: InstanceId(row.get("instance_id")),
        name: row.get("name"),
        key: row.get("key"),
        origin: Origin::parse(origin).ok_or_else(|| unknown("origin", origin))?,
        registry: row.get("registry"),
        install: Install::parse(install).ok_or_else(|| unknown("install", install))?,
        run: Run::parse(run).ok_or_else(|| unknown("run", run))?,
        bytes: unsigned("bytes"),
        digest: row.get("digest"),
        modified_at: time("modified_at"),
        family: row.get("family"),
        parameter_size: row.get("parameter_size"),
        quantization: row.get("quantization"),
        context_length: unsigned("context_length"),
        capabilities: from_json(Some(row.get("capabilities"))).unwrap_or_default(),
        cloud: row.get("cloud"),
        on_server: row.get("on_server"),
        message: row.get("message"),
        problem: from_json(row.get::<Option<&str>, _>("problem")),
        memory: from_json(row.get::<Option<&str>, _>("memory")),
        last_task: row.get::<Option<i64>, _>("last_task").map(TaskId),
        created_at: Timestamp(row.get("created_at")),
        seen_at: time("seen_at"),
        hidden_until: time("hidden_until"),
        mark: row.get("mark"),
    })
}

/// One model of an instance by its name, hidden ones included.
///
/// # Errors
/// Database errors.
pub(crate) async fn find(
    core: &Core,
    instance: InstanceId,
    name: &ModelName,
) -> Result<Option<StoredModel>> {
    let row = sqlx::query(BY_KEY)
        .bind(instance.0)
        .bind(name.key())
        .fetch_optional(core.db.read())
        .await
        .map_err(failed)?;
    row.as_ref().map(decode).transpose()
}

/// One model by its id, hidden ones included.
///
/// # Errors
/// `NOT_FOUND`, database errors.
pub(crate) async fn get(core: &Core, id: ModelId) -> Result<StoredModel> {
    let row = sqlx::query(BY_ID).bind(id.0).fetch_optional(core.db.read()).await.map_err(failed)?;
    row.as_ref().map_or_else(|| Err(missing(id)), decode)
}

/// As [`get`], inside a transaction; `None` when the row is gone.
pub(crate) async fn get_in(
    connection: &mut SqliteConnection,
    id: ModelId,
) -> Result<Option<StoredModel>> {
    let row = sqlx::query(BY_ID).bind(id.0).fetch_optional(connection).await.map_err(failed)?;
    row.as_ref().map(decode).transpose()
}

/// The row is gone.
pub(crate) fn missing(id: ModelId) -> WireError {
    WireError::new(ErrorCode::NotFound).with("model", id)
}

/// A row that is not there yet.
#[derive(Debug)]
pub(crate) struct NewModel<'a> {
    pub(crate) instance: InstanceId,
    pub(crate) name: &'a ModelName,
    pub(crate) origin: Origin,
    pub(crate) install: Install,
    pub(crate) created_at: Timestamp,
}

/// Inserts a row unless the instance has one of that name; `None` then.
pub(crate) async fn insert(
    connection: &mut SqliteConnection,
    new: NewModel<'_>,
) -> Result<Option<ModelId>> {
    let display = new.name.display();
    let id: Option<i64> = sqlx::query_scalar(
        "INSERT INTO model (instance_id, name, key, sort_key, origin, registry, install, run,
                            status, created_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, 'stopped', ?, ?)
         ON CONFLICT (instance_id, key) DO NOTHING RETURNING id",
    )
    .bind(new.instance.0)
    .bind(&display)
    .bind(new.name.key())
    .bind(natural_key(&display))
    .bind(new.origin.as_str())
    .bind(new.name.host.to_ascii_lowercase())
    .bind(new.install.as_str())
    .bind(Status::derive(new.install, Run::Stopped).as_str())
    .bind(new.created_at.0)
    .fetch_optional(connection)
    .await
    .map_err(failed)?;
    Ok(id.map(ModelId))
}

/// Writes what changes during a row's life, the derived status with it.
pub(crate) async fn save(connection: &mut SqliteConnection, model: &StoredModel) -> Result<()> {
    sqlx::query(
        "UPDATE model SET name = ?, origin = ?, install = ?, run = ?, status = ?, bytes = ?,
                digest = ?, modified_at = ?, family = ?, parameter_size = ?, quantization = ?,
                context_length = ?, capabilities = ?, cloud = ?, on_server = ?, message = ?,
                problem = ?, memory = ?, seen_at = ?, hidden_until = ?, mark = ?
         WHERE id = ?",
    )
    .bind(&model.name)
    .bind(model.origin.as_str())
    .bind(model.install.as_str())
    .bind(model.run.as_str())
    .bind(model.status().as_str())
    .bind(model.bytes.map(u64::cast_signed))
    .bind(&model.digest)
    .bind(model.modified_at.map(|at| at.0))
    .bind(&model.family)
    .bind(&model.parameter_size)
    .bind(&model.quantization)
    .bind(model.context_length.map(u64::cast_signed))
    .bind(json(&model.capabilities))
    .bind(model.cloud)
    .bind(model.on_server)
    .bind(&model.message)
    .bind(model.problem.as_ref().map(json))
    .bind(model.memory.as_ref().map(json))
    .bind(model.seen_at.map(|at| at.0))
    .bind(model.hidden_until.map(|at| at.0))
    .bind(model.mark)
    .bind(model.id.0)
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}

/// Removes a row; its history stays.
pub(crate) async fn remove(connection: &mut SqliteConnection, id: ModelId) -> Result<bool> {
    let done = sqlx::query("DELETE FROM model WHERE id = ?")
        .bind(id.0)
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(done.rows_affected() > 0)
}

/// One line of a model's history.
#[derive(Debug)]
pub(crate) struct Step<'a> {
    pub(crate) from: Option<Status>,
    pub(crate) to: Status,
    pub(crate) at: Timestamp,
    pub(crate) cause: Cause,
    pub(crate) note: &'a str,
}

/// Writes a history line.
pub(crate) async fn remember(
    connection: &mut SqliteConnection,
    model: (ModelId, InstanceId, &str),
    step: Step<'_>,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO history (model_id, instance_id, name, from_status, to_status, at, cause, note)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(model.0.0)
    .bind(model.1.0)
    .bind(model.2)
    .bind(step.from.map(Status::as_str))
    .bind(step.to.as_str())
    .bind(step.at.0)
    .bind(step.cause.as_str())
    .bind(step.note)
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}

/// The row of a complete lower-case name, which is there.
///
/// # Errors
/// `NOT_FOUND`, database errors.
pub(super) async fn id_of(
    connection: &mut SqliteConnection,
    instance: InstanceId,
    key: &str,
) -> Result<ModelId> {
    let id = sqlx::query_scalar("SELECT id FROM model WHERE instance_id = ? AND key = ?")
        .bind(instance.0)
        .bind(key)
        .fetch_one(connection)
        .await
        .map_err(failed)?;
    Ok(ModelId(id))
}

/// Hides a row until then, or shows it again.
///
/// # Errors
/// Database errors.
pub(super) async fn hide(
    connection: &mut SqliteConnection,
    id: ModelId,
    until: Option<Timestamp>,
) -> Result<()> {
    sqlx::query("UPDATE model SET hidden_until = ? WHERE id = ?")
        .bind(until.map(|until| until.0))
        .bind(id.0)
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(())
}

/// Shows the rows again that a batch had hidden and that were taken back.
///
/// # Errors
/// Database errors.
pub(super) async fn show_again(
    connection: &mut SqliteConnection,
    batch: BatchId,
) -> Result<Vec<ModelId>> {
    let ids: Vec<i64> = sqlx::query_scalar(
        "UPDATE model SET hidden_until = NULL
         WHERE hidden_until IS NOT NULL AND id IN (
             SELECT model_id FROM batch_item WHERE batch_id = ? AND state = 'cancelled')
         RETURNING id",
    )
    .bind(batch.0)
    .fetch_all(connection)
    .await
    .map_err(failed)?;
    Ok(ids.into_iter().map(ModelId).collect())
}

/// Removes a row that no job waits for; one that was queued in between keeps it.
///
/// # Errors
/// Database errors.
pub(super) async fn remove_unqueued(connection: &mut SqliteConnection, id: ModelId) -> Result<()> {
    sqlx::query(
        "DELETE FROM model WHERE id = ?1 AND NOT EXISTS (
             SELECT 1 FROM job WHERE model_id = ?1 AND state IN ('queued', 'running', 'paused'))",
    )
    .bind(id.0)
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}

/// Where the models folder of an instance is, as far as it is known.
///
/// # Errors
/// Database errors.
pub(super) async fn store_path(core: &Core, instance: InstanceId) -> Result<Option<String>> {
    let path: Option<Option<String>> =
        sqlx::query_scalar("SELECT store_path FROM instance WHERE id = ?")
            .bind(instance.0)
            .fetch_optional(core.db.read())
            .await
            .map_err(failed)?;
    Ok(path.flatten())
}
