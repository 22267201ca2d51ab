//! Jobs in the database.

use corral_contract::{
    InstanceId, JobId, ModelId, TaskId, Timestamp, WireError,
    downloads::{JobState, Priority},
    progress::{LayerProgress, LayerState, Phase},
};
use sqlx::{Row, Sqlite, Transaction, sqlite::SqliteRow};

use super::{JobOptions, job::Job, meter::Kept};
use crate::{
    Result,
    db::{Db, failed, from_json, json},
};

pub(super) mod hours;

/// Finished jobs that are read back at start; older ones stay in the database until they are
/// cleared.
const FINISHED: i64 = 200;

/// What a new row needs.
pub(super) struct NewJob<'a> {
    pub(super) model: ModelId,
    pub(super) instance: InstanceId,
    pub(super) name: &'a str,
    pub(super) priority: Priority,
    pub(super) options: JobOptions,
    pub(super) now: Timestamp,
}

/// A job as it was kept: row, phase and figures.
pub(super) struct Stored {
    pub(super) job: Job,
    pub(super) again: u64,
    pub(super) layers: Vec<LayerProgress>,
}

/// The order of priorities in the table.
fn rank(priority: Priority) -> i64 {
    match priority {
        Priority::High => 0,
        Priority::Normal => 1,
        Priority::Low => 2,
    }
}

/// Adds a job at the end of its priority.
pub(super) async fn insert(db: &Db, new: NewJob<'_>) -> Result<Job> {
    let mut transaction = db.write().await?;
    let row = sqlx::query(
        "INSERT INTO job (model_id, instance_id, name, priority, position, state, phase, options,
                          created_at, queued_at)
         VALUES (?1, ?2, ?3, ?4, (SELECT COALESCE(MAX(position), 0) + 1 FROM job),
                 'queued', 'waiting', ?5, ?6, ?6)
         RETURNING id, position",
    )
    .bind(new.model.0)
    .bind(new.instance.0)
    .bind(new.name)
    .bind(rank(new.priority))
    .bind(json(&new.options))
    .bind(new.now.0)
    .fetch_one(&mut *transaction)
    .await
    .map_err(failed)?;
    transaction.commit().await.map_err(failed)?;
    Ok(Job {
        id: JobId(row.get("id")),
        model: new.model,
        instance: new.instance,
        name: new.name.to_owned(),
        priority: new.priority,
        position: row.get("position"),
        state: JobState::Queued,
        wait: None,
        options: new.options,
        attempts: 0,
        problem: None,
        task: None,
        created_at: new.now,
        queued_at: new.now,
        started_at: None,
        finished_at: None,
        retry_at: None,
    })
}

/// Writes a job's new state, if the table still has it in the state it came from. `kept` goes
/// along, so that state and figures never disagree after a crash. `false` = it was elsewhere.
pub(super) async fn shift(
    db: &Db,
    from: JobState,
    job: &Job,
    phase: Phase,
    kept: Option<&Kept>,
) -> Result<bool> {
    let mut transaction = db.write().await?;
    let done = sqlx::query(
        "UPDATE job SET priority = ?, position = ?, state = ?, phase = ?, wait = ?, options = ?,
                attempts = ?, problem = ?, task_id = ?, queued_at = ?, started_at = ?,
                finished_at = ?, retry_at = ?
         WHERE id = ? AND state = ?",
    )
    .bind(rank(job.priority))
    .bind(job.position)
    .bind(job.state.as_str())
    .bind(phase.as_str())
    .bind(job.wait.as_ref().map(json))
    .bind(json(&job.options))
    .bind(job.attempts)
    .bind(job.problem.as_ref().map(json))
    .bind(job.task.map(|id| id.0))
    .bind(job.queued_at.0)
    .bind(job.started_at.map(|at| at.0))
    .bind(job.finished_at.map(|at| at.0))
    .bind(job.retry_at.map(|at| at.0))
    .bind(job.id.0)
    .bind(from.as_str())
    .execute(&mut *transaction)
    .await
    .map_err(failed)?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    if let Some(kept) = kept {
        keep_in(&mut transaction, job.id, kept).await?;
    }
    transaction.commit().await.map_err(failed)?;
    Ok(true)
}

/// Stores the figures of several jobs at once.
pub(super) async fn keep(db: &Db, jobs: &[(JobId, Phase, Kept)]) -> Result<()> {
    if jobs.is_empty() {
        return Ok(());
    }
    let mut transaction = db.write().await?;
    for (job, phase, kept) in jobs {
        sqlx::query("UPDATE job SET phase = ? WHERE id = ?")
            .bind(phase.as_str())
            .bind(job.0)
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        keep_in(&mut transaction, *job, kept).await?;
    }
    transaction.commit().await.map_err(failed)
}

async fn keep_in(
    transaction: &mut Transaction<'static, Sqlite>,
    job: JobId,
    kept: &Kept,
) -> Result<()> {
    sqlx::query("UPDATE job SET done = ?, total = ?, again = ? WHERE id = ?")
        .bind(kept.done.cast_signed())
        .bind(kept.total.map(u64::cast_signed))
        .bind(kept.again.cast_signed())
        .bind(job.0)
        .execute(&mut **transaction)
        .await
        .map_err(failed)?;
    for (ordinal, layer) in kept.layers.iter().enumerate() {
        // The job may have gone with its instance: its layers then are not wanted any more.
        sqlx::query(
            "INSERT INTO job_layer (job_id, digest, kind, done, total, state, ordinal)
             SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7 WHERE EXISTS (SELECT 1 FROM job WHERE id = ?1)
             ON CONFLICT (job_id, digest) DO UPDATE SET
                 kind = excluded.kind, done = MAX(done, excluded.done), total = excluded.total,
                 state = excluded.state, ordinal = excluded.ordinal",
        )
        .bind(job.0)
        .bind(&layer.digest)
        .bind(&layer.kind)
        .bind(layer.done.cast_signed())
        .bind(layer.total.map(u64::cast_signed))
        .bind(layer.state.as_str())
        .bind(ordinal as i64)
        .execute(&mut **transaction)
        .await
        .map_err(failed)?;
    }
    Ok(())
}

/// Writes new places in one go.
pub(super) async fn place(db: &Db, places: &[(JobId, Priority, i64)]) -> Result<()> {
    let mut transaction = db.write().await?;
    for (job, priority, position) in places {
        sqlx::query("UPDATE job SET priority = ?, position = ? WHERE id = ?")
            .bind(rank(*priority))
            .bind(position)
            .bind(job.0)
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
    }
    transaction.commit().await.map_err(failed)
}

/// Forgets done and cancelled jobs, also those too old to be in memory.
pub(super) async fn clear_finished(db: &Db) -> Result<u64> {
    let mut transaction = db.write().await?;
    let done = sqlx::query("DELETE FROM job WHERE state IN ('done', 'cancelled')")
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
    transaction.commit().await.map_err(failed)?;
    Ok(done.rows_affected())
}

/// Mean wait, in ms, of the last jobs that were started.
pub(super) async fn last_waits(db: &Db, limit: u32) -> Result<Vec<i64>> {
    sqlx::query_scalar(
        "SELECT MAX(started_at - queued_at, 0) FROM job WHERE started_at IS NOT NULL
         ORDER BY started_at DESC LIMIT ?",
    )
    .bind(limit)
    .fetch_all(db.read())
    .await
    .map_err(failed)
}

/// Models whose row waits for a job that is not in the queue, with their last job, if any.
pub(super) async fn models_without_job(
    db: &Db,
) -> Result<Vec<(ModelId, Option<(JobState, Option<WireError>)>)>> {
    let rows = sqlx::query(
        "SELECT m.id, j.state, j.problem FROM model m
         LEFT JOIN job j ON j.id = (SELECT MAX(id) FROM job WHERE model_id = m.id)
         WHERE m.install IN ('queued', 'downloading', 'verifying', 'paused')
           AND (j.state IS NULL OR j.state IN ('done', 'failed', 'cancelled'))",
    )
    .fetch_all(db.read())
    .await
    .map_err(failed)?;
    let last = |row: &SqliteRow| {
        let state = JobState::parse(row.get::<Option<&str>, _>("state")?)?;
        Some((state, from_json(row.get::<Option<&str>, _>("problem"))))
    };
    Ok(rows.iter().map(|row| (ModelId(row.get("id")), last(row))).collect())
}

/// How the newest job of a model was asked for; as usual when there was none.
pub(super) async fn last_options(db: &Db, model: ModelId) -> Result<JobOptions> {
    let options: Option<String> =
        sqlx::query_scalar("SELECT options FROM job WHERE model_id = ? ORDER BY id DESC LIMIT 1")
            .bind(model.0)
            .fetch_optional(db.read())
            .await
            .map_err(failed)?;
    Ok(from_json(options.as_deref()).unwrap_or_default())
}

/// Every job that is not finished, and the last finished ones.
pub(super) async fn load(db: &Db) -> Result<Vec<Stored>> {
    let rows = sqlx::query(
        "SELECT * FROM job WHERE state IN ('queued', 'running', 'paused', 'failed')
         UNION ALL
         SELECT * FROM (SELECT * FROM job WHERE state IN ('done', 'cancelled')
                        ORDER BY finished_at DESC LIMIT ?)",
    )
    .bind(FINISHED)
    .fetch_all(db.read())
    .await
    .map_err(failed)?;
    let mut stored = Vec::with_capacity(rows.len());
    for row in &rows {
        // A row of a newer version, whose words are unknown here, is left alone.
        let Some(job) = read(row) else { continue };
        let layers = layers(db, job.id).await?;
        let again = row.get::<i64, _>("again").cast_unsigned();
        stored.push(Stored { job, again, layers });
    }
    Ok(stored)
}

async fn layers(db: &Db, job: JobId) -> Result<Vec<LayerProgress>> {
    let rows = sqlx::query(
        "SELECT digest, kind, done, total, state FROM job_layer WHERE job_id = ? ORDER BY ordinal",
    )
    .bind(job.0)
    .fetch_all(db.read())
    .await
    .map_err(failed)?;
    let layer = |row: &SqliteRow| LayerProgress {
        digest: row.get("digest"),
        kind: row.get("kind"),
        done: row.get::<i64, _>("done").cast_unsigned(),
        total: row.get::<Option<i64>, _>("total").map(i64::cast_unsigned),
        state: LayerState::parse(row.get("state")).unwrap_or(LayerState::Waiting),
        connections: 0,
    };
    Ok(rows.iter().map(layer).collect())
}

fn read(row: &SqliteRow) -> Option<Job> {
    let time = |column: &str| row.get::<Option<i64>, _>(column).map(Timestamp);
    Some(Job {
        id: JobId(row.get("id")),
        model: ModelId(row.get("model_id")),
        instance: InstanceId(row.get("instance_id")),
        name: row.get("name"),
        priority: match row.get::<i64, _>("priority") {
            0 => Priority::High,
            2 => Priority::Low,
            _ => Priority::Normal,
        },
        position: row.get("position"),
        state: JobState::parse(row.get("state"))?,
        wait: from_json(row.get::<Option<&str>, _>("wait")),
        options: from_json(Some(row.get("options"))).unwrap_or_default(),
        attempts: row.get::<i64, _>("attempts").try_into().unwrap_or(0),
        problem: from_json(row.get::<Option<&str>, _>("problem")),
        task: row.get::<Option<i64>, _>("task_id").map(TaskId),
        created_at: Timestamp(row.get("created_at")),
        queued_at: Timestamp(row.get("queued_at")),
        started_at: time("started_at"),
        finished_at: time("finished_at"),
        retry_at: time("retry_at"),
    })
}
