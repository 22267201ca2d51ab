//! The deletes of a batch, written down many at a time: what one of them writes is little beside a
//! transaction of its own. Each has its task's row before its server is asked, and a delete whose
//! end a crash lost is done again: a model that is gone counts as deleted.

use std::{collections::BTreeSet, panic::AssertUnwindSafe, time::Duration};

use corral_contract::{ErrorCode, InstanceId, ModelId, WireError, models::ItemState};
use futures_util::{FutureExt, StreamExt, stream};
use tokio::{sync::mpsc, time::Instant};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use super::{How, Live, PARALLEL, Work, delete, operation, over, store};
use crate::{
    Result,
    db::failed,
    downloads, instances,
    models::{
        publish::publish,
        store::{self as rows, StoredModel},
    },
    signal::Signal,
    tasks::{self, NewTask, Task},
};

/// Deletes that are written down together, and those that are to begin with.
const TOGETHER: usize = 100;
const FIRST: usize = 8;
/// Deletes that wait for their server while the next get their tasks.
const AHEAD: usize = 32;
/// What is over waits no longer than this for others that could be written down with it.
const WRITE_EVERY: Duration = Duration::from_millis(60);

/// A model that is to go.
#[derive(Clone)]
pub(super) struct Wanted {
    pub(super) ordinal: usize,
    pub(super) model: ModelId,
    pub(super) how: How,
}

/// What is done for one of them.
enum Turn {
    /// It has its task.
    Begun(Box<Begun>),
    /// Something runs on it already.
    Alone(Wanted),
}

struct Begun {
    wanted: Wanted,
    model: StoredModel,
    task: Task,
    ended: operation::Ended,
}

/// A delete that is over, and the note for the model's history.
struct Over {
    begun: Begun,
    result: Result<&'static str>,
}

/// Does what waits: while some are deleted, those before are written down and the next begin.
///
/// # Errors
/// Database errors.
pub(super) async fn work(
    live: &Live<'_>,
    waiting: &[Wanted],
    token: &CancellationToken,
) -> Result<()> {
    let (turns, taken) = mpsc::channel(AHEAD);
    let (done, over) = mpsc::channel(TOGETHER);
    let (begun, (), ()) = tokio::join!(
        begin_all(live, waiting, token, turns),
        act(live, taken, token, done),
        settle_all(live, over),
    );
    begun
}

/// Gives them to the servers' turn, the first few sooner: no server has anything to do until then.
async fn begin_all(
    live: &Live<'_>,
    waiting: &[Wanted],
    token: &CancellationToken,
    turns: mpsc::Sender<Turn>,
) -> Result<()> {
    let (mut left, mut most) = (waiting, FIRST);
    while !left.is_empty() {
        let (chunk, after) = left.split_at(most.min(left.len()));
        for turn in begin(live, chunk, token).await? {
            if turns.send(turn).await.is_err() {
                return Ok(());
            }
        }
        (left, most) = (after, TOGETHER);
    }
    Ok(())
}

/// Writes down what is over by then, again and again.
async fn settle_all(live: &Live<'_>, mut over: mpsc::Receiver<Over>) {
    while let Some(first) = over.recv().await {
        let mut together = vec![first];
        let due = Instant::now() + WRITE_EVERY;
        while together.len() < TOGETHER
            && let Ok(Some(next)) = tokio::time::timeout_at(due, over.recv()).await
        {
            together.push(next);
        }
        settle(live, together).await;
    }
}

/// Checks them and gives each its task.
async fn begin(live: &Live<'_>, chunk: &[Wanted], token: &CancellationToken) -> Result<Vec<Turn>> {
    let core = live.core;
    if core.supervisor.token().is_cancelled() || chunk.is_empty() {
        return Ok(Vec::new());
    }
    if token.is_cancelled() {
        return give_up(live, chunk).await.map(|()| Vec::new());
    }
    let (mut turns, mut refused) = (Vec::with_capacity(chunk.len()), Vec::new());
    {
        // Nothing else may begin on a model between its check and its task.
        let _turn = core.models.deciding.lock().await;
        let mut transaction = core.db.write().await?;
        let ids: Vec<ModelId> = chunk.iter().map(|wanted| wanted.model).collect();
        let mut models = rows::many::get(&mut transaction, &ids).await?;
        let (mut ready, mut new) = (Vec::new(), Vec::new());
        for wanted in chunk.iter().cloned() {
            if operation::running(core, wanted.model).is_some() {
                turns.push(Turn::Alone(wanted));
                continue;
            }
            let model = models.remove(&wanted.model).ok_or_else(|| rows::missing(wanted.model));
            let checked = model.and_then(|model| {
                operation::check(core, &model, &work_of(&wanted.how)).map(|()| model)
            });
            match checked {
                Ok(model) => {
                    let task = NewTask {
                        kind: operation::Kind::Delete,
                        instance: Some(model.instance),
                        model: Some(model.id),
                        target: model.name.clone(),
                        can_cancel: false,
                    };
                    new.push((model.id, task));
                    ready.push((wanted, model));
                }
                Err(problem) => refused.push((wanted, problem)),
            }
        }
        let views = tasks::insert_all(&mut transaction, &new, core.now()).await?;
        transaction.commit().await.map_err(failed)?;
        for ((wanted, model), task) in ready.into_iter().zip(tasks::open_all(core, views)) {
            let (_, ended) = operation::enter(core, model.id, &task, operation::Kind::Delete);
            turns.push(Turn::Begun(Box::new(Begun { wanted, model, task, ended })));
        }
    }
    for (wanted, problem) in refused {
        live.refused(wanted.ordinal, wanted.model, problem, true).await;
    }
    Ok(turns)
}

fn work_of(how: &How) -> Work {
    let How { force, for_good, digest } = how.clone();
    Work::Delete { force, for_good, digest }
}

/// Takes back what did not begin: the user cancelled the batch.
async fn give_up(live: &Live<'_>, chunk: &[Wanted]) -> Result<()> {
    let ids: Vec<ModelId> = chunk.iter().map(|wanted| wanted.model).collect();
    let items: Vec<_> = chunk.iter().map(|wanted| cancelled(live, wanted)).collect();
    let mut transaction = live.core.db.write().await?;
    rows::many::hide(&mut transaction, &ids, None).await?;
    store::set_items(&mut transaction, live.id(), &items).await?;
    transaction.commit().await.map_err(failed)?;
    publish(live.core, &ids).await;
    Ok(())
}

fn cancelled(live: &Live<'_>, wanted: &Wanted) -> (usize, corral_contract::models::BatchItem) {
    let (_, item) = live.change(wanted.ordinal, |item| item.state = ItemState::Cancelled);
    (wanted.ordinal, item)
}

/// Asks the servers, a few at once.
async fn act(
    live: &Live<'_>,
    mut taken: mpsc::Receiver<Turn>,
    token: &CancellationToken,
    done: mpsc::Sender<Over>,
) {
    let turns = stream::poll_fn(|context| taken.poll_recv(context));
    let over = turns.map(|turn| one(live, turn, token).boxed()).buffer_unordered(PARALLEL);
    let tell = |over: Option<Over>| async {
        if let Some(over) = over {
            // Whoever writes them down goes on to the last.
            let _ = done.send(over).await;
        }
    };
    over.for_each(tell).await;
}

async fn one(live: &Live<'_>, turn: Turn, token: &CancellationToken) -> Option<Over> {
    let core = live.core;
    let begun = match turn {
        Turn::Begun(begun) => *begun,
        Turn::Alone(Wanted { ordinal, model, how }) => {
            live.item(ordinal, model, work_of(&how), token).await;
            return None;
        }
    };
    if core.supervisor.token().is_cancelled() {
        // Its task is interrupted; the next start takes the delete up.
        operation::leave(core, begun.model.id);
        return None;
    }
    if token.is_cancelled() {
        let result = Err(WireError::new(ErrorCode::Cancelled));
        return Some(Over { begun, result });
    }
    live.change(begun.wanted.ordinal, |item| {
        item.state = ItemState::Working;
        item.task = Some(begun.task.id());
    });
    live.tell_in_time();
    // A task of its own: the server waits for nobody who writes others down meanwhile.
    let owner = core.clone();
    let deleted = tokio::spawn(async move {
        let how = begun.wanted.how.clone();
        let deleted = delete::on_server(&owner, &begun.model, &begun.task, how);
        let result = AssertUnwindSafe(deleted).catch_unwind().await.unwrap_or_else(|_| {
            Err(WireError::new(ErrorCode::Internal).detail("the delete panicked; see the log"))
        });
        Over { begun, result }
    });
    // It fails only when everything ends; then the task is interrupted and the next start goes on.
    AbortOnDropHandle::new(deleted).await.ok()
}

/// Writes down how deletes ended and tells everybody. What cannot be written down counts as
/// failed, as the row is still there.
async fn settle(live: &Live<'_>, over: Vec<Over>) {
    let core = live.core;
    let ids: Vec<ModelId> = over.iter().map(|over| over.begun.model.id).collect();
    let on: BTreeSet<InstanceId> = over.iter().map(|over| over.begun.model.instance).collect();
    let mut ended = Vec::with_capacity(over.len());
    let (mut gone, mut closed) = (Vec::new(), Vec::new());
    let (mut items, mut shown, mut failures) = (Vec::new(), Vec::new(), Vec::new());
    for Over { begun: Begun { wanted, model, task, ended: waiter }, result } in over {
        let (result, note) = match result {
            Ok(note) => (Ok(()), Some(note)),
            Err(problem) => (Err(problem), None),
        };
        let log = task.log();
        closed.extend(task.close(&result).map(|view| (view, log)));
        let state = result.clone();
        items.push((wanted.ordinal, live.change(wanted.ordinal, |item| self::over(item, state)).1));
        match (&result, note) {
            (_, Some(note)) => gone.push((model, note)),
            (Err(problem), _) if problem.code == ErrorCode::Cancelled => shown.push(model.id),
            (Err(problem), _) => failures.push((model.id, problem.clone())),
            (Ok(()), None) => {}
        }
        ended.push((waiter, result));
    }
    let written = async {
        let models: Vec<ModelId> = gone.iter().map(|(model, _)| model.id).collect();
        downloads::forget(core, &models).await?;
        let mut transaction = core.db.write().await?;
        let gone: Vec<_> = gone.iter().map(|(model, note)| (model, *note)).collect();
        rows::many::remove(&mut transaction, &gone, core.now()).await?;
        rows::many::hide(&mut transaction, &shown, None).await?;
        tasks::keep_all(&mut transaction, &closed).await?;
        store::set_items(&mut transaction, live.id(), &items).await?;
        transaction.commit().await.map_err(failed)
    };
    let written = written.await;
    if let Err(problem) = &written {
        tracing::error!(error = %problem, "deletes could not be written down");
        for (ordinal, _) in items.iter().filter(|(_, item)| item.state == ItemState::Done) {
            live.change(*ordinal, |item| self::over(item, Err(problem.clone())));
        }
    }
    for (id, problem) in failures {
        if let Err(error) = delete::show_again(core, id, &problem).await {
            tracing::warn!(%error, "a row that could not be deleted stays hidden");
        }
    }
    for (id, (waiter, result)) in ids.iter().zip(ended) {
        operation::leave(core, *id);
        // Nobody may be waiting.
        let _ = waiter.send(Some(result));
    }
    tasks::tell(core, closed, written.is_ok());
    publish(core, &ids).await;
    for instance in on {
        instances::publish(core, instance).await;
        core.signals.send(Signal::Operated(instance));
    }
    live.tell_in_time();
}
