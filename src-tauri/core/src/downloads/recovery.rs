//! The queue over the end and the next start of Corral.

use std::time::Duration;

use corral_contract::{
    ErrorCode, Timestamp, WireError,
    downloads::JobState,
    progress::WaitReason,
    status::{Cause, Install},
};
use tokio::time::{Instant, timeout};

use super::{
    bar::Bar,
    change::{adopt, ready_now, shift},
    job::install_of,
    queue::{Queue, WAITS},
    store, view,
};
use crate::{Core, Result, models};

/// How long stopping waits for attempts to let go.
const STOP_LIMIT: Duration = Duration::from_millis(1500);
/// Longest rest of a back-off that is taken over: the clock may have been set back meanwhile.
const LONGEST_REST: Duration = Duration::from_secs(600);

/// Puts every unfinished job back into the queue.
///
/// # Errors
/// Database errors.
pub(crate) async fn recover(core: &Core) -> Result<()> {
    let mut queue = core.downloads.queue.lock().await;
    queue.waits = store::last_waits(&core.db, WAITS)
        .await?
        .into_iter()
        .rev()
        .map(i64::unsigned_abs)
        .collect();
    let go_on = core.settings().resume_on_start;
    for stored in store::load(&core.db).await? {
        let (id, state) = (stored.job.id, stored.job.state);
        let quit = stored.job.wait == Some(WaitReason::Quit);
        let retry_at = stored.job.retry_at;
        let name = stored.job.name.clone();
        let mut bar = Bar::restored(stored.layers, stored.again);
        if state == JobState::Done {
            bar.finish();
        }
        adopt(core, &mut queue, stored.job, bar);
        match state {
            JobState::Running | JobState::Queued if !go_on => {
                shift(core, &mut queue, id, Cause::Scheduler, |job| {
                    job.state = JobState::Paused;
                    job.wait = Some(WaitReason::Quit);
                    job.retry_at = None;
                })
                .await?;
            }
            JobState::Running => {
                tracing::info!(job = id.0, name, "a download ran when Corral ended, queued again");
                shift(core, &mut queue, id, Cause::Scheduler, |job| job.requeue(job.queued_at))
                    .await?;
                ready_now(&mut queue, id);
            }
            JobState::Paused if quit && go_on => {
                shift(core, &mut queue, id, Cause::Scheduler, |job| job.requeue(job.queued_at))
                    .await?;
                ready_now(&mut queue, id);
            }
            JobState::Queued => {
                if let Some(entry) = queue.entries.get_mut(&id) {
                    entry.not_before = retry_at.map(|at| Instant::now() + rest(core.now(), at));
                }
            }
            _ => {}
        }
    }
    agree(core, &queue).await?;
    view::announce(core, &mut queue);
    Ok(())
}

/// A job's row and its model's row are written one after the other: an end in between left them
/// saying different things. The job is right; a model that waits for a job that is not there was
/// never promised one.
async fn agree(core: &Core, queue: &Queue) -> Result<()> {
    for entry in queue.entries.values().filter(|each| each.job.is_open()) {
        let wanted = install_of(entry.job.state, entry.meter.phase());
        let model = models::get(core, entry.job.model).await?;
        if let Some(wanted) = wanted.filter(|wanted| *wanted != model.install) {
            let change = models::Change::by(Cause::Scheduler);
            models::set_install(core, model.id, wanted, change).await?;
        }
    }
    for (model, last) in store::models_without_job(&core.db).await? {
        let change = models::Change::by(Cause::Scheduler);
        match last {
            Some((JobState::Done, _)) => {
                models::set_install(core, model, Install::Ready, change).await?;
            }
            Some((JobState::Failed, problem)) => {
                let problem = problem.unwrap_or_else(|| WireError::new(ErrorCode::Internal));
                models::set_install(core, model, Install::Failed, change.problem(problem)).await?;
            }
            _ => models::drop_if_nothing_left(core, model).await?,
        }
    }
    Ok(())
}

fn rest(now: Timestamp, until: Timestamp) -> Duration {
    let ms = u64::try_from(until.since(now)).unwrap_or(0);
    Duration::from_millis(ms).min(LONGEST_REST)
}

/// Stops all running jobs and keeps how far they came. They count as paused by quitting.
pub(crate) async fn stop(core: &Core) {
    {
        let mut queue = core.downloads.queue.lock().await;
        queue.closing = true;
        let running: Vec<_> = queue
            .entries
            .values()
            .filter(|entry| entry.job.state == JobState::Running)
            .map(|entry| entry.job.id)
            .collect();
        for id in running {
            let paused = shift(core, &mut queue, id, Cause::Scheduler, |job| {
                job.state = JobState::Paused;
                job.wait = Some(WaitReason::Quit);
            })
            .await;
            if let Err(error) = paused {
                // The next start finds it running, which ends the same way.
                tracing::warn!(job = id.0, %error, "running download not marked as paused");
            }
        }
        for entry in queue.entries.values_mut() {
            if let Some(run) = &entry.run {
                run.cancel();
            }
            // A task that is dropped unfinished is marked as interrupted.
            drop(entry.task.take());
        }
        view::announce(core, &mut queue);
    }
    let let_go = async {
        loop {
            let settled = core.downloads.settled.notified();
            tokio::pin!(settled);
            settled.as_mut().enable();
            if core.downloads.queue.lock().await.entries.values().all(|each| each.run.is_none()) {
                break;
            }
            settled.await;
        }
    };
    if timeout(STOP_LIMIT, let_go).await.is_err() {
        tracing::warn!("a download did not let go in time");
    }
}
