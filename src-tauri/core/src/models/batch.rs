//! One operation over many models.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use corral_contract::{
    BatchId, ErrorCode, ModelId, WireError,
    app::NoticeKind,
    event::AppEvent,
    models::{BatchItem, BatchOp, BatchOperate, BatchRef, BatchView, ItemState, call},
    tasks::Cancelled,
};
use futures_util::StreamExt;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{
    delete::{self, DeleteOptions, How},
    operation::{self, Notify, Work},
};
use crate::{Core, Result, db::failed, notices, router::Handle};

mod deletes;
mod due;
mod preview;
pub(super) mod store;

pub(super) use due::keep_deleting;

/// Items worked on at once.
const PARALLEL: usize = 4;
/// The whole batch is told at most this often while its items change.
const TELL_EVERY: Duration = Duration::from_millis(100);

/// Batches that run now.
#[derive(Default)]
pub(super) struct Running(Mutex<HashMap<BatchId, CancellationToken>>);

impl Running {
    fn table(&self) -> std::sync::MutexGuard<'_, HashMap<BatchId, CancellationToken>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn has(&self, batch: BatchId) -> bool {
        self.table().contains_key(&batch)
    }
}

impl Handle<call::Batch> for Core {
    async fn handle(&self, BatchOperate { op, ids }: BatchOperate) -> Result<BatchRef> {
        begin(self, op, &ids).await
    }
}

/// Begins a batch.
///
/// # Errors
/// `INVALID_INPUT` for no models, database errors.
pub(crate) async fn begin(core: &Core, op: BatchOp, ids: &[ModelId]) -> Result<BatchRef> {
    if op == BatchOp::Delete {
        return delete::delete(core, ids, DeleteOptions::default()).await;
    }
    if ids.is_empty() {
        return Err(WireError::field("ids", "empty"));
    }
    let batch = create(core, op, ids).await?;
    let owner = core.clone();
    core.supervisor.run("batch", async move { run(&owner, batch).await });
    Ok(BatchRef { batch })
}

impl Handle<call::CancelBatch> for Core {
    async fn handle(&self, BatchRef { batch }: BatchRef) -> Result<Cancelled> {
        let token = self.models.batches.table().get(&batch).cloned();
        if let Some(token) = &token {
            token.cancel();
        }
        Ok(Cancelled { cancelled: token.is_some() })
    }
}

/// Deletes models as the user would, pinned ones left out.
///
/// # Errors
/// As `models.delete`.
pub(crate) async fn remove(core: &Core, ids: &[ModelId]) -> Result<BatchRef> {
    delete::delete(core, ids, DeleteOptions::default()).await
}

async fn create(core: &Core, op: BatchOp, ids: &[ModelId]) -> Result<BatchId> {
    let mut transaction = core.db.write().await?;
    let mut rows = super::store::many::get(&mut transaction, ids).await?;
    let mut seen = HashSet::with_capacity(ids.len());
    let chosen = ids.iter().filter(|id| seen.insert(**id));
    let items: Vec<BatchItem> = chosen
        .map(|id| {
            let name = rows.remove(id).map(|row| row.name).unwrap_or_default();
            BatchItem { model: *id, name, state: ItemState::Waiting, task: None, problem: None }
        })
        .collect();
    let new = store::NewBatch {
        op,
        force: false,
        for_good: false,
        at: core.now(),
        undo_until: None,
        items: &items,
        digests: &[],
    };
    let batch = store::insert(&mut transaction, new).await?;
    transaction.commit().await.map_err(failed)?;
    Ok(batch)
}

/// Works on everything that waits, a few items at once. One that fails never stops another.
async fn run(core: &Core, batch: BatchId) {
    let token = core.supervisor.token().child_token();
    core.models.batches.table().insert(batch, token.clone());
    let done = work(core, batch, &token).await;
    core.models.batches.table().remove(&batch);
    if let Err(error) = done {
        tracing::error!(batch = batch.0, %error, "a batch could not be kept");
    }
    tell(core, batch).await;
}

async fn work(core: &Core, batch: BatchId, token: &CancellationToken) -> Result<()> {
    let Some(stored) = store::get(core, batch).await? else { return Ok(()) };
    let store::StoredBatch { view, force, for_good, digests } = stored;
    core.bus.send(AppEvent::Batch(view.clone()));
    let live = Live { core, view: Mutex::new(view.clone()), told: Mutex::new(Instant::now()) };
    let waiting = view
        .items
        .iter()
        .enumerate()
        .filter(|(_, item)| matches!(item.state, ItemState::Waiting | ItemState::Working));
    if view.op == BatchOp::Delete {
        let waiting = waiting.map(|(ordinal, item)| {
            let digest = digests.get(ordinal).cloned().flatten();
            deletes::Wanted { ordinal, model: item.model, how: How { force, for_good, digest } }
        });
        deletes::work(&live, &waiting.collect::<Vec<_>>(), token).await?;
    } else {
        futures_util::stream::iter(waiting)
            .for_each_concurrent(PARALLEL, |(ordinal, item)| {
                live.item(ordinal, item.model, work_of(view.op), token)
            })
            .await;
    }
    if core.supervisor.token().is_cancelled() {
        // Corral ends: what waits is taken up or given up at the next start.
        return Ok(());
    }
    let mut transaction = core.db.write().await?;
    store::finish(&mut transaction, batch, core.now()).await?;
    transaction.commit().await.map_err(failed)?;
    live.notify().await;
    Ok(())
}

/// What an operation does to each model; of a delete, what it would.
fn work_of(op: BatchOp) -> Work {
    match op {
        BatchOp::Start => Work::Start(None),
        BatchOp::Stop => Work::Close,
        BatchOp::Recreate => Work::Recreate,
        BatchOp::Verify => Work::Verify,
        BatchOp::Delete => Work::Delete { force: false, for_good: false, digest: None },
    }
}

/// How an item's operation ended.
fn over(item: &mut BatchItem, result: Result<()>) {
    match result {
        Ok(()) => item.state = ItemState::Done,
        Err(problem) if problem.code == ErrorCode::Cancelled => item.state = ItemState::Cancelled,
        Err(problem) => {
            item.state = ItemState::Failed;
            item.problem = Some(problem);
        }
    }
}

/// A running batch as the windows see it.
struct Live<'a> {
    core: &'a Core,
    view: Mutex<BatchView>,
    told: Mutex<Instant>,
}

impl Live<'_> {
    fn id(&self) -> BatchId {
        self.view.lock().unwrap_or_else(PoisonError::into_inner).id
    }

    async fn item(&self, ordinal: usize, model: ModelId, work: Work, token: &CancellationToken) {
        if self.core.supervisor.token().is_cancelled() {
            return;
        }
        if token.is_cancelled() {
            return self.set(ordinal, |item| item.state = ItemState::Cancelled).await;
        }
        let deleting = matches!(work, Work::Delete { .. });
        let result = match operation::begin(self.core, model, work, Notify::Nobody).await {
            Ok(mut running) => {
                self.set(ordinal, |item| {
                    item.state = ItemState::Working;
                    item.task = Some(running.task());
                })
                .await;
                tokio::select! {
                    result = running.ended() => result,
                    () = token.cancelled() => {
                        running.cancel();
                        running.ended().await
                    }
                }
            }
            Err(problem) => {
                return self.refused(ordinal, model, problem, deleting).await;
            }
        };
        self.set(ordinal, |item| over(item, result)).await;
    }

    /// An item whose operation could not begin.
    async fn refused(&self, ordinal: usize, model: ModelId, problem: WireError, deleting: bool) {
        if deleting && let Err(error) = delete::show_again(self.core, model, &problem).await {
            tracing::warn!(%error, "a row that could not be deleted stays hidden");
        }
        let state = match problem.code {
            ErrorCode::WrongState | ErrorCode::Busy | ErrorCode::NotFound => ItemState::Skipped,
            _ => ItemState::Failed,
        };
        self.set(ordinal, |item| {
            item.state = state;
            item.problem = Some(problem);
        })
        .await;
    }

    async fn set(&self, ordinal: usize, change: impl FnOnce(&mut BatchItem)) {
        let (batch, item) = self.change(ordinal, change);
        if let Err(error) = store::set_item(self.core, batch, ordinal, &item).await {
            tracing::warn!(batch = batch.0, %error, "an item's result was not stored");
        }
        self.tell_in_time();
    }

    /// Changes an item that somebody else writes down.
    fn change(&self, ordinal: usize, change: impl FnOnce(&mut BatchItem)) -> (BatchId, BatchItem) {
        let mut view = self.view.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut view.items[ordinal]);
        (view.id, view.items[ordinal].clone())
    }

    /// Tells the windows how the batch is, unless that was only a moment ago.
    fn tell_in_time(&self) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.elapsed() < TELL_EVERY {
            return;
        }
        *told = Instant::now();
        let view = self.view.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.core.bus.send(AppEvent::Batch(view));
    }

    /// One notice for all that failed.
    async fn notify(&self) {
        let failed = {
            let view = self.view.lock().unwrap_or_else(PoisonError::into_inner);
            view.items.iter().find(|item| item.state == ItemState::Failed).cloned()
        };
        if let Some(item) = failed {
            let kind = NoticeKind::OperationFailed;
            notices::tell(self.core, kind, item.name, item.problem).await;
        }
    }
}

/// Tells the windows how a batch is.
pub(super) async fn tell(core: &Core, batch: BatchId) {
    match store::get(core, batch).await {
        Ok(Some(stored)) => core.bus.send(AppEvent::Batch(stored.view)),
        Ok(None) => {}
        Err(error) => tracing::warn!(batch = batch.0, %error, "a batch could not be read"),
    }
}
