//! Comparing what Corral knows with what a server has.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use corral_contract::{
    ErrorCode, InstanceId, WireError,
    event::AppEvent,
    instances::InstanceRef,
    sync::{
        CompareReports, Comparison, Stopped, SyncHistory, SyncHistoryRequest, SyncProgress,
        SyncReport, SyncReportRef, Trigger, call,
    },
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{Core, Result, fleet, router::Handle};

mod apply;
mod compare;
mod diff;
mod fields;
mod keep;
mod plan;
mod run;
mod schedule;
mod store;
mod times;

pub(crate) use schedule::next;
pub(crate) use store::look_again;

/// Owned by the core.
#[derive(Default)]
pub(crate) struct State {
    running: Mutex<HashMap<InstanceId, Running>>,
    /// Failures in a row.
    failures: Mutex<HashMap<InstanceId, u32>>,
    /// Where the schedule of each instance stands.
    standing: Mutex<HashMap<InstanceId, schedule::Standing>>,
}

struct Running {
    progress: SyncProgress,
    token: CancellationToken,
    ended: watch::Receiver<Option<Result<SyncReport>>>,
}

/// How a sync was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Order {
    trigger: Trigger,
    /// The user agreed that an empty list is true.
    empty_is_true: bool,
    /// Leaves a report only if something changed or went wrong.
    quiet: bool,
}

impl Order {
    fn by(trigger: Trigger) -> Self {
        Order { trigger, empty_is_true: false, quiet: false }
    }
}

impl State {
    fn running(&self) -> MutexGuard<'_, HashMap<InstanceId, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Starts the schedules, and what forgets old reports.
pub(crate) fn start(core: &Core) {
    fleet::keep(core, "sync", schedule::schedule);
    keep::start(core);
}

/// Syncs that run now.
pub(crate) fn running(core: &Core) -> Vec<SyncProgress> {
    core.sync.running().values().map(|running| running.progress).collect()
}

/// Looks in the background whether the list of an instance changed.
pub(crate) fn look(core: &Core, instance: InstanceId) {
    let order = Order { quiet: true, ..Order::by(Trigger::Interval) };
    // Nobody waits for it: its report and events tell what it found.
    drop(begin(core, instance, order));
}

/// Syncs after something was done, once one that runs already has ended: that one may have asked
/// for the list before.
///
/// # Errors
/// What made it impossible.
pub(crate) async fn renew(core: &Core, instance: InstanceId) -> Result<()> {
    let running = core.sync.running().get(&instance).map(|running| running.ended.clone());
    if let Some(mut running) = running {
        let _ = running.wait_for(Option::is_some).await;
    }
    let order = Order { quiet: true, ..Order::by(Trigger::Operation) };
    sync(core, instance, order).await.map(|_| ())
}

/// Begins a sync, or joins the one that runs for this instance.
fn begin(
    core: &Core,
    instance: InstanceId,
    order: Order,
) -> watch::Receiver<Option<Result<SyncReport>>> {
    let mut table = core.sync.running();
    if let Some(running) = table.get(&instance) {
        return running.ended.clone();
    }
    let (result, ended) = watch::channel(None);
    let token = core.supervisor.token().child_token();
    let progress = SyncProgress { instance, running: true, done: 0, total: 0 };
    table.insert(instance, Running { progress, token: token.clone(), ended: ended.clone() });
    drop(table);
    let core = core.clone();
    core.clone().supervisor.run("sync", async move {
        // The entry goes however the work ends, so that the next sync is never refused.
        let entry = Entry { core: core.clone(), instance };
        let done = run::run(&core, instance, order, &token).await;
        drop(entry);
        // Nobody may be waiting.
        let _ = result.send(Some(done));
    });
    ended
}

struct Entry {
    core: Core,
    instance: InstanceId,
}

impl Drop for Entry {
    fn drop(&mut self) {
        let gone = self.core.sync.running().remove(&self.instance);
        if let Some(gone) = gone {
            let progress = SyncProgress { running: false, ..gone.progress };
            self.core.bus.send(AppEvent::Sync(progress));
        }
    }
}

/// Tells how far a sync is.
fn progress(core: &Core, instance: InstanceId, done: usize, total: usize) {
    let progress = {
        let mut table = core.sync.running();
        let Some(running) = table.get_mut(&instance) else { return };
        running.progress.done = done as u32;
        running.progress.total = total as u32;
        running.progress
    };
    core.bus.send(AppEvent::Sync(progress));
}

/// Syncs now and waits for the report.
async fn sync(core: &Core, instance: InstanceId, order: Order) -> Result<SyncReport> {
    let mut ended = begin(core, instance, order);
    match ended.wait_for(Option::is_some).await {
        Ok(done) => done.clone().unwrap_or_else(|| Err(WireError::new(ErrorCode::Internal))),
        Err(_) => Err(WireError::new(ErrorCode::ShuttingDown)),
    }
}

impl Handle<call::Run> for Core {
    async fn handle(&self, InstanceRef { id }: InstanceRef) -> Result<SyncReport> {
        sync(self, id, Order::by(Trigger::User)).await
    }
}

impl Handle<call::Cancel> for Core {
    async fn handle(&self, InstanceRef { id }: InstanceRef) -> Result<Stopped> {
        let token = self.sync.running().get(&id).map(|running| running.token.clone());
        if let Some(token) = &token {
            token.cancel();
        }
        Ok(Stopped { stopped: token.is_some() })
    }
}

impl Handle<call::ConfirmEmpty> for Core {
    async fn handle(&self, InstanceRef { id }: InstanceRef) -> Result<SyncReport> {
        // One that runs already was not told that the user agrees.
        let running = self.sync.running().get(&id).map(|running| running.ended.clone());
        if let Some(mut running) = running {
            let _ = running.wait_for(Option::is_some).await;
        }
        sync(self, id, Order { empty_is_true: true, ..Order::by(Trigger::User) }).await
    }
}

impl Handle<call::History> for Core {
    async fn handle(&self, request: SyncHistoryRequest) -> Result<SyncHistory> {
        store::reports::history(self, &request).await
    }
}

impl Handle<call::Report> for Core {
    async fn handle(&self, SyncReportRef { id }: SyncReportRef) -> Result<SyncReport> {
        store::reports::past(self, id).await
    }
}

impl Handle<call::Compare> for Core {
    async fn handle(&self, request: CompareReports) -> Result<Comparison> {
        compare::compare(self, request).await
    }
}
