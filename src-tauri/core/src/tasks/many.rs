//! Tasks that begin together and end together, in one transaction of the caller.

use std::sync::Arc;

use corral_contract::{
    ModelId, TaskId, Timestamp,
    event::AppEvent,
    tasks::{TaskState, TaskView},
};
use serde_json::json;
use sqlx::SqliteConnection;

use super::{NewTask, Task, log::TaskLog, open, store};
use crate::{Core, Result};

/// Writes down tasks that wait for their turn, each of another model; answers them in any order.
/// Once that is committed [`open_all`] makes them tasks.
///
/// # Errors
/// Database errors.
pub(crate) async fn insert_all(
    connection: &mut SqliteConnection,
    new: &[(ModelId, NewTask)],
    now: Timestamp,
) -> Result<Vec<TaskView>> {
    let rows: Vec<_> = new
        .iter()
        .map(|(model, new)| {
            json!({
                "kind": new.kind.as_str(),
                "instance": new.instance.map(|id| id.0),
                "model": model.0,
                "target": new.target,
            })
        })
        .collect();
    let ids = store::insert_all(connection, &rows, now).await?;
    let view = |(model, new): &(ModelId, NewTask)| {
        Some(TaskView {
            id: TaskId(*ids.get(&model.0)?),
            kind: new.kind,
            state: TaskState::Waiting,
            phase: String::new(),
            instance: new.instance,
            model: Some(*model),
            target: new.target.clone(),
            progress: None,
            figures: None,
            problem: None,
            created_at: now,
            finished_at: None,
            has_log: true,
            can_cancel: new.can_cancel,
        })
    };
    Ok(new.iter().filter_map(view).collect())
}

/// The tasks of rows that were just written. Each runs from its first phase on. Their logs are
/// kept for [`keep_all`].
pub(crate) fn open_all(core: &Core, views: Vec<TaskView>) -> Vec<Task> {
    let later = |view: TaskView| {
        let log = TaskLog::later(core.config.task_log(view.id));
        open(core, view, log)
    };
    views.into_iter().map(later).collect()
}

/// A task that is over, and what it wrote.
pub(crate) type Closed = (TaskView, Arc<TaskLog>);

/// Writes down how tasks ended, with their logs. Once that is committed [`tell`] tells of it.
///
/// # Errors
/// Database errors.
pub(crate) async fn keep_all(connection: &mut SqliteConnection, closed: &[Closed]) -> Result<()> {
    let rows: Vec<_> = closed
        .iter()
        .map(|(view, log)| {
            json!({
                "id": view.id.0,
                "state": view.state.as_str(),
                "phase": view.phase,
                "problem": view.problem.as_ref().map(crate::db::json),
                "at": view.finished_at.map(|at| at.0),
                "log": log.kept(),
            })
        })
        .collect();
    store::finish_all(connection, &rows).await
}

/// Tells the windows how tasks ended. The logs of those whose rows could not be written become
/// files.
pub(crate) fn tell(core: &Core, closed: Vec<Closed>, written: bool) {
    for (view, log) in closed {
        if written {
            log.is_in_row();
        }
        core.bus.send(AppEvent::Task(Box::new(view)));
    }
}
