//! Changing a job: its row by compare-and-set, memory, the model's row. Everything here is called
//! with the queue's lock held or takes it.

use std::sync::{Arc, PoisonError};

use corral_contract::{
    ErrorCode, JobId, ModelId, WireError,
    downloads::JobState,
    models::JobRef,
    progress::{Phase, WaitReason},
    status::{Cause, Install},
};
use tokio::time::Instant;

use super::{
    Enqueue,
    bar::Bar,
    job::{Entry, Job, install_of},
    leftovers,
    meter::Meter,
    queue::Queue,
    store, view,
};
use crate::{Core, Result, models, signal::Signal};

/// Puts a download into the queue: makes the model's row if there is none, then the job's. A model
/// that is in the queue already answers with that job; a failed one is tried again.
///
/// # Errors
/// `BUSY` while the model is being deleted; database errors.
pub(crate) async fn enqueue(core: &Core, request: Enqueue) -> Result<JobRef> {
    let mut queue = core.downloads.queue.lock().await;
    let Enqueue { instance, name, priority, options, cause } = request;
    let (model, new_row) = models::ensure_row(core, instance, &name, core.now()).await?;
    if let Some(id) = queue.of_model(model) {
        let failed =
            queue.entries.get(&id).is_some_and(|entry| entry.job.state == JobState::Failed);
        if failed {
            let now = core.now();
            shift(core, &mut queue, id, cause, |job| {
                job.requeue(now);
                job.attempts = 0;
                job.priority = priority;
                job.options = options;
            })
            .await?;
            ready_now(&mut queue, id);
            after(core, &mut queue);
        }
        return Ok(JobRef { job: id, model, existing: true });
    }
    let display = name.display();
    let now = core.now();
    let new = store::NewJob { model, instance, name: &display, priority, options, now };
    let job = store::insert(&core.db, new).await?;
    let id = job.id;
    adopt(core, &mut queue, job, Bar::default());
    if !new_row {
        tell_model(core, model, Install::Queued, models::Change::by(cause)).await;
    } else {
        // The row was told when it had no job yet.
        models::publish(core, &[model]).await;
    }
    ready_now(&mut queue, id);
    after(core, &mut queue);
    Ok(JobRef { job: id, model, existing: false })
}

/// Takes the jobs of these models out of the queue because their rows go; call it before the rows
/// are deleted. Models without a job are fine.
///
/// # Errors
/// Database errors; jobs before the one that failed are gone.
pub(crate) async fn forget(core: &Core, models: &[ModelId]) -> Result<()> {
    let mut queue = core.downloads.queue.lock().await;
    let mine: Vec<JobId> = queue
        .entries
        .values()
        .filter(|entry| models.contains(&entry.job.model))
        .map(|entry| entry.job.id)
        .collect();
    for id in mine {
        let now = core.now();
        close(core, &mut queue, id, |job| {
            job.state = JobState::Cancelled;
            job.finished_at = Some(now);
        })
        .await?;
        leftovers::clear(core, &queue, id);
        remove(core, &mut queue, id).await;
    }
    after(core, &mut queue);
    Ok(())
}

/// Takes a job out of the queue for good. `false` when its state does not allow it.
///
/// # Errors
/// Database errors.
pub(super) async fn cancel(core: &Core, queue: &mut Queue, id: JobId) -> Result<bool> {
    let Some(entry) = queue.entries.get(&id) else { return Ok(false) };
    if !entry.job.is_open() && entry.job.state != JobState::Failed {
        return Ok(false);
    }
    let (model, instance) = (entry.job.model, entry.job.instance);
    let ran = entry.run.is_some();
    let now = core.now();
    let closed = close(core, queue, id, |job| {
        job.state = JobState::Cancelled;
        job.wait = None;
        job.retry_at = None;
        job.finished_at = Some(now);
    })
    .await?;
    leftovers::clear(core, queue, id);
    models::drop_if_nothing_left(core, model).await?;
    if matches!(models::get(core, model).await, Err(error) if error.code == ErrorCode::NotFound) {
        // The job's row went with the model's.
        remove(core, queue, id).await;
    }
    if ran {
        // A server that had begun to verify may list the model all the same.
        core.signals.send(Signal::Operated(instance));
    }
    Ok(closed)
}

/// Makes a running job let go until something is over.
///
/// # Errors
/// Database errors; it runs on then.
pub(super) async fn hold_up(
    core: &Core,
    queue: &mut Queue,
    id: JobId,
    reason: WaitReason,
) -> Result<()> {
    let shifted = shift(core, queue, id, Cause::Scheduler, |job| {
        job.state = JobState::Queued;
        job.wait = Some(reason);
    })
    .await?;
    if let Some(run) = queue.entries.get(&id).filter(|_| shifted).and_then(|it| it.run.as_ref()) {
        run.cancel();
    }
    Ok(())
}

/// Ends a job's life in the queue: row, running attempt and task.
async fn close(
    core: &Core,
    queue: &mut Queue,
    id: JobId,
    edit: impl FnOnce(&mut Job),
) -> Result<bool> {
    if !shift(core, queue, id, Cause::User, edit).await? {
        return Ok(false);
    }
    if let Some(entry) = queue.entries.get_mut(&id) {
        if let Some(run) = &entry.run {
            run.cancel();
        }
        if let Some(task) = entry.task.take() {
            task.finish(&Err(WireError::new(ErrorCode::Cancelled))).await;
        }
    }
    Ok(true)
}

/// Takes a job out of memory, because its row is gone. A running attempt is told to stop.
pub(super) async fn remove(core: &Core, queue: &mut Queue, id: JobId) {
    let Some(entry) = queue.entries.remove(&id) else { return };
    if let Some(run) = entry.run {
        run.cancel();
    }
    unlive(core, entry.job.model, id);
    if let Some(task) = entry.task {
        task.finish(&Err(WireError::new(ErrorCode::Cancelled))).await;
    }
}

/// Takes a job into memory.
pub(super) fn adopt(core: &Core, queue: &mut Queue, job: Job, bar: Bar) {
    let meter = Arc::new(Meter::new(job.id, job.model, job.resting_phase(), bar));
    if job.is_open() || job.state == JobState::Failed {
        relive(core, &job, &meter);
    }
    queue.entries.insert(job.id, Entry::new(job, meter));
}

/// Applies `edit` to a job: its row if that is still where memory has it, then memory, then the
/// model's row. `false` = the row is elsewhere or gone, which ends the job in memory too.
///
/// # Errors
/// Database errors; nothing changed then.
pub(super) async fn shift(
    core: &Core,
    queue: &mut Queue,
    id: JobId,
    cause: Cause,
    edit: impl FnOnce(&mut Job),
) -> Result<bool> {
    let Some(entry) = queue.entries.get_mut(&id) else { return Ok(false) };
    let before = entry.job.clone();
    let mut job = before.clone();
    edit(&mut job);
    let phase = match job.state {
        JobState::Running => entry.meter.phase(),
        _ => job.resting_phase(),
    };
    let kept = entry.meter.unsaved();
    match store::shift(&core.db, before.state, &job, phase, kept.as_ref()).await {
        Ok(true) => {}
        Ok(false) => {
            tracing::warn!(job = id.0, "the row of a job is not where it was left");
            remove(core, queue, id).await;
            return Ok(false);
        }
        Err(error) => {
            if kept.is_some() {
                entry.meter.save_again();
            }
            return Err(error);
        }
    }
    entry.job = job.clone();
    if job.state != JobState::Running {
        entry.rest();
    }
    if job.is_open() || job.state == JobState::Failed {
        relive(core, &job, &entry.meter);
    } else {
        unlive(core, job.model, id);
    }
    if let Some(install) = install_of(job.state, phase) {
        let same = install_of(before.state, phase) == Some(install);
        let message = message_of(&job);
        if !same || message != message_of(&before) {
            let change = models::Change::by(cause);
            let change = match job.problem.clone().filter(|_| job.state == JobState::Failed) {
                Some(problem) => change.problem(problem),
                None => change.message(message),
            };
            tell_model(core, job.model, install, change).await;
        }
    }
    Ok(true)
}

/// The raw text of a row that waits after a failed try.
fn message_of(job: &Job) -> String {
    let waits = matches!(job.wait, Some(WaitReason::Retry { .. } | WaitReason::Offline));
    let problem = job.problem.as_ref().filter(|_| waits || job.state == JobState::Failed);
    problem
        .map(|problem| problem.detail.clone().unwrap_or_else(|| problem.to_string()))
        .unwrap_or_default()
}

/// What the model's row says. That it cannot be written does not stop a download: the next change
/// or sync puts it right.
pub(super) async fn tell_model(
    core: &Core,
    model: ModelId,
    install: Install,
    change: models::Change,
) {
    if let Err(error) = models::set_install(core, model, install, change).await {
        tracing::warn!(model = model.0, %error, "state of a downloading model not stored");
    }
}

/// A running job entered another phase.
pub(super) async fn phase(core: &Core, id: JobId, from: Phase, to: Phase) {
    let mut queue = core.downloads.queue.lock().await;
    let Some(entry) = queue.entries.get(&id) else { return };
    if entry.job.state != JobState::Running {
        return;
    }
    let model = entry.job.model;
    let install = install_of(JobState::Running, to);
    if let Some(install) = install.filter(|_| install != install_of(JobState::Running, from)) {
        tell_model(core, model, install, models::Change::by(Cause::Scheduler)).await;
    }
    if let Some(kept) = entry.meter.unsaved()
        && let Err(error) = store::keep(&core.db, &[(id, to, kept)]).await
    {
        entry.meter.save_again();
        tracing::warn!(job = id.0, %error, "progress not stored");
    }
    view::announce(core, &mut queue);
}

/// It may be tried as soon as it is its turn.
pub(super) fn ready_now(queue: &mut Queue, id: JobId) {
    if let Some(entry) = queue.entries.get_mut(&id) {
        entry.not_before = None;
        entry.waits_since = Some(Instant::now());
    }
}

/// After a change: windows are told, the worker looks.
pub(super) fn after(core: &Core, queue: &mut Queue) {
    view::announce(core, queue);
    core.downloads.wake.notify_one();
}

fn relive(core: &Core, job: &Job, meter: &Arc<Meter>) {
    let mut live = core.downloads.live.write().unwrap_or_else(PoisonError::into_inner);
    live.insert(job.model, (job.id, meter.clone()));
}

fn unlive(core: &Core, model: ModelId, id: JobId) {
    let mut live = core.downloads.live.write().unwrap_or_else(PoisonError::into_inner);
    if live.get(&model).is_some_and(|(job, _)| *job == id) {
        live.remove(&model);
    }
}
