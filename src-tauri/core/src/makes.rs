//! Making models: from a Modelfile and from files of this machine.
//!
//! Nothing is written anywhere before everything that is named was looked at: whether the files
//! are whole, whether there is room, whether the name is free. The server makes the model; Corral
//! brings it the files, by a second name for the same bytes where the store is ours to write.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use corral_contract::{
    ErrorCode, InstanceId, TaskId, WireError,
    command::Nothing,
    makes::{FileRef, FoundFiles, FoundPlaces, MakeCheck, MakeModel, ModelfileText, NewName, call},
    models::OpRef,
    tasks::TaskKind,
};

use crate::{
    Core, Result, instances, models,
    router::Handle,
    tasks::{self, NewTask},
};

mod blobs;
mod body;
mod chain;
mod files;
mod folder;
mod places;
mod plan;
mod run;
mod store;

pub(crate) use store::{forget, order, recover, take};

/// A name on an instance.
type Target = (InstanceId, String);

/// Owned by the core.
#[derive(Default)]
pub(crate) struct State {
    /// Names that are being made, with their tasks.
    running: Mutex<HashMap<Target, TaskId>>,
}

/// Keeps a name for one task. Dropping it frees the name.
struct Turn {
    core: Core,
    target: Target,
}

impl Turn {
    /// # Errors
    /// `BUSY` naming the task that makes this name.
    fn take(core: &Core, target: Target, task: TaskId) -> Result<Turn> {
        let mut running = core.makes.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(other) = running.get(&target) {
            return Err(busy(*other));
        }
        running.insert(target.clone(), task);
        drop(running);
        Ok(Turn { core: core.clone(), target })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut running = self.core.makes.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.remove(&self.target);
    }
}

fn busy(task: TaskId) -> WireError {
    let busy = WireError::new(ErrorCode::Busy);
    busy.with("operation", TaskKind::Make.as_str()).with("task", task)
}

impl Handle<call::Read> for Core {
    async fn handle(&self, FileRef { path }: FileRef) -> Result<ModelfileText> {
        blocking(move || files::read_modelfile(&path)).await
    }
}

impl Handle<call::Look> for Core {
    async fn handle(&self, FileRef { path }: FileRef) -> Result<FoundFiles> {
        blocking(move || folder::look(&path)).await
    }
}

impl Handle<call::Places> for Core {
    async fn handle(&self, _: Nothing) -> Result<FoundPlaces> {
        let machine = self.config.machine.clone();
        blocking(move || Ok(places::find(&*machine))).await
    }
}

impl Handle<call::Check> for Core {
    async fn handle(&self, request: MakeModel) -> Result<MakeCheck> {
        plan::check(self, &request).await
    }
}

impl Handle<call::Create> for Core {
    async fn handle(&self, request: MakeModel) -> Result<OpRef> {
        let plan = plan::plan(self, &request).await?;
        if let Some(refusal) = plan.refusal(self, request.overwrite) {
            return Err(refusal);
        }
        let instance = request.instance;
        let target = (instance, plan.name.key());
        let now = {
            let running = self.makes.running.lock().unwrap_or_else(PoisonError::into_inner);
            running.get(&target).copied()
        };
        if let Some(task) = now {
            return Err(busy(task));
        }
        let new = NewTask {
            kind: TaskKind::Make,
            instance: Some(instance),
            model: plan.replaces.as_ref().map(|model| model.id),
            target: plan.name.display(),
            can_cancel: true,
        };
        let task = tasks::begin(self, new).await?;
        let id = task.id();
        let turn = match Turn::take(self, target, id) {
            Ok(turn) => turn,
            Err(error) => {
                task.finish(&Err(error.clone())).await;
                return Err(error);
            }
        };
        let core = self.clone();
        self.supervisor.run("make", async move {
            let done = run::make(&core, instance, &plan, request.overwrite, &task).await;
            drop(turn);
            task.finish(&done).await;
            instances::publish(&core, instance).await;
        });
        Ok(OpRef { task: id })
    }
}

impl Handle<call::Copy> for Core {
    async fn handle(&self, request: NewName) -> Result<OpRef> {
        models::copy(self, request).await
    }
}

impl Handle<call::Rename> for Core {
    async fn handle(&self, request: NewName) -> Result<OpRef> {
        models::rename(self, request).await
    }
}

/// Work on files, away from the threads that answer.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| WireError::new(ErrorCode::Internal).detail(error.to_string()))?
}

#[cfg(test)]
#[path = "makes/files_test.rs"]
mod tests;
