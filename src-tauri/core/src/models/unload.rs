//! Taking a model out of memory.

use corral_contract::{
    ErrorCode, WireError,
    models::{Memory, ModelRef, OpRef, call},
    status::{Cause, Run},
};

use super::{
    change::{Change, edit, set_run},
    load::{LOOK_EVERY, embedding},
    operation::{self, Notify, Work},
    poll,
    store::StoredModel,
};
use crate::{Core, Result, instances, router::Handle, tasks::Task};

impl Handle<call::Close> for Core {
    async fn handle(&self, ModelRef { id }: ModelRef) -> Result<OpRef> {
        let closing = operation::begin(self, id, Work::Close, Notify::Failure).await?;
        Ok(OpRef { task: closing.task() })
    }
}

/// The operation behind `models.close`.
pub(super) async fn close(core: &Core, model: &StoredModel, task: &Task) -> Result<()> {
    edit(core, model.id, Change::by(Cause::User), |row| row.run = Run::Stopping).await?;
    let outcome = unload(core, model, task).await;
    match outcome {
        Ok(()) => set_run(core, model.id, Run::Stopped, Change::by(Cause::User)).await,
        Err(Stuck { problem, still }) => {
            let reachable = still.is_some();
            edit(core, model.id, Change::by(Cause::User).problem(problem.clone()), |row| {
                row.run = if reachable { Run::Running } else { Run::Unknown };
                row.memory = still;
            })
            .await?;
            Err(problem)
        }
    }
}

/// Why a model is not out of memory.
pub(super) struct Stuck {
    pub(super) problem: WireError,
    /// What it still takes; `None` = the server could not be asked.
    still: Option<Memory>,
}

impl From<WireError> for Stuck {
    fn from(problem: WireError) -> Self {
        Stuck { problem, still: None }
    }
}

/// Asks to unload and waits until the server no longer lists the model: requests that run end
/// first, for at most [`crate::CoreConfig::unload_grace`]. A model the server does not know is
/// out of memory too.
pub(super) async fn unload(
    core: &Core,
    model: &StoredModel,
    task: &Task,
) -> std::result::Result<(), Stuck> {
    let client = instances::client(core, model.instance)?;
    task.phase("unloading");
    match client.unload(&model.name, embedding(model)).await {
        Err(error) if error.code == ErrorCode::NotFound => return Ok(()),
        other => other.inspect_err(|error| suspect(core, model, error))?,
    }
    task.phase("confirming");
    let grace = core.config.unload_grace;
    let began = tokio::time::Instant::now();
    loop {
        let loaded = client.ps().await.inspect_err(|error| suspect(core, model, error))?;
        let Some(entry) = poll::entry_of(&loaded, &model.key, model.digest.as_deref()) else {
            return Ok(());
        };
        if began.elapsed() >= grace {
            let problem = WireError::new(ErrorCode::UnloadStuck)
                .with("name", &model.name)
                .with("seconds", grace.as_secs());
            return Err(Stuck { problem, still: Some(poll::memory_of(entry)) });
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn suspect(core: &Core, model: &StoredModel, error: &WireError) {
    if super::load::unreachable(error.code) {
        instances::suspect(core, model.instance);
    }
}
