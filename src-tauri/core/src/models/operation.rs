//! What runs on a model now: one operation at a time, each a task.

use std::{
    panic::AssertUnwindSafe,
    sync::{MutexGuard, PoisonError},
};

use corral_contract::{
    ErrorCode, ModelId, TaskId, WireError,
    app::NoticeKind,
    models::StartOptions,
    running::AskModel,
    status::{Action, Situation},
    tasks::TaskKind,
};
use futures_util::FutureExt;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{
    ask, delete, load,
    naming::{self, Naming},
    publish::publish,
    recreate, repair, smoke,
    store::{self, StoredModel},
    unload,
};
use crate::{
    Core, Result, checks, downloads, instances, notices,
    signal::Signal,
    tasks::{self, NewTask, Task},
};

/// What an operation does; the words are those of its task.
pub(super) type Kind = TaskKind;

/// An operation with what it needs.
#[derive(Debug, Clone)]
pub(super) enum Work {
    /// With these options; `None` = the usual ones of the model.
    Start(Option<StartOptions>),
    Close,
    Recreate,
    /// Fetch damaged layers again.
    Repair {
        /// Models that have one of them in memory may be stopped.
        stop: bool,
    },
    /// Ask it for one token.
    Smoke,
    /// Ask it something.
    Ask(AskModel),
    /// Read every layer.
    Verify,
    /// Give it a second name.
    Copy(Naming),
    /// Give it another name.
    Rename(Naming),
    Delete {
        /// Remove the row even if the server cannot be asked.
        force: bool,
        /// Keep nothing in the trash.
        for_good: bool,
        /// What it was when it was chosen; another one stays.
        digest: Option<String>,
    },
}

impl Work {
    pub(super) fn kind(&self) -> Kind {
        match self {
            Work::Start(_) => Kind::Start,
            Work::Close => Kind::Close,
            Work::Recreate => Kind::Recreate,
            Work::Repair { .. } => Kind::Repair,
            Work::Smoke => Kind::Smoke,
            Work::Ask(_) => Kind::Ask,
            Work::Verify => Kind::Check,
            Work::Copy(_) => Kind::Copy,
            Work::Rename(_) => Kind::Rename,
            Work::Delete { .. } => Kind::Delete,
        }
    }

    /// What the row has to offer for it; `None` = its files on a server that answers are enough.
    fn action(&self) -> Option<Action> {
        match self {
            Work::Start(_) => Some(Action::Start),
            Work::Close => Some(Action::Close),
            Work::Recreate => Some(Action::Recreate),
            Work::Repair { .. }
            | Work::Smoke
            | Work::Verify
            | Work::Ask(_)
            | Work::Copy(_)
            | Work::Rename(_) => None,
            Work::Delete { .. } => Some(Action::Delete),
        }
    }

    /// Closing and deleting are over before anybody could cancel them, or must not stop half way.
    fn can_cancel(&self) -> bool {
        cancellable(self.kind())
    }
}

fn cancellable(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Start | Kind::Recreate | Kind::Repair | Kind::Smoke | Kind::Ask | Kind::Check
    )
}

/// A running operation.
#[derive(Debug, Clone)]
pub(super) struct Operation {
    task: TaskId,
    kind: Kind,
    token: CancellationToken,
    ended: watch::Receiver<Option<Result<()>>>,
}

impl Operation {
    pub(super) fn task(&self) -> TaskId {
        self.task
    }

    /// Asks it to stop, if it can.
    pub(super) fn cancel(&self) {
        if cancellable(self.kind) {
            self.token.cancel();
        }
    }

    /// Its result. Dropping the future stops waiting, not the operation.
    pub(super) async fn ended(&mut self) -> Result<()> {
        match self.ended.wait_for(Option::is_some).await {
            Ok(result) => result.clone().unwrap_or(Ok(())),
            Err(_) => Err(WireError::new(ErrorCode::ShuttingDown)),
        }
    }
}

/// Who is told when an operation fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Notify {
    Failure,
    /// A batch tells once for all its items.
    Nobody,
}

fn table(core: &Core) -> MutexGuard<'_, std::collections::HashMap<ModelId, Operation>> {
    core.models.operations.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The operation that runs on a model.
pub(super) fn running(core: &Core, model: ModelId) -> Option<(TaskId, Kind)> {
    table(core).get(&model).map(|operation| (operation.task, operation.kind))
}

/// Whether a model is being loaded by us, whichever it is.
pub(super) fn loading(core: &Core) -> Vec<ModelId> {
    let table = table(core);
    let loads = table.iter().filter(|(_, each)| matches!(each.kind, Kind::Start | Kind::Recreate));
    loads.map(|(model, _)| *model).collect()
}

/// Whether an operation of this kind runs on any model.
pub(super) fn any(core: &Core, kind: Kind) -> bool {
    table(core).values().any(|each| each.kind == kind)
}

/// Waits for the operation on a model, if there is one. Dropping it stops waiting only.
pub(crate) async fn ended(core: &Core, model: ModelId) {
    let running = table(core).get(&model).cloned();
    if let Some(mut running) = running {
        // Whoever began it is told how it ended.
        let _ = running.ended().await;
    }
}

/// Another operation has to end first.
pub(super) fn busy(task: TaskId, kind: Kind) -> WireError {
    WireError::new(ErrorCode::Busy).with("operation", kind.as_str()).with("task", task)
}

/// Begins an operation, or answers the one of the same kind that runs already.
///
/// A close of a model that is being loaded ends that load and answers its operation.
///
/// # Errors
/// `NOT_FOUND`, `WRONG_STATE`, `INSTANCE_OFFLINE`, `BUSY` naming what runs; database errors.
pub(super) async fn begin(
    core: &Core,
    id: ModelId,
    work: Work,
    notify: Notify,
) -> Result<Operation> {
    // Decisions are taken one after the other: two clicks cannot both find the model free.
    let _turn = core.models.deciding.lock().await;
    let existing = table(core).get(&id).cloned();
    if let Some(mut existing) = existing {
        // Twice the same name is not what two of these ask for.
        let named = matches!(work, Work::Copy(_) | Work::Rename(_));
        if existing.kind == work.kind() && !named {
            return Ok(existing);
        }
        let closes = work.kind() == Kind::Close;
        if !(closes && matches!(existing.kind, Kind::Start | Kind::Ask)) {
            return Err(busy(existing.task, existing.kind));
        }
        existing.cancel();
        if existing.ended().await.is_err() && existing.kind == Kind::Start {
            // Nothing was loaded: the end of the start is what was asked for.
            return Ok(existing);
        }
    }
    let model = store::get(core, id).await?;
    check(core, &model, &work)?;
    let task = tasks::begin(
        core,
        NewTask {
            kind: work.kind(),
            instance: Some(model.instance),
            model: Some(id),
            target: model.name.clone(),
            can_cancel: work.can_cancel(),
        },
    )
    .await?;
    let (operation, result) = enter(core, id, &task, work.kind());
    let core = core.clone();
    core.clone().supervisor.run("operation", run(core, model, task, work, notify, result));
    Ok(operation)
}

/// Tells the result of an operation to whoever waits for it.
pub(super) type Ended = watch::Sender<Option<Result<()>>>;

/// From now on this runs on the model. The caller holds `deciding`, and [`leave`]s in the end.
pub(super) fn enter(core: &Core, id: ModelId, task: &Task, kind: Kind) -> (Operation, Ended) {
    let (result, ended) = watch::channel(None);
    let operation = Operation { task: task.id(), kind, token: task.token(), ended };
    table(core).insert(id, operation.clone());
    (operation, result)
}

/// Nothing runs on the model any more.
pub(super) fn leave(core: &Core, id: ModelId) {
    table(core).remove(&id);
}

async fn run(core: Core, model: StoredModel, task: Task, work: Work, notify: Notify, ended: Ended) {
    let id = model.id;
    let done = AssertUnwindSafe(perform(&core, &model, &task, work)).catch_unwind().await;
    let done = done.unwrap_or_else(|_| {
        Err(WireError::new(ErrorCode::Internal).detail("the operation panicked; see the log"))
    });
    leave(&core, id);
    task.finish(&done).await;
    publish(&core, &[id]).await;
    instances::publish(&core, model.instance).await;
    core.signals.send(Signal::Operated(model.instance));
    if let Err(problem) = &done
        && problem.code != ErrorCode::Cancelled
        && notify == Notify::Failure
    {
        notices::tell(&core, NoticeKind::OperationFailed, &model.name, Some(problem.clone())).await;
    }
    // Nobody may be waiting.
    let _ = ended.send(Some(done));
}

async fn perform(core: &Core, model: &StoredModel, task: &Task, work: Work) -> Result<()> {
    match work {
        Work::Start(Some(options)) => load::start(core, model, task, &options).await,
        Work::Start(None) => load::again(core, model, task).await,
        Work::Close => unload::close(core, model, task).await,
        Work::Recreate => recreate::recreate(core, model, task).await,
        Work::Repair { stop } => repair::repair(core, model, task, stop).await,
        Work::Smoke => smoke::smoke(core, model, task).await,
        Work::Copy(naming) => naming::perform_copy(core, model, task, &naming).await,
        Work::Rename(naming) => naming::perform_rename(core, model, task, &naming).await,
        Work::Ask(request) => ask::perform(core, model, task, &request).await,
        Work::Verify => checks::verify(core, model.instance, &model.key, task).await,
        Work::Delete { force, for_good, digest } => {
            let how = delete::How { force, for_good, digest };
            delete::execute(core, model, task, how).await
        }
    }
}

/// Whether the state of a row allows an operation now.
pub(super) fn check(core: &Core, model: &StoredModel, work: &Work) -> Result<()> {
    let deleting = matches!(work, Work::Delete { .. });
    if model.hidden_until.is_some() != deleting {
        // Waiting to be deleted counts as gone; a delete that was taken back has nothing to do.
        return Err(store::missing(model.id));
    }
    match work.action() {
        Some(action) => allows(core, model, action, deleting),
        None if !instances::online(core, model.instance) => Err(offline(model)),
        None if model.on_server && downloads::live(core, model.id).is_none() => Ok(()),
        None => Err(WireError::new(ErrorCode::WrongState)
            .with("status", model.status().as_str())
            .with("action", work.kind().as_str())
            .with("name", &model.name)),
    }
}

/// Whether the row offers this action. `offline_too`: an unreachable instance is no reason.
pub(super) fn allows(
    core: &Core,
    model: &StoredModel,
    action: Action,
    offline_too: bool,
) -> Result<()> {
    let online = instances::online(core, model.instance);
    if !online && !offline_too {
        return Err(offline(model));
    }
    let situation = Situation {
        status: model.status(),
        online,
        files: model.on_server,
        queued_job: downloads::live(core, model.id).is_some(),
    };
    if situation.actions().contains(&action) {
        return Ok(());
    }
    Err(WireError::new(ErrorCode::WrongState)
        .with("status", model.status().as_str())
        .with("action", action.as_str())
        .with("name", &model.name))
}

/// The instance of a model does not answer.
pub(crate) fn offline(model: &StoredModel) -> WireError {
    WireError::new(ErrorCode::InstanceOffline)
        .with("instance", model.instance)
        .with("name", &model.name)
}
