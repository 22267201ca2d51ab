//! One attempt at one job, from its slot to how it ended.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use corral_contract::{ErrorCode, WireError, name::ModelName, progress::Phase};
use futures_util::FutureExt;
use tokio::{
    sync::{mpsc, watch},
    time::MissedTickBehavior,
};
use tokio_util::sync::CancellationToken;

use super::{
    change,
    fetch::{Class, FetchFailure, FetchRequest, FetchSink, Fetched, LayerReport, Limits},
    job::Job,
    meter::Meter,
    way,
};
use crate::{
    Core,
    tasks::{Level, Task, TaskLog},
};

/// Between two looks of the task centre at the figures.
const TASK_EVERY: Duration = Duration::from_secs(1);

/// Phases that may wait to be told; a pull has five.
const PHASES: usize = 64;

/// What an attempt gets.
pub(super) struct Attempt {
    pub(super) job: Job,
    pub(super) meter: Arc<Meter>,
    pub(super) task: Task,
    pub(super) limits: watch::Receiver<Limits>,
    /// Cancelled to make it let go.
    pub(super) stop: CancellationToken,
}

/// How an attempt ended. It no longer holds on to anything.
pub(super) struct Ended {
    pub(super) job: Job,
    pub(super) task: Task,
    pub(super) end: Result<Fetched, FetchFailure>,
}

/// Tries it once. Ends soon after `stop` is cancelled.
pub(super) async fn run(core: Core, attempt: Attempt) -> Ended {
    let Attempt { job, meter, task, limits, stop } = attempt;
    let end =
        AssertUnwindSafe(follow(&core, &job, &meter, &task, limits, stop)).catch_unwind().await;
    let end = end.unwrap_or_else(|_| {
        // Its text and backtrace are in the log of the application.
        let error = WireError::new(ErrorCode::Internal).detail("the attempt panicked");
        Err(FetchFailure::new(Class::Retry, error))
    });
    Ended { job, task, end }
}

async fn follow(
    core: &Core,
    job: &Job,
    meter: &Arc<Meter>,
    task: &Task,
    limits: watch::Receiver<Limits>,
    stop: CancellationToken,
) -> Result<Fetched, FetchFailure> {
    let (phases, mut heard) = mpsc::channel(PHASES);
    let sink = Sink { meter: meter.clone(), log: task.log(), phases, core: core.clone() };
    task.phase(Phase::Manifest.as_str());
    let fetching = fetch(core, job, &sink, limits, stop);
    tokio::pin!(fetching);
    let mut look = tokio::time::interval(TASK_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let wanted_away = task.token();
    let mut asked = false;
    let mut last = Phase::Manifest;
    loop {
        tokio::select! {
            biased;
            Some(now) = heard.recv() => {
                if now != last {
                    task.phase(now.as_str());
                    change::phase(core, job.id, last, now).await;
                    last = now;
                }
            }
            ended = &mut fetching => {
                // What it said with its last breath belongs into the log as well.
                while let Ok(now) = heard.try_recv() {
                    task.phase(now.as_str());
                }
                return ended;
            }
            _ = look.tick() => task.progress(meter.view()),
            () = wanted_away.cancelled(), if !asked => {
                asked = true;
                cancel_by_task(core, job).await;
            }
        }
    }
}

/// The task was cancelled in the task centre, or Corral ends, which is not a reason to cancel.
async fn cancel_by_task(core: &Core, job: &Job) {
    if core.supervisor.token().is_cancelled() {
        return;
    }
    let mut queue = core.downloads.queue.lock().await;
    if let Err(error) = change::cancel(core, &mut queue, job.id).await {
        tracing::warn!(job = job.id.0, %error, "download not cancelled");
    }
    change::after(core, &mut queue);
}

async fn fetch(
    core: &Core,
    job: &Job,
    sink: &Sink,
    limits: watch::Receiver<Limits>,
    stop: CancellationToken,
) -> Result<Fetched, FetchFailure> {
    let permanent = |error| FetchFailure::new(Class::Permanent, error);
    let name = ModelName::parse(&job.name)
        .map_err(|error| permanent(WireError::field("name", error.as_str())))?;
    let request = FetchRequest {
        job: job.id,
        instance: job.instance,
        insecure: job.options.insecure || core.registries.is_plain(&name.host),
        name,
        known: sink.meter.view().layers.into_iter().map(|layer| layer.digest).collect(),
    };
    let fetch = way::choose(core, job.instance).await.map_err(permanent)?;
    let plan = tokio::select! {
        () = stop.cancelled() => return Err(FetchFailure::stopped()),
        plan = fetch.prepare(request) => plan?,
    };
    sink.meter.plan(&plan);
    sink.meter.set_by_server(plan.manifest.is_none());
    fetch.fetch(&plan, sink, limits, stop).await
}

/// Passes on what a fetch says.
struct Sink {
    meter: Arc<Meter>,
    log: Arc<TaskLog>,
    phases: mpsc::Sender<Phase>,
    core: Core,
}

impl FetchSink for Sink {
    fn phase(&self, phase: Phase) {
        self.meter.set_phase(phase);
        // Full only when nobody could look for a long time; the figures carry the phase as well.
        let _ = self.phases.try_send(phase);
    }

    fn layer(&self, report: LayerReport<'_>) {
        self.meter.report(report);
    }

    fn note(&self, text: &str) {
        self.log.line(self.core.now(), Level::Info, text);
    }
}
