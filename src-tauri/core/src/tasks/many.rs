//! Tasks that begin together and end together, in one transaction of the caller.

use corral_contract::{
    ModelId, TaskId, Timestamp,
    event::AppEvent,
    tasks::{TaskState, TaskView},
};
use serde_json::json;
use sqlx::SqliteConnection;

use super::{NewTask, Task, open, store};
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

/// The tasks of rows that were just written. Each runs from its first phase on.
pub(crate) fn open_all(core: &Core, views: Vec<TaskView>) -> Vec<Task> {
    views.into_iter().map(|view| open(core, view)).collect()
}

/// Writes down how tasks ended.
///
/// # Errors
/// Database errors.
pub(crate) async fn keep_all(connection: &mut SqliteConnection, views: &[TaskView]) -> Result<()> {
    let rows: Vec<_> = views
        .iter()
        .map(|view| {
            json!({
                "id": view.id.0,
                "state": view.state.as_str(),
                "phase": view.phase,
                "problem": view.problem.as_ref().map(crate::db::json),
                "at": view.finished_at.map(|at| at.0),
            })
        })
        .collect();
    store::finish_all(connection, &rows).await
}

/// Tells the windows how tasks ended.
pub(crate) fn tell(core: &Core, views: Vec<TaskView>) {
    for view in views {
        core.bus.send(AppEvent::Task(Box::new(view)));
    }
}
