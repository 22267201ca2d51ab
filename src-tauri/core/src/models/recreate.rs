//! Stop, reset, fetch what changed, start again if it ran.

use std::time::Duration;

use corral_contract::{
    ErrorCode, WireError,
    downloads::Priority,
    models::{ModelRef, OpRef, call},
    name::ModelName,
    status::{Cause, Install, Run},
};

use super::{
    change::{Change, drop_if_nothing_left, edit},
    load,
    operation::{self, Notify, Work},
    store::{self, StoredModel},
    unload,
};
use crate::{
    Core, Result,
    downloads::{self, Enqueue, JobOptions},
    router::Handle,
    tasks::Task,
};

/// Between two looks at the row while its download runs.
const LOOK_EVERY: Duration = Duration::from_millis(250);

impl Handle<call::Recreate> for Core {
    async fn handle(&self, ModelRef { id }: ModelRef) -> Result<OpRef> {
        let recreating = operation::begin(self, id, Work::Recreate, Notify::Failure).await?;
        Ok(OpRef { task: recreating.task() })
    }
}

/// The operation behind `models.recreate`. Cancelling it takes the download out of the queue.
pub(super) async fn recreate(core: &Core, model: &StoredModel, task: &Task) -> Result<()> {
    let ran = model.run == Run::Running;
    if ran {
        unload::close(core, model, task).await?;
    }
    task.phase("preparing");
    edit(core, model.id, Change::by(Cause::User), |row| {
        row.run = Run::Stopped;
        row.memory = None;
        if row.on_server {
            row.install = Install::Ready;
        }
    })
    .await?;
    task.phase("fetching");
    let name = ModelName::parse(&model.name)
        .map_err(|reason| WireError::field("name", reason.as_str()))?;
    let wanted = Enqueue {
        instance: model.instance,
        name,
        priority: Priority::Normal,
        options: JobOptions::default(),
        cause: Cause::User,
    };
    let job = downloads::enqueue(core, wanted).await?;
    task.note(format!("download {} in the queue", job.job));
    fetched(core, model, task).await?;
    if ran {
        let fresh = store::get(core, model.id).await?;
        load::again(core, &fresh, task).await?;
    }
    Ok(())
}

/// Waits until the download is over, however it ends.
pub(super) async fn fetched(core: &Core, model: &StoredModel, task: &Task) -> Result<()> {
    let token = task.token();
    loop {
        let row = store::get(core, model.id).await?;
        match row.install {
            Install::Ready if downloads::live(core, model.id).is_none() => return Ok(()),
            Install::Failed | Install::Unavailable => {
                return Err(row
                    .problem
                    .unwrap_or_else(|| WireError::new(ErrorCode::DownloadInterrupted)));
            }
            _ => {}
        }
        tokio::select! {
            () = token.cancelled() => {
                if !core.supervisor.token().is_cancelled() {
                    downloads::forget(core, &[model.id]).await?;
                    drop_if_nothing_left(core, model.id).await?;
                }
                return Err(WireError::new(ErrorCode::Cancelled));
            }
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}
