//! What runs on a model now: one operation at a time.

use std::sync::PoisonError;

use corral_contract::{ErrorCode, ModelId, TaskId, WireError, tasks::TaskKind};

use crate::Core;

/// What an operation does; the words are those of its task.
pub(super) type Kind = TaskKind;

/// A running operation.
#[derive(Debug, Clone)]
pub(super) struct Operation {
    pub(super) task: TaskId,
    pub(super) kind: Kind,
}

/// The operation that runs on a model.
pub(super) fn running(core: &Core, model: ModelId) -> Option<(TaskId, Kind)> {
    let operations = core.models.operations.lock().unwrap_or_else(PoisonError::into_inner);
    operations.get(&model).map(|operation| (operation.task, operation.kind))
}

/// Another operation has to end first.
pub(super) fn busy(task: TaskId, kind: Kind) -> WireError {
    WireError::new(ErrorCode::Busy).with("operation", kind.as_str()).with("task", task)
}
