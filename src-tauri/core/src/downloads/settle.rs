//! What becomes of a job when an attempt at it ended.

use std::time::Duration;

use corral_contract::{
    ErrorCode, JobId, WireError, app::NoticeKind, audit::Actor, downloads::JobState,
    progress::WaitReason, status::Cause,
};
use tokio::time::Instant;

use super::{
    attempt::Ended,
    change::{after, shift},
    fetch::{Class, FetchFailure, WaitFor},
    job::Job,
    leftovers,
    queue::Queue,
    retry,
};
use crate::{Core, instances, notices, signal::Signal};

/// Before a job whose instance was just unreachable is tried again, should the instance answer.
const LOOK_AGAIN: Duration = Duration::from_secs(2);
/// Before a job that lacks space is tried again.
const LOOK_FOR_SPACE: Duration = Duration::from_secs(30);

/// Takes an attempt's end in. When the database refuses, the end comes back to be settled later,
/// and the job keeps its slot until then.
pub(super) async fn settle(core: &Core, ended: Ended) -> Result<(), (Ended, WireError)> {
    let mut queue = core.downloads.queue.lock().await;
    let id = ended.job.id;
    let Some(entry) = queue.entries.get(&id) else {
        ended.task.finish(&Err(WireError::new(ErrorCode::Cancelled))).await;
        return Ok(());
    };
    let verdict = match (entry.job.state, &ended.end) {
        (JobState::Cancelled, Ok(_)) => Verdict::Gone { operated: true },
        (JobState::Cancelled | JobState::Done | JobState::Failed, _) => {
            Verdict::Gone { operated: false }
        }
        // Also when it was paused in the last moment: it is there.
        (_, Ok(_)) => Verdict::Done,
        (JobState::Paused | JobState::Queued, Err(_)) => Verdict::Rest,
        (JobState::Running, Err(failure)) => {
            judge(core, entry.came_to, entry.meter.done(), &entry.job, failure)
        }
    };
    if let Err(error) = apply(core, &mut queue, id, &ended, &verdict).await {
        return Err((ended, error));
    }
    // What came since the last beat.
    let moved = queue.entries.get(&id).map_or(0, |entry| entry.meter.take_moved());
    let open = queue.entries.values().filter(|entry| entry.job.is_open()).count();
    queue.traffic.add(Instant::now(), moved);
    queue.hour.moved(moved, open);
    let closing = queue.closing;
    let job = queue.entries.get_mut(&id).map(|entry| {
        entry.run = None;
        entry.job.clone()
    });
    let name = ended.job.name.clone();
    match verdict {
        Verdict::Done => {
            queue.hour.done += 1;
            ended.task.finish(&Ok(())).await;
            // Of a manifest that was replaced meanwhile, or an earlier try.
            leftovers::clear(core, &queue, id);
            if let Some(job) = job {
                arrived(core, &job);
                notices::tell(core, NoticeKind::DownloadDone, name, None).await;
            }
        }
        Verdict::Failed(error) => {
            queue.hour.failed += 1;
            ended.task.finish(&Err(error.clone())).await;
            notices::tell(core, NoticeKind::DownloadFailed, name, Some(error)).await;
        }
        Verdict::Gone { operated } => {
            ended.task.finish(&Err(WireError::new(ErrorCode::Cancelled))).await;
            if operated {
                core.signals.send(Signal::Operated(ended.job.instance));
            }
        }
        // Corral ends: dropping the task marks it as interrupted.
        Verdict::Rest | Verdict::Later { .. } if closing => drop(ended.task),
        Verdict::Rest | Verdict::Later { .. } => {
            if let Some(entry) = queue.entries.get_mut(&id) {
                ended.task.phase(entry.meter.phase().as_str());
                entry.task = Some(ended.task);
            }
        }
    }
    core.downloads.settled.notify_waiters();
    after(core, &mut queue);
    Ok(())
}

/// What is to be done with the job.
enum Verdict {
    Done,
    Failed(WireError),
    /// It was taken out of the queue meanwhile; the model may have arrived all the same.
    Gone {
        operated: bool,
    },
    /// It was paused, or paused and resumed: its state says all.
    Rest,
    /// Back into the queue.
    Later {
        wait: Option<WaitReason>,
        pause: Duration,
        attempts: u32,
        error: Option<WireError>,
    },
}

fn judge(core: &Core, came_to: u64, done: u64, job: &Job, failure: &FetchFailure) -> Verdict {
    let FetchFailure { class, error, retry_after } = failure;
    match class {
        Class::Stopped => Verdict::Later {
            wait: None,
            pause: Duration::ZERO,
            attempts: job.attempts,
            error: None,
        },
        Class::Permanent => Verdict::Failed(error.clone()),
        Class::Wait(WaitFor::Instance) => {
            instances::suspect(core, job.instance);
            Verdict::Later {
                wait: Some(WaitReason::Offline),
                pause: LOOK_AGAIN,
                attempts: job.attempts,
                error: Some(error.clone()),
            }
        }
        Class::Wait(WaitFor::Disk { missing }) => Verdict::Later {
            wait: Some(WaitReason::Disk { missing: *missing }),
            pause: LOOK_FOR_SPACE,
            attempts: job.attempts,
            error: Some(error.clone()),
        },
        Class::Retry => {
            if error.code == ErrorCode::ConnectionLost {
                instances::suspect(core, job.instance);
            }
            // Progress gives a job its tries back.
            let attempts = if done > came_to { 1 } else { job.attempts + 1 };
            if attempts >= core.settings().max_attempts {
                return Verdict::Failed(error.clone());
            }
            let pause = retry::pause(attempts, *retry_after);
            let ms = i64::try_from(pause.as_millis()).unwrap_or(i64::MAX);
            let at = core.now().plus(ms).0;
            Verdict::Later {
                wait: Some(WaitReason::Retry { at, attempt: attempts, code: error.code }),
                pause,
                attempts,
                error: Some(error.clone()),
            }
        }
    }
}

async fn apply(
    core: &Core,
    queue: &mut Queue,
    id: JobId,
    ended: &Ended,
    verdict: &Verdict,
) -> crate::Result<()> {
    let now = core.now();
    match verdict {
        Verdict::Done => {
            if let Some(entry) = queue.entries.get(&id) {
                entry.meter.finish();
            }
            shift(core, queue, id, Cause::Scheduler, |job| {
                job.state = JobState::Done;
                job.wait = None;
                job.problem = None;
                job.retry_at = None;
                job.finished_at = Some(now);
            })
            .await?;
        }
        Verdict::Failed(error) => {
            shift(core, queue, id, Cause::Scheduler, |job| {
                job.state = JobState::Failed;
                job.attempts += 1;
                job.wait = None;
                job.problem = Some(error.clone());
                job.retry_at = None;
                job.finished_at = Some(now);
            })
            .await?;
        }
        Verdict::Later { wait, pause, attempts, error } => {
            let retry_at = match wait {
                Some(WaitReason::Retry { at, .. }) => Some(corral_contract::Timestamp(*at)),
                _ => None,
            };
            shift(core, queue, id, cause_of(wait.as_ref()), |job| {
                job.state = JobState::Queued;
                job.wait.clone_from(wait);
                job.attempts = *attempts;
                job.problem.clone_from(error);
                job.retry_at = retry_at;
            })
            .await?;
            if let Some(entry) = queue.entries.get_mut(&id) {
                entry.not_before = Some(Instant::now() + *pause);
            }
            if let Some(error) = error {
                ended.task.warn(format!("{error}; next try in {} ms", pause.as_millis()));
            }
        }
        Verdict::Gone { .. } | Verdict::Rest => {}
    }
    Ok(())
}

fn cause_of(wait: Option<&WaitReason>) -> Cause {
    match wait {
        Some(WaitReason::Offline) => Cause::Instance,
        _ => Cause::Scheduler,
    }
}

/// The server has it: whoever waits for that is told, and it is loaded if that was asked for.
fn arrived(core: &Core, job: &Job) {
    let (id, model, instance) = (job.id, job.model, job.instance);
    core.signals.send(Signal::JobDone { job: id, model, instance });
    core.signals.send(Signal::Operated(instance));
    if !job.options.start_when_done {
        return;
    }
    let core_of_start = core.clone();
    core.supervisor.run("start after a download", async move {
        let request = serde_json::json!({ "id": model });
        let started = core_of_start.call(Actor::Scheduler, "models", "start", request).await;
        if let Err(error) = started {
            tracing::warn!(model = model.0, %error, "a downloaded model was not started");
        }
    });
}
