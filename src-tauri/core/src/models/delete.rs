//! Deleting: hidden at once, done after the undo window, taken back until then.

use std::collections::HashSet;

use corral_contract::{
    ErrorCode, ModelId, WireError,
    event::AppEvent,
    models::{
        BatchItem, BatchOp, BatchRef, BatchView, DeleteModels, DeletePreview, ItemState, ModelRefs,
        UndoneDelete, call,
    },
    status::{Action, Cause, Run, Status},
};

use super::{
    batch,
    change::Change,
    operation, preview,
    publish::publish,
    store::{self, Step, StoredModel},
    unload,
};
use crate::{
    Core, Result, db::failed, disk, downloads, instances, router::Handle, sync, tasks::Task,
};

impl Handle<call::PreviewDelete> for Core {
    async fn handle(&self, ModelRefs { ids }: ModelRefs) -> Result<DeletePreview> {
        preview::preview(self, &ids).await
    }
}

impl Handle<call::Delete> for Core {
    async fn handle(&self, request: DeleteModels) -> Result<BatchRef> {
        let DeleteModels { ids, force, for_good, pinned_too } = request;
        delete(self, &ids, DeleteOptions { force, for_good, pinned_too }).await
    }
}

impl Handle<call::UndoDelete> for Core {
    async fn handle(&self, BatchRef { batch }: BatchRef) -> Result<UndoneDelete> {
        let now = self.now();
        let mut transaction = self.db.write().await?;
        if !batch::store::undo(&mut transaction, batch, now).await? {
            return Err(WireError::new(ErrorCode::WrongState).with("batch", batch));
        }
        let ids = store::show_again(&mut transaction, batch).await?;
        transaction.commit().await.map_err(failed)?;
        publish(self, &ids).await;
        batch::tell(self, batch).await;
        Ok(UndoneDelete { restored: ids.len() as u32 })
    }
}

/// How models are to be deleted.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct DeleteOptions {
    /// Remove the rows even if the server cannot be asked.
    pub(super) force: bool,
    /// Keep nothing in the trash.
    pub(super) for_good: bool,
    /// Pinned ones, too.
    pub(super) pinned_too: bool,
}

/// How one of them is deleted once its time has come.
#[derive(Debug, Clone)]
pub(super) struct How {
    pub(super) force: bool,
    pub(super) for_good: bool,
    /// What it was when it was chosen.
    pub(super) digest: Option<String>,
}

/// Hides the rows and opens the undo window. Rows whose state does not allow a delete are skipped
/// with the reason.
pub(super) async fn delete(
    core: &Core,
    ids: &[ModelId],
    options: DeleteOptions,
) -> Result<BatchRef> {
    let DeleteOptions { force, for_good, pinned_too } = options;
    if ids.is_empty() {
        return Err(WireError::field("ids", "empty"));
    }
    let now = core.now();
    let until = now.plus(i64::from(core.settings().undo_seconds) * 1000);
    let mut items = Vec::new();
    let mut digests = Vec::new();
    let mut hidden = Vec::new();
    let batch = {
        // Nothing may begin on a row between its check and its hiding.
        let _turn = core.models.deciding.lock().await;
        let mut transaction = core.db.write().await?;
        let mut rows = store::many::get(&mut transaction, ids).await?;
        let keep = if pinned_too {
            Vec::new()
        } else {
            store::keep::pinned_in(&mut transaction, ids).await?
        };
        let mut seen = HashSet::with_capacity(ids.len());
        for id in ids.iter().filter(|id| seen.insert(**id)) {
            let row = rows.remove(id);
            let mut problem = refusal(core, *id, row.as_ref()).err();
            if problem.is_none() && keep.contains(id) {
                problem = Some(pinned(row.as_ref()));
            }
            let state = if problem.is_some() { ItemState::Skipped } else { ItemState::Waiting };
            if problem.is_none() {
                hidden.push(*id);
            }
            let (name, digest) = row.map(|row| (row.name, row.digest)).unwrap_or_default();
            digests.push(digest);
            items.push(BatchItem { model: *id, name, state, task: None, problem });
        }
        if let ([item], true) = (items.as_slice(), hidden.is_empty()) {
            // One model that cannot be deleted is an answer, not a batch without work.
            let problem = item.problem.clone();
            return Err(problem.unwrap_or_else(|| WireError::new(ErrorCode::WrongState)));
        }
        store::many::hide(&mut transaction, &hidden, Some(until)).await?;
        let new = batch::store::NewBatch {
            op: BatchOp::Delete,
            force,
            for_good,
            at: now,
            undo_until: Some(until),
            items: &items,
            digests: &digests,
        };
        let batch = batch::store::insert(&mut transaction, new).await?;
        transaction.commit().await.map_err(failed)?;
        batch
    };
    core.bus.send(AppEvent::Batch(BatchView {
        id: batch,
        op: BatchOp::Delete,
        items,
        started_at: now,
        finished_at: None,
        undo_until: Some(until),
        undone: false,
    }));
    core.models.deletes.notify_one();
    publish(core, &hidden).await;
    Ok(BatchRef { batch })
}

/// The user pinned it.
pub(super) fn pinned(row: Option<&StoredModel>) -> WireError {
    let name = row.map(|row| row.name.as_str()).unwrap_or_default();
    WireError::new(ErrorCode::Pinned).with("name", name)
}

/// Why a row cannot be deleted now.
pub(super) fn refusal(core: &Core, id: ModelId, row: Option<&StoredModel>) -> Result<()> {
    let row = row.filter(|row| row.hidden_until.is_none()).ok_or_else(|| store::missing(id))?;
    if let Some((task, kind)) = operation::running(core, id) {
        return Err(operation::busy(task, kind));
    }
    operation::allows(core, row, Action::Delete, true)
}

/// The operation behind each item once the undo window is over. When it fails the row is shown
/// again, with the problem.
pub(super) async fn execute(core: &Core, model: &StoredModel, task: &Task, how: How) -> Result<()> {
    let gone = on_server(core, model, task, how).await;
    match gone {
        Ok(note) => {
            downloads::forget(core, &[model.id]).await?;
            forget_row(core, model, note).await
        }
        Err(problem) => {
            show_again(core, model.id, &problem).await?;
            Err(problem)
        }
    }
}

/// Shows a row again whose delete did not happen, with the reason.
pub(super) async fn show_again(core: &Core, id: ModelId, problem: &WireError) -> Result<()> {
    let change = Change::by(Cause::User).problem(problem.clone());
    let shown = super::change::edit(core, id, change, |row| row.hidden_until = None).await;
    match shown {
        Err(error) if error.code != ErrorCode::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Removes the model on its server; the answer is the note for its history.
pub(super) async fn on_server(
    core: &Core,
    model: &StoredModel,
    task: &Task,
    how: How,
) -> Result<&'static str> {
    const FILES_MAY_REMAIN: &str = "only the row was removed; files may remain on the server";
    if !model.on_server {
        task.note("the server has no such model: only the row goes");
        return Ok("the server had no such model");
    }
    let force = how.force;
    if !instances::online(core, model.instance) {
        if force {
            task.note(FILES_MAY_REMAIN);
            return Ok(FILES_MAY_REMAIN);
        }
        return Err(operation::offline(model));
    }
    let client = instances::client(core, model.instance)?;
    let removed = async {
        if matches!(model.run, Run::Running | Run::Unknown) {
            // A file in use cannot be removed on every system.
            unload::unload(core, model, task).await.map_err(|stuck| stuck.problem)?;
        }
        is_the_same(core, model, &how).await?;
        let held = if how.for_good { None } else { disk::hold(core, model, task).await? };
        task.phase("deleting");
        let deleted = client.delete(&model.name).await;
        match held {
            Some(held) if deleted.is_ok() => disk::keep(core, held).await?,
            Some(held) => disk::let_go(core, held).await?,
            None => {}
        }
        deleted
    };
    match removed.await {
        Ok(()) => Ok("deleted"),
        Err(error) if error.code == ErrorCode::NotFound => Ok("was deleted already"),
        Err(error) if force && !keeps_files(error.code) => {
            task.note(format!("{FILES_MAY_REMAIN}: {error}"));
            Ok(FILES_MAY_REMAIN)
        }
        Err(error) => {
            if super::load::unreachable(error.code) {
                instances::suspect(core, model.instance);
            }
            Err(error)
        }
    }
}

/// Errors that were found before the server was asked: its files are certainly there.
fn keeps_files(code: ErrorCode) -> bool {
    matches!(code, ErrorCode::ChangedMeanwhile | ErrorCode::TrashImpossible)
}

/// Whether it still is what was chosen: another client may have fetched another version since.
async fn is_the_same(core: &Core, model: &StoredModel, how: &How) -> Result<()> {
    let Some(chosen) = &how.digest else { return Ok(()) };
    let same = match disk::is_same(core, model.instance, &model.key, chosen).await? {
        Some(same) => same,
        None => model.digest.as_ref().is_none_or(|digest| digest == chosen),
    };
    if same {
        return Ok(());
    }
    Err(WireError::new(ErrorCode::ChangedMeanwhile).with("name", &model.name))
}

async fn forget_row(core: &Core, model: &StoredModel, note: &str) -> Result<()> {
    let mut transaction = core.db.write().await?;
    if store::remove(&mut transaction, model.id).await? {
        let step = Step {
            from: Some(model.status()),
            to: Status::Unavailable,
            at: core.now(),
            cause: Cause::User,
            note,
        };
        store::remember(&mut transaction, (model.id, model.instance, &model.name), step).await?;
    }
    // Should the server still have it, the next sync has to find it again.
    sync::look_again(&mut transaction, model.instance).await?;
    transaction.commit().await.map_err(failed)?;
    publish(core, &[model.id]).await;
    Ok(())
}
