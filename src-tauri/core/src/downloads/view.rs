//! The queue as windows see it, and telling them about it.

use std::collections::{HashMap, HashSet};

use corral_contract::{
    JobId, Timestamp,
    downloads::{JobState, JobView, QueueMetrics, QueueView},
    event::AppEvent,
    progress::{Progress, WaitReason},
};
use tokio::time::Instant;

use super::{
    estimate::{Ahead, Expected, Usual, expect},
    job::Entry,
    limits,
    queue::Queue,
};
use crate::Core;

/// Estimates that moved less than this, in ms, or less than a tenth of the time until then, are
/// not worth an event.
const STEP: i64 = 5_000;

/// Everything, in the order shown.
pub(super) fn view(core: &Core, queue: &Queue) -> QueueView {
    let progress: HashMap<JobId, Progress> =
        queue.entries.values().map(|entry| (entry.job.id, entry.meter.view())).collect();
    let parallel = core.settings().parallel_downloads;
    let expected = expected(core, queue, &progress, parallel);
    let metrics = metrics(core, queue, &progress, &expected, parallel);
    let positions = queue.positions();
    let now = core.now();
    let at = |ms: u64| now.plus(i64::try_from(ms).unwrap_or(i64::MAX));
    let job = |entry: &Entry| {
        let job = &entry.job;
        let position = positions.get(&job.id).copied();
        let turn = || position.map(|position| WaitReason::Queue { position });
        let expected = expected.get(&job.id).copied().unwrap_or_default();
        JobView {
            id: job.id,
            model: job.model,
            instance: job.instance,
            name: job.name.clone(),
            priority: job.priority,
            state: job.state,
            position,
            wait: match job.state {
                JobState::Queued => job.wait.clone().or_else(turn),
                JobState::Paused => job.wait.clone(),
                _ => None,
            },
            progress: progress.get(&job.id).cloned().unwrap_or_else(|| entry.meter.view()),
            limit_kb: job.options.limit_kb,
            insecure: job.options.insecure,
            start_when_done: job.options.start_when_done,
            by_server: entry.meter.by_server(),
            attempts: job.attempts,
            problem: job.problem.clone(),
            task: job.task,
            created_at: job.created_at,
            started_at: job.started_at,
            finished_at: job.finished_at,
            starts_at: expected.starts.map(at),
            ends_at: expected.ends.map(at),
        }
    };
    QueueView { jobs: queue.shown().into_iter().map(job).collect(), metrics }
}

fn expected(
    core: &Core,
    queue: &Queue,
    progress: &HashMap<JobId, Progress>,
    parallel: u32,
) -> HashMap<JobId, Expected> {
    let now = Instant::now();
    let sizes: Vec<u64> = progress.values().filter_map(|each| each.total).collect();
    let usual = Usual {
        speed: queue.usual_speed,
        size: (!sizes.is_empty()).then(|| sizes.iter().sum::<u64>() / sizes.len() as u64),
    };
    let ahead = |entry: &&Entry| {
        let job = &entry.job;
        let open = matches!(job.state, JobState::Running | JobState::Queued);
        open.then(|| Ahead {
            id: job.id,
            instance: job.instance,
            running: job.state == JobState::Running,
            left: entry.meter.left(),
            speed: progress.get(&job.id).and_then(|each| each.speed),
            not_before: entry.not_before.map_or(0, |until| {
                until.saturating_duration_since(now).as_millis().try_into().unwrap_or(u64::MAX)
            }),
            offline: !crate::instances::online(core, job.instance),
        })
    };
    let jobs: Vec<Ahead> = queue.shown().iter().filter_map(ahead).collect();
    expect(&jobs, parallel, usual)
}

fn metrics(
    core: &Core,
    queue: &Queue,
    progress: &HashMap<JobId, Progress>,
    expected: &HashMap<JobId, Expected>,
    parallel: u32,
) -> QueueMetrics {
    let mut metrics = QueueMetrics { parallel, ..QueueMetrics::default() };
    let mut layers = HashSet::new();
    for entry in queue.entries.values() {
        let progress = progress.get(&entry.job.id);
        match entry.job.state {
            JobState::Running => metrics.running += 1,
            JobState::Queued => metrics.waiting += 1,
            JobState::Paused => metrics.paused += 1,
            JobState::Failed => metrics.failed += 1,
            JobState::Done | JobState::Cancelled => {}
        }
        if matches!(entry.job.state, JobState::Running | JobState::Queued)
            && let Some(progress) = progress
        {
            // A layer that several jobs wait for comes once.
            for layer in &progress.layers {
                if let Some(total) = layer.total
                    && layers.insert((entry.job.instance, layer.digest.as_str()))
                {
                    metrics.done += layer.done;
                    metrics.total += total;
                }
            }
            metrics.speed += entry.meter.own_speed().unwrap_or(0);
        }
    }
    let online = |entry: &&Entry| {
        matches!(entry.job.state, JobState::Running | JobState::Queued)
            && crate::instances::online(core, entry.job.instance)
    };
    let ends: Option<Vec<u64>> = queue
        .entries
        .values()
        .filter(online)
        .map(|entry| expected.get(&entry.job.id).and_then(|each| each.ends))
        .collect();
    metrics.left_seconds = ends.and_then(|ends| ends.into_iter().max()).map(|ms| ms.div_ceil(1000));
    let waits = &queue.waits;
    metrics.mean_wait_ms =
        (!waits.is_empty()).then(|| waits.iter().sum::<u64>() / waits.len() as u64);
    (metrics.limit, metrics.limit_until) = limits::now(core);
    metrics.hold = core.downloads.hold.now();
    metrics.last_hour = queue.traffic.last_hour(Instant::now());
    metrics
}

/// Tells windows what they do not know yet. Live figures are left to the beat; a job whose figures
/// alone changed is not told here.
pub(super) fn announce(core: &Core, queue: &mut Queue) {
    let view = view(core, queue);
    let gone: Vec<JobId> =
        queue.told.keys().filter(|id| !queue.entries.contains_key(id)).copied().collect();
    for id in gone {
        queue.told.remove(&id);
        core.bus.send(AppEvent::JobRemoved(id));
    }
    let now = core.now();
    for job in view.jobs {
        if queue.told.get(&job.id).is_none_or(|told| differs(told, &job, now)) {
            queue.told.insert(job.id, job.clone());
            core.bus.send(AppEvent::Job(Box::new(job)));
        }
    }
    if queue.told_metrics != view.metrics {
        queue.told_metrics = view.metrics.clone();
        core.bus.send(AppEvent::Queue(view.metrics));
    }
}

fn differs(told: &JobView, job: &JobView, now: Timestamp) -> bool {
    let moved = |told: Option<Timestamp>, is: Option<Timestamp>| match (told, is) {
        (Some(told), Some(is)) => is.since(told).abs() >= STEP.max(is.since(now) / 10),
        (told, is) => told != is,
    };
    let mut still = job.clone();
    still.progress = told.progress.clone();
    still.starts_at = told.starts_at;
    still.ends_at = told.ends_at;
    still != *told
        || job.progress.phase != told.progress.phase
        || moved(told.starts_at, job.starts_at)
        || moved(told.ends_at, job.ends_at)
}
