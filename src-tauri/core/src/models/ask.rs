//! Asking a model something, as an operation on it.

use corral_contract::{
    models::OpRef,
    running::AskModel,
    status::{Cause, Run},
};

use super::{
    change::{Change, edit},
    load::embedding,
    operation::{self, Notify, Work},
    poll,
    store::StoredModel,
};
use crate::{Core, Result, instances, running, tasks::Task};

/// Begins to ask; a second question while one is answered gets the first one's task.
///
/// # Errors
/// As an operation.
pub(crate) async fn ask(core: &Core, request: AskModel) -> Result<OpRef> {
    let asking = operation::begin(core, request.model, Work::Ask(request), Notify::Nobody).await?;
    Ok(OpRef { task: asking.task() })
}

/// The operation. The model stays in memory as long as the server keeps it, and counts as loaded
/// by the user.
pub(super) async fn perform(
    core: &Core,
    model: &StoredModel,
    task: &Task,
    request: &AskModel,
) -> Result<()> {
    let client = instances::client(core, model.instance)?;
    let kind = embedding(model);
    let options = running::options_of(core, model).await?;
    let asking = running::Asking { name: &model.name, kind, options };
    let done = running::ask(core, client.as_ref(), &asking, request, task).await;
    if let Err(error) = &done
        && super::load::unreachable(error.code)
    {
        instances::suspect(core, model.instance);
        return done;
    }
    if model.run != Run::Running
        && let Ok(loaded) = client.ps().await
        && let Some(entry) = poll::entry_of(&loaded, &model.key, model.digest.as_deref())
    {
        let memory = poll::memory_of(entry);
        edit(core, model.id, Change::by(Cause::User), |row| {
            row.run = Run::Running;
            row.memory = Some(memory);
        })
        .await?;
    }
    done
}
