use std::collections::HashMap;

use corral_contract::{
    InstanceId, ModelId, TaskId, Timestamp,
    tasks::{TaskKind, TaskList, TaskListRequest, TaskState, TaskView},
};
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};

use super::NewTask;
use crate::{
    Result,
    db::{Db, failed, from_json, json},
};

pub(super) async fn insert(db: &Db, new: &NewTask, now: Timestamp) -> Result<TaskView> {
    let mut transaction = db.write().await?;
    let id: i64 = sqlx::query_scalar(
        "INSERT INTO task (kind, state, instance_id, model_id, target, log_exists, created_at)
         VALUES (?, 'running', ?, ?, ?, 1, ?) RETURNING id",
    )
    .bind(new.kind.as_str())
    .bind(new.instance.map(|id| id.0))
    .bind(new.model.map(|id| id.0))
    .bind(&new.target)
    .bind(now.0)
    .fetch_one(&mut *transaction)
    .await
    .map_err(failed)?;
    if let Some(model) = new.model {
        sqlx::query("UPDATE model SET last_task = ? WHERE id = ?")
            .bind(id)
            .bind(model.0)
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
    }
    transaction.commit().await.map_err(failed)?;
    Ok(TaskView {
        id: TaskId(id),
        kind: new.kind,
        state: TaskState::Running,
        phase: String::new(),
        instance: new.instance,
        model: new.model,
        target: new.target.clone(),
        progress: None,
        figures: None,
        problem: None,
        created_at: now,
        finished_at: None,
        has_log: true,
        can_cancel: new.can_cancel,
    })
}

pub(super) async fn finish(db: &Db, view: &TaskView) -> Result<()> {
    let mut transaction = db.write().await?;
    sqlx::query("UPDATE task SET state = ?, phase = ?, problem = ?, finished_at = ? WHERE id = ?")
        .bind(view.state.as_str())
        .bind(&view.phase)
        .bind(view.problem.as_ref().map(json))
        .bind(view.finished_at.map(|at| at.0))
        .bind(view.id.0)
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
    transaction.commit().await.map_err(failed)
}

/// Inserts tasks `{kind, instance, model, target}` that wait; answers their ids by the model.
pub(super) async fn insert_all(
    connection: &mut SqliteConnection,
    rows: &[serde_json::Value],
    now: Timestamp,
) -> Result<HashMap<i64, i64>> {
    let ids: Vec<(i64, i64)> = sqlx::query_as(
        "INSERT INTO task (kind, state, instance_id, model_id, target, log_exists, created_at)
         SELECT value ->> 'kind', 'waiting', value ->> 'instance', value ->> 'model',
                value ->> 'target', 1, ?2
         FROM json_each(?1) ORDER BY key RETURNING model_id, id",
    )
    .bind(json(&rows))
    .bind(now.0)
    .fetch_all(&mut *connection)
    .await
    .map_err(failed)?;
    sqlx::query(
        "UPDATE model SET last_task = new.value ->> 1
         FROM json_each(?) AS new WHERE model.id = new.value ->> 0",
    )
    .bind(json(&ids))
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(ids.into_iter().collect())
}

/// Writes down how tasks `{id, state, phase, problem, at, log}` ended.
pub(super) async fn finish_all(
    connection: &mut SqliteConnection,
    rows: &[serde_json::Value],
) -> Result<()> {
    sqlx::query(
        "UPDATE task SET state = done.value ->> 'state', phase = done.value ->> 'phase',
                problem = done.value ->> 'problem', finished_at = done.value ->> 'at',
                log = done.value ->> 'log'
         FROM json_each(?) AS done WHERE task.id = done.value ->> 'id'",
    )
    .bind(json(&rows))
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}

pub(super) async fn list(db: &Db, request: &TaskListRequest) -> Result<TaskList> {
    let limit = match request.limit {
        0 => 100,
        limit => limit.min(500),
    };
    let rows = sqlx::query(
        "SELECT id, kind, state, phase, instance_id, model_id, target, problem, created_at,
                finished_at, log_exists
         FROM task
         WHERE (?1 IS NULL OR model_id = ?1) AND (?2 IS NULL OR id < ?2)
         ORDER BY id DESC LIMIT ?3",
    )
    .bind(request.model.map(|id| id.0))
    .bind(request.before.map(|id| id.0))
    .bind(i64::from(limit) + 1)
    .fetch_all(db.read())
    .await
    .map_err(failed)?;
    let more = rows.len() > limit as usize;
    Ok(TaskList { items: rows.iter().take(limit as usize).filter_map(view).collect(), more })
}

/// The newest task of a model.
///
/// # Errors
/// Database errors.
pub(crate) async fn last_of_model(db: &Db, model: ModelId) -> Result<Option<TaskView>> {
    let request = TaskListRequest { model: Some(model), limit: 1, ..Default::default() };
    Ok(list(db, &request).await?.items.into_iter().next())
}

pub(super) async fn interrupt_open(db: &Db, now: Timestamp) -> Result<u64> {
    let mut transaction = db.write().await?;
    let done = sqlx::query(
        "UPDATE task SET state = 'interrupted', finished_at = ?
         WHERE state IN ('waiting', 'running')",
    )
    .bind(now.0)
    .execute(&mut *transaction)
    .await
    .map_err(failed)?;
    transaction.commit().await.map_err(failed)?;
    Ok(done.rows_affected())
}

/// What a short task wrote, as long as it has no file.
pub(super) async fn short_log(db: &Db, id: TaskId) -> Result<Option<String>> {
    let log = sqlx::query_scalar("SELECT log FROM task WHERE id = ?").bind(id.0);
    Ok(log.fetch_optional(db.read()).await.map_err(failed)?.flatten())
}

/// The log of a short task is a file from now on.
pub(super) async fn log_is_file(db: &Db, id: TaskId) -> Result<()> {
    let mut transaction = db.write().await?;
    sqlx::query("UPDATE task SET log = NULL WHERE id = ?")
        .bind(id.0)
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
    transaction.commit().await.map_err(failed)
}

/// Somebody removed the file. The log of a task that is just ending may be on its way into the row.
pub(super) async fn log_is_gone(db: &Db, id: TaskId) -> Result<()> {
    let mut transaction = db.write().await?;
    sqlx::query("UPDATE task SET log_exists = 0 WHERE id = ? AND finished_at IS NOT NULL")
        .bind(id.0)
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
    transaction.commit().await.map_err(failed)
}

pub(super) async fn clear_finished(db: &Db) -> Result<Vec<TaskId>> {
    let mut transaction = db.write().await?;
    let ids: Vec<i64> = sqlx::query_scalar(
        "DELETE FROM task WHERE state NOT IN ('waiting', 'running') RETURNING id",
    )
    .fetch_all(&mut *transaction)
    .await
    .map_err(failed)?;
    transaction.commit().await.map_err(failed)?;
    Ok(ids.into_iter().map(TaskId).collect())
}

/// `None` for a row of a newer version whose words are unknown here.
fn view(row: &SqliteRow) -> Option<TaskView> {
    Some(TaskView {
        id: TaskId(row.get("id")),
        kind: TaskKind::parse(row.get("kind"))?,
        state: TaskState::parse(row.get("state"))?,
        phase: row.get("phase"),
        instance: row.get::<Option<i64>, _>("instance_id").map(InstanceId),
        model: row.get::<Option<i64>, _>("model_id").map(ModelId),
        target: row.get("target"),
        progress: None,
        figures: None,
        problem: from_json(row.get::<Option<&str>, _>("problem")),
        created_at: Timestamp(row.get("created_at")),
        finished_at: row.get::<Option<i64>, _>("finished_at").map(Timestamp),
        has_log: row.get("log_exists"),
        can_cancel: false,
    })
}
