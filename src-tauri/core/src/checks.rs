//! Whether files are what they should be: every layer of a model, a file that is to be imported;
//! and what lies in a store that belongs to nobody.
//!
//! Reading alone is enough for a check. One thread reads, and one check runs at a time per store,
//! because two would only take each other's disk away. What a check found is kept with the model
//! and holds for the manifest that it was checked against.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use corral_contract::{
    ErrorCode, InstanceId, ModelId, TaskId, WireError,
    checks::{DamagedList, call},
    instances::InstanceRef,
    models::{ModelRef, OpRef},
    tasks::TaskKind,
};

use crate::{
    Core, Result, instances, models,
    router::Handle,
    tasks::{self, NewTask, Task},
};

mod after;
mod blobs;
mod file;
mod leftovers;
mod run;
mod store;
mod sums;

pub(crate) use after::start;
pub(crate) use blobs::damage_of_structure;
pub(crate) use file::open as open_file;
pub(crate) use leftovers::{All as Leftovers, Found, OWN_STAGING, find_in as leftovers_in};
pub(crate) use run::{Target, figures, inspect};
pub(crate) use store::{keep, keep_smoke, names_of_layers, of_model};

/// How often one that waits for its turn looks again, should it have missed the end.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Owned by the core.
#[derive(Default)]
pub(crate) struct State {
    /// The task that reads a store now.
    running: Mutex<HashMap<PathBuf, TaskId>>,
    /// Wakes those who wait for their turn.
    ended: tokio::sync::Notify,
}

/// Keeps a store for one check. Dropping it lets the next one begin.
struct Turn {
    core: Core,
    store: PathBuf,
}

impl Turn {
    /// # Errors
    /// `BUSY` naming the task that has the turn.
    fn take(core: &Core, store: PathBuf, task: TaskId) -> Result<Turn> {
        let mut running = core.checks.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(other) = running.get(&store) {
            let busy = WireError::new(ErrorCode::Busy);
            return Err(busy.with("operation", TaskKind::Check.as_str()).with("task", other));
        }
        running.insert(store.clone(), task);
        drop(running);
        Ok(Turn { core: core.clone(), store })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut running = self.core.checks.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.remove(&self.store);
        drop(running);
        self.core.checks.ended.notify_waiters();
    }
}

/// The models folder of an instance, where it can be read from here.
///
/// # Errors
/// `NOT_FOUND`, `STORE_ELSEWHERE`.
pub(crate) async fn store_of(core: &Core, instance: InstanceId) -> Result<PathBuf> {
    let path = instances::store_now(core, instance).await?.path.map(PathBuf::from);
    let there =
        tokio::task::spawn_blocking(move || path.filter(|path| path.join("blobs").is_dir()));
    there
        .await
        .ok()
        .flatten()
        .ok_or_else(|| WireError::new(ErrorCode::StoreElsewhere).with("instance", instance))
}

impl Handle<call::Model> for Core {
    async fn handle(&self, ModelRef { id }: ModelRef) -> Result<OpRef> {
        let model = models::get(self, id).await?;
        let what = Scope::Model(id, model.key.clone());
        begin(self, model.instance, what, model.name.clone()).await
    }
}

impl Handle<call::Store> for Core {
    async fn handle(&self, InstanceRef { id }: InstanceRef) -> Result<OpRef> {
        let name = instances::view(self, id).await?.name;
        begin(self, id, Scope::Store, name).await
    }
}

impl Handle<call::Damaged> for Core {
    async fn handle(&self, InstanceRef { id }: InstanceRef) -> Result<DamagedList> {
        instances::view(self, id).await?;
        store::damaged(self, id).await
    }
}

/// Reads every layer of a model inside a task of another domain, after whoever reads the store now.
///
/// # Errors
/// As a check of one model.
pub(crate) async fn verify(
    core: &Core,
    instance: InstanceId,
    key: &str,
    task: &Task,
) -> Result<()> {
    let store = store_of(core, instance).await?;
    task.phase("waiting");
    let token = task.token();
    let turn = loop {
        let ended = core.checks.ended.notified();
        match Turn::take(core, store.clone(), task.id()) {
            Ok(turn) => break turn,
            Err(_) => tokio::select! {
                () = token.cancelled() => return Err(WireError::new(ErrorCode::Cancelled)),
                () = ended => {}
                // The end may come between the two lines above.
                () = tokio::time::sleep(LOOK_AGAIN) => {}
            },
        }
    };
    let done = perform(core, instance, &store, Scope::Key(key.to_owned()), task).await;
    drop(turn);
    done
}

/// What is checked.
#[derive(Debug, Clone)]
enum Scope {
    Model(ModelId, String),
    /// A model whose task knows it.
    Key(String),
    Store,
}

async fn begin(core: &Core, instance: InstanceId, what: Scope, target: String) -> Result<OpRef> {
    let store = store_of(core, instance).await?;
    let model = match &what {
        Scope::Model(id, _) => Some(*id),
        Scope::Key(_) | Scope::Store => None,
    };
    // Looked at before there is a task, so that a refused check leaves none behind.
    if let Some(task) = busy(core, &store) {
        let busy = WireError::new(ErrorCode::Busy);
        return Err(busy.with("operation", TaskKind::Check.as_str()).with("task", task));
    }
    let new = NewTask {
        kind: TaskKind::Check,
        instance: Some(instance),
        model,
        target,
        can_cancel: true,
    };
    let task = tasks::begin(core, new).await?;
    let id = task.id();
    let turn = match Turn::take(core, store.clone(), id) {
        Ok(turn) => turn,
        Err(error) => {
            task.finish(&Err(error.clone())).await;
            return Err(error);
        }
    };
    let worker = core.clone();
    core.supervisor.run("check", async move {
        let done = perform(&worker, instance, &store, what, &task).await;
        drop(turn);
        task.finish(&done).await;
    });
    Ok(OpRef { task: id })
}

fn busy(core: &Core, store: &Path) -> Option<TaskId> {
    let running = core.checks.running.lock().unwrap_or_else(PoisonError::into_inner);
    running.get(store).copied()
}

async fn perform(
    core: &Core,
    instance: InstanceId,
    store: &Path,
    what: Scope,
    task: &Task,
) -> Result<()> {
    let damaged = match what {
        Scope::Model(_, key) | Scope::Key(key) => {
            run::check(core, instance, store, Some(&key), task).await?
        }
        Scope::Store => run::check(core, instance, store, None, task).await?,
    };
    if damaged == 0 { Ok(()) } else { Err(run::damaged(damaged)) }
}
