//! An export, import or copy from the wish to its end: looked at, a row, a task, and the work.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use corral_contract::{
    ErrorCode, InstanceId, ModelId, TaskId, WireError,
    bundles::{CopyModels, ExportModels, ImportModels, MoveState, MovedItem},
    models::OpRef,
    tasks::TaskKind,
};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, MissedTickBehavior};

use super::{
    board::Board,
    copy,
    deliver::Delivery,
    export, import,
    pour::Way,
    store,
    target::internal,
    write::{Plan, part_of},
};
use crate::{
    Core, Result, checks,
    tasks::{self, NewTask, Task},
};

/// Between two looks at how far it is.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Wish {
    Export(ExportModels),
    Unpack(ImportModels),
    CopyTo(CopyModels),
}

impl Wish {
    pub(super) fn kind(&self) -> TaskKind {
        match self {
            Wish::Export(_) => TaskKind::Export,
            Wish::Unpack(_) => TaskKind::Unpack,
            Wish::CopyTo(_) => TaskKind::CopyTo,
        }
    }
}

/// A wish that may begin.
pub(super) struct Ready {
    /// What the task names.
    pub(super) target: String,
    pub(super) instance: Option<InstanceId>,
    pub(super) model: Option<ModelId>,
    /// Names of the models.
    pub(super) names: Vec<String>,
    /// One at a time of these.
    pub(super) key: String,
    pub(super) work: Work,
}

pub(super) enum Work {
    Write { plan: Box<Plan>, keep_part: bool },
    Deliver(Delivery),
}

/// Looks at a wish, and begins it.
///
/// # Errors
/// Why it cannot begin; nothing was changed then.
pub(super) async fn begin(core: &Core, wish: Wish) -> Result<OpRef> {
    if let Wish::Export(export) = &wish
        && let Some(task) = running(core, &export::key(export))
    {
        return Err(busy(&wish, task));
    }
    let ready = look(core, &wish).await?;
    if let Some(task) = running(core, &ready.key) {
        return Err(busy(&wish, task));
    }
    let items = waiting(&ready.names);
    let row = store::insert(&core.db, &wish, &items, core.now()).await?;
    launch(core, row, &wish, ready, items).await
}

/// As [`begin`], for a row that Corral's end interrupted. What cannot begin any more is over.
pub(super) async fn again(core: &Core, row: i64, wish: Option<Wish>) {
    let Some(wish) = wish.filter(|wish| !is_finished(wish)) else {
        over(core, row).await;
        return;
    };
    let told = match look(core, &wish).await {
        Ok(ready) => {
            let items = waiting(&ready.names);
            launch(core, row, &wish, ready, items).await.map(|_| ())
        }
        Err(error) => Err(error),
    };
    if let Err(error) = told {
        tracing::info!(kind = wish.kind().as_str(), %error, "not gone on with");
        let new = NewTask {
            kind: wish.kind(),
            instance: None,
            model: None,
            target: target_of(&wish),
            can_cancel: false,
        };
        if let Ok(task) = tasks::begin(core, new).await {
            // Kept with the row, so that its result can be asked for.
            let _ = store::set_task(&core.db, row, task.id()).await;
            task.finish(&Err(error)).await;
        }
        over(core, row).await;
    }
}

/// Whether only its end was not written down any more: the file has its name already.
fn is_finished(wish: &Wish) -> bool {
    let Wish::Export(wish) = wish else { return false };
    let target = Path::new(&wish.path);
    target.is_file() && !part_of(target).exists()
}

fn waiting(names: &[String]) -> Vec<MovedItem> {
    let item =
        |name: &String| MovedItem { name: name.clone(), state: MoveState::Waiting, problem: None };
    names.iter().map(item).collect()
}

/// One name, or the first and how many more.
pub(super) fn named(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first, more @ ..] => format!("{first} +{}", more.len()),
    }
}

fn target_of(wish: &Wish) -> String {
    let file = |path: &str| {
        Path::new(path)
            .file_name()
            .map_or(path.to_owned(), |name| name.to_string_lossy().into_owned())
    };
    match wish {
        Wish::Export(wish) => file(&wish.path),
        Wish::Unpack(wish) => file(&wish.path),
        Wish::CopyTo(wish) => wish.ids.len().to_string(),
    }
}

async fn look(core: &Core, wish: &Wish) -> Result<Ready> {
    match wish {
        Wish::Export(wish) => export::look(core, wish).await,
        Wish::Unpack(wish) => import::look(core, wish).await,
        Wish::CopyTo(wish) => copy::look(core, wish).await,
    }
}

async fn launch(
    core: &Core,
    row: i64,
    wish: &Wish,
    ready: Ready,
    items: Vec<MovedItem>,
) -> Result<OpRef> {
    let new = NewTask {
        kind: wish.kind(),
        instance: ready.instance,
        model: ready.model,
        target: ready.target,
        can_cancel: true,
    };
    let task = tasks::begin(core, new).await?;
    let id = task.id();
    store::set_task(&core.db, row, id).await?;
    let turn = match Turn::take(core, ready.key, id) {
        Ok(turn) => turn,
        Err(other) => {
            let error = busy(wish, other);
            over(core, row).await;
            task.finish(&Err(error.clone())).await;
            return Err(error);
        }
    };
    let worker = core.clone();
    core.supervisor.run("move", async move {
        let board = Board::new(row, items);
        let ended = perform(&worker, ready.work, &board, &task).await;
        drop(turn);
        // What Corral's own end stopped goes on at the next start.
        let goes_on = ended.is_err() && worker.supervisor.token().is_cancelled();
        if !goes_on {
            over(&worker, row).await;
        }
        task.finish(&ended).await;
    });
    Ok(OpRef { task: id })
}

async fn over(core: &Core, row: i64) {
    if let Err(error) = store::close(&core.db, row, core.now()).await {
        tracing::warn!(%error, "the end of a move was not kept");
    }
}

async fn perform(core: &Core, work: Work, board: &Board, task: &Task) -> Result<()> {
    let done = Arc::new(AtomicU64::new(0));
    match work {
        Work::Write { plan, keep_part } => {
            let total = plan.total();
            let ended =
                followed(task, &done, total, write(core, plan, keep_part, task, &done)).await;
            match &ended {
                Ok(()) => board.set_all(core, MoveState::Done, None).await,
                Err(error) if error.code == ErrorCode::Cancelled => {}
                Err(error) => board.set_all(core, MoveState::Failed, Some(error)).await,
            }
            ended
        }
        Work::Deliver(delivery) => {
            let total = delivery.total();
            followed(task, &done, total, delivery.run(core, board, task, &done)).await
        }
    }
}

async fn write(
    core: &Core,
    plan: Box<Plan>,
    keep_part: bool,
    task: &Task,
    done: &Arc<AtomicU64>,
) -> Result<()> {
    task.phase("moving");
    let (token, done, part): (_, _, PathBuf) = (task.token(), done.clone(), plan.part());
    let write = move || plan.write(&Way { token: &token, done: &done });
    let ended = tokio::task::spawn_blocking(write).await.map_err(internal)?;
    let cancelled = matches!(&ended, Err(error) if error.code == ErrorCode::Cancelled);
    if cancelled && !keep_part && !core.supervisor.token().is_cancelled() {
        if let Err(error) = tokio::fs::remove_file(&part).await {
            task.note(format!("what was written stays: {error}"));
        }
    } else if ended.is_err() {
        task.note("what was written stays; the next export of the same goes on from there");
    }
    ended
}

/// Tells how far it is while it runs.
pub(crate) async fn followed<T>(
    task: &Task,
    done: &AtomicU64,
    total: u64,
    work: impl Future<Output = T>,
) -> T {
    tokio::pin!(work);
    let began = Instant::now();
    let mut look = tokio::time::interval(LOOK_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            ended = &mut work => return ended,
            _ = look.tick() => {
                task.figures(checks::figures(done.load(Ordering::Relaxed), total, began));
            }
        }
    }
}

fn busy(wish: &Wish, task: TaskId) -> WireError {
    let busy = WireError::new(ErrorCode::Busy).with("operation", wish.kind().as_str());
    busy.with("task", task)
}

fn running(core: &Core, key: &str) -> Option<TaskId> {
    let running = core.bundles.running.lock().unwrap_or_else(PoisonError::into_inner);
    running.get(key).copied()
}

/// Keeps a place for one work. Dropping it lets the next one begin.
struct Turn {
    core: Core,
    key: String,
}

impl Turn {
    fn take(core: &Core, key: String, task: TaskId) -> std::result::Result<Turn, TaskId> {
        let mut running = core.bundles.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(other) = running.get(&key) {
            return Err(*other);
        }
        running.insert(key.clone(), task);
        drop(running);
        Ok(Turn { core: core.clone(), key })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut running = self.core.bundles.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.remove(&self.key);
    }
}
