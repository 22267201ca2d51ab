//! The worker: starts whose turn it is, takes in how attempts end, tells how far they are.

use std::time::Duration;

use corral_contract::{
    InstanceId, JobId,
    downloads::JobState,
    event::AppEvent,
    progress::{Phase, WaitReason},
    status::Cause,
    tasks::TaskKind,
};
use tokio::{
    sync::broadcast,
    task::JoinSet,
    time::{Instant, Interval, MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use super::{
    attempt::{self, Attempt, Ended},
    change::{self, after, ready_now, shift},
    conditions, hours, limits,
    queue::{Places, Queue},
    settle::settle,
    store, view,
};
use crate::{
    Core, Result, instances, resources,
    signal::Signal,
    tasks::{self, NewTask, Task},
};

/// The name under which windows see how it is.
const NAME: &str = "downloads";
/// Live figures. A hair above a quarter of a second, so that no second sees five of them.
const BEAT: Duration = Duration::from_millis(260);
/// Beats between two looks at estimates and figures of the whole queue.
const BEATS_PER_VIEW: u32 = 4;
/// Beats between two times that figures are stored: just under two seconds.
const BEATS_PER_SAVE: u32 = 7;
/// Before something that the database refused is tried again.
const AGAIN: Duration = Duration::from_secs(1);
/// A look at everything, should a signal have been missed.
const ANYWAY: Duration = Duration::from_secs(30);

/// Starts the worker that runs the queue.
pub(super) fn start(core: &Core) {
    let core_of_worker = core.clone();
    core.supervisor.spawn(NAME, move |token| {
        let core = core_of_worker.clone();
        async move { Worker::new(core).run(token).await }
    });
}

struct Worker {
    core: Core,
    attempts: JoinSet<Ended>,
    /// Ends that the database refused.
    unsettled: Vec<Ended>,
    signals: broadcast::Receiver<Signal>,
    beat: Interval,
    beats: u32,
}

impl Worker {
    fn new(core: Core) -> Worker {
        let mut beat = interval(BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let signals = core.signals.listen();
        Worker { core, attempts: JoinSet::new(), unsettled: Vec::new(), signals, beat, beats: 0 }
    }

    async fn run(mut self, token: CancellationToken) -> Result<()> {
        take_back(&self.core).await?;
        conditions::refresh(&self.core).await;
        limits::apply(&self.core, &*self.core.downloads.queue.lock().await);
        let core = self.core.clone();
        let mut due = self.look().await;
        loop {
            tokio::select! {
                () = token.cancelled() => break,
                () = core.downloads.wake.notified() => due = self.look().await,
                Some(ended) = self.attempts.join_next() => {
                    // An attempt catches its own panics; what is left is an abort, and nobody does.
                    if let Ok(ended) = ended {
                        self.settle(ended).await;
                    }
                    due = self.look().await;
                }
                signal = self.signals.recv() => {
                    self.hear(signal).await;
                    due = self.look().await;
                }
                () = tokio::time::sleep_until(due) => {
                    for ended in std::mem::take(&mut self.unsettled) {
                        self.settle(ended).await;
                    }
                    due = self.look().await;
                }
                _ = self.beat.tick(), if !self.attempts.is_empty() => self.beat().await,
            }
        }
        // Every attempt was told with this worker; it lets go within moments.
        for entry in self.core.downloads.queue.lock().await.entries.values() {
            if let Some(run) = &entry.run {
                run.cancel();
            }
        }
        while let Some(ended) = self.attempts.join_next().await {
            if let Ok(ended) = ended {
                self.settle(ended).await;
            }
        }
        Ok(())
    }

    async fn settle(&mut self, ended: Ended) {
        match settle(&self.core, ended).await {
            Ok(()) => {
                self.core.supervisor.well(NAME);
                hours::keep(&self.core, &mut *self.core.downloads.queue.lock().await).await;
            }
            Err((ended, error)) => {
                tracing::warn!(job = ended.job.id.0, %error, "end of an attempt not stored yet");
                self.core.supervisor.degraded(NAME, error);
                self.unsettled.push(ended);
            }
        }
    }

    /// Starts whose turn it is; answers when to look again.
    async fn look(&mut self) -> Instant {
        let core = self.core.clone();
        let mut queue = core.downloads.queue.lock().await;
        cancelled_tasks(&core, &mut queue).await;
        let until = limits::apply(&core, &queue);
        let settings = core.settings();
        let places =
            Places { per_instance: settings.parallel_downloads, in_all: settings.parallel_in_all };
        let hold = core.downloads.hold.now();
        let turn =
            queue.turn(places, Instant::now(), hold.as_ref(), |id| instances::online(&core, id));
        let changed = turn.changes();
        let mut refused = None;
        for (id, reason) in turn.stop {
            refused = refused.or(change::hold_up(&core, &mut queue, id, reason).await.err());
        }
        let mut held = Vec::new();
        for id in turn.start {
            let entry = queue.entries.get(&id);
            let lacks = entry.and_then(|it| resources::disk_lacks(&core, it.job.instance));
            if let Some(missing) = lacks {
                let reason = WaitReason::Disk { missing };
                if entry.is_some_and(|it| it.job.wait.as_ref() != Some(&reason)) {
                    held.push((id, reason));
                }
                continue;
            }
            refused = refused.or(self.begin(&mut queue, id).await.err());
        }
        let waits = turn.mark.into_iter().chain(held).map(|(id, wait)| (id, Some(wait)));
        for (id, wait) in waits.chain(turn.clear.into_iter().map(|id| (id, None))) {
            refused = refused.or(wait_for(&core, &mut queue, id, wait).await.err());
        }
        if changed {
            view::announce(&core, &mut queue);
        }
        let held = queue.entries.values().any(|entry| entry.task.is_some());
        drop(queue);
        let now = Instant::now();
        let mut due = turn.next.unwrap_or(now + ANYWAY).min(now + ANYWAY);
        due = until.map_or(due, |until| due.min(now + until));
        if let Some(error) = refused {
            self.core.supervisor.degraded(NAME, error);
            due = due.min(now + AGAIN);
        }
        if held || !self.unsettled.is_empty() {
            due = due.min(now + AGAIN);
        }
        due
    }

    /// Starts one attempt.
    async fn begin(&mut self, queue: &mut Queue, id: JobId) -> Result<()> {
        let core = &self.core;
        let Some(entry) = queue.entries.get_mut(&id) else { return Ok(()) };
        let task = match entry.task.take() {
            Some(task) => task,
            None => open_task(core, &entry.job, id).await?,
        };
        let task_id = task.id();
        entry.meter.begin();
        entry.meter.set_phase(Phase::Manifest);
        entry.came_to = entry.meter.done();
        let waited = entry.waits_since.take();
        let now = core.now();
        let shifted = shift(core, queue, id, Cause::Scheduler, |job| {
            job.state = JobState::Running;
            job.wait = None;
            job.problem = None;
            job.retry_at = None;
            job.task = Some(task_id);
            job.started_at = job.started_at.or(Some(now));
        })
        .await;
        let Some(entry) = queue.entries.get_mut(&id) else { return Ok(()) };
        if !matches!(shifted, Ok(true)) {
            entry.task = Some(task);
            entry.rest();
            return shifted.map(|_| ());
        }
        let stop = CancellationToken::new();
        entry.run = Some(stop.clone());
        entry.not_before = None;
        entry.limit(&core.settings());
        let limits = entry.limits.subscribe();
        let attempt =
            Attempt { job: entry.job.clone(), meter: entry.meter.clone(), task, limits, stop };
        attempt.task.note(format!("try {} of {}", attempt.job.attempts + 1, attempt.job.name));
        if let Some(since) = waited {
            queue.waited(since.elapsed().as_millis().try_into().unwrap_or(u64::MAX));
        }
        queue.hour.started(waited.map(|since| since.elapsed()));
        self.attempts.spawn(attempt::run(self.core.clone(), attempt));
        Ok(())
    }

    async fn hear(&self, signal: std::result::Result<Signal, broadcast::error::RecvError>) {
        let mut queue = self.core.downloads.queue.lock().await;
        match signal {
            Ok(Signal::InstanceUp(instance)) => back(&mut queue, instance),
            Ok(Signal::InstanceRemoved(instance)) => {
                let gone: Vec<JobId> = of_instance(&queue, instance);
                for id in gone {
                    change::remove(&self.core, &mut queue, id).await;
                }
                after(&self.core, &mut queue);
            }
            Ok(Signal::SettingsChanged) => {
                limits::apply(&self.core, &queue);
                view::announce(&self.core, &mut queue);
            }
            // After a lag the look that follows sees what matters.
            _ => {}
        }
    }

    async fn beat(&mut self) {
        self.beats = self.beats.wrapping_add(1);
        let core = &self.core;
        let mut queue = core.downloads.queue.lock().await;
        let now = Instant::now();
        let mut figures = Vec::new();
        let (mut moved, mut speeds) = (0, Vec::new());
        for entry in queue.entries.values().filter(|entry| entry.run.is_some()) {
            moved += entry.meter.take_moved();
            if let Some(progress) = entry.meter.untold() {
                speeds.extend(progress.speed.filter(|speed| *speed > 0));
                figures.push(progress);
            }
        }
        queue.traffic.add(now, moved);
        let open = queue.entries.values().filter(|entry| entry.job.is_open()).count();
        queue.hour.moved(moved, open);
        if !speeds.is_empty() {
            queue.usual_speed = Some(speeds.iter().sum::<u64>() / speeds.len() as u64);
        }
        if !figures.is_empty() {
            core.bus.send(AppEvent::Progress(figures));
        }
        if self.beats.is_multiple_of(BEATS_PER_SAVE) {
            save(core, &queue).await;
            hours::keep(core, &mut queue).await;
        }
        if self.beats.is_multiple_of(BEATS_PER_VIEW) {
            view::announce(core, &mut queue);
        }
    }
}

/// Jobs whose attempts died with an earlier worker go back into the queue.
async fn take_back(core: &Core) -> Result<()> {
    let mut queue = core.downloads.queue.lock().await;
    let ids: Vec<JobId> = queue
        .entries
        .values()
        .filter(|entry| entry.job.state == JobState::Running || entry.run.is_some())
        .map(|entry| entry.job.id)
        .collect();
    for id in ids {
        let Some(entry) = queue.entries.get_mut(&id) else { continue };
        entry.run = None;
        if entry.job.state == JobState::Running {
            shift(core, &mut queue, id, Cause::Scheduler, |job| job.state = JobState::Queued)
                .await?;
        }
    }
    view::announce(core, &mut queue);
    Ok(())
}

async fn open_task(core: &Core, job: &super::job::Job, id: JobId) -> Result<Task> {
    let task = tasks::begin(
        core,
        NewTask {
            kind: TaskKind::Pull,
            instance: Some(job.instance),
            model: Some(job.model),
            target: job.name.clone(),
            can_cancel: true,
        },
    )
    .await?;
    if job.task.is_some() {
        task.note(format!("job {id} is taken up again, its last log is that of another task"));
    }
    Ok(task)
}

async fn wait_for(
    core: &Core,
    queue: &mut Queue,
    id: JobId,
    wait: Option<WaitReason>,
) -> Result<()> {
    shift(core, queue, id, Cause::Instance, |job| {
        job.wait = wait;
        job.retry_at = None;
    })
    .await
    .map(|_| ())
}

/// Tasks that rest with their job and were cancelled in the task centre.
async fn cancelled_tasks(core: &Core, queue: &mut Queue) {
    if core.supervisor.token().is_cancelled() {
        return;
    }
    let cancelled: Vec<JobId> = queue
        .entries
        .values()
        .filter(|entry| entry.task.as_ref().is_some_and(|task| task.token().is_cancelled()))
        .map(|entry| entry.job.id)
        .collect();
    for id in cancelled {
        if let Err(error) = change::cancel(core, queue, id).await {
            tracing::warn!(job = id.0, %error, "download not cancelled");
        }
        view::announce(core, queue);
    }
}

/// The instance answers again: whatever it was that its jobs waited for, now is the time.
fn back(queue: &mut Queue, instance: InstanceId) {
    for id in of_instance(queue, instance) {
        let waits = queue
            .entries
            .get(&id)
            .is_some_and(|entry| entry.job.state == JobState::Queued && entry.job.wait.is_some());
        if waits {
            ready_now(queue, id);
        }
    }
}

fn of_instance(queue: &Queue, instance: InstanceId) -> Vec<JobId> {
    let mine = queue.entries.values().filter(|entry| entry.job.instance == instance);
    mine.map(|entry| entry.job.id).collect()
}

/// Stores the figures that changed.
async fn save(core: &Core, queue: &Queue) {
    let mut kept = Vec::new();
    for entry in queue.entries.values().filter(|entry| entry.run.is_some()) {
        if let Some(figures) = entry.meter.unsaved() {
            kept.push((entry.job.id, entry.meter.phase(), figures));
        }
    }
    match store::keep(&core.db, &kept).await {
        Ok(()) => core.supervisor.well(NAME),
        Err(error) => {
            tracing::warn!(%error, "progress of downloads not stored");
            for (id, _, _) in kept {
                if let Some(entry) = queue.entries.get(&id) {
                    entry.meter.save_again();
                }
            }
            core.supervisor.degraded(NAME, error);
        }
    }
}
