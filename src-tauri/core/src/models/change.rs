//! Changing a row: state, reason and history in one transaction, then the event.

use corral_contract::{
    ErrorCode, InstanceId, ModelId, Timestamp, WireError,
    name::ModelName,
    status::{Cause, Install, Origin, Run, Status},
};

use super::{
    operation::{self, Kind},
    publish::publish,
    store::{self, NewModel, Step, StoredModel},
};
use crate::{Core, Result, db::failed};

/// Why a state changes and what the row says about it.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    /// Raw text for the row; empty clears it.
    pub(crate) message: String,
    /// What the window shows in its language; `None` clears it.
    pub(crate) problem: Option<WireError>,
    pub(crate) cause: Cause,
    /// Goes into the history only.
    pub(crate) note: String,
}

impl Change {
    /// A change that leaves no message and no problem.
    pub(crate) fn by(cause: Cause) -> Self {
        Change { message: String::new(), problem: None, cause, note: String::new() }
    }

    /// Ends in this problem; message and note are its raw text.
    pub(crate) fn problem(mut self, problem: WireError) -> Self {
        let text = problem.detail.clone().unwrap_or_else(|| problem.code.as_str().to_owned());
        self.message.clone_from(&text);
        self.note = text;
        self.problem = Some(problem);
        self
    }

    /// With a raw text for the row, such as a phase.
    pub(crate) fn message(mut self, text: impl Into<String>) -> Self {
        self.message = text.into();
        self
    }
}

/// The row of a name on an instance, made as `queued` if there is none. A row that waits to be
/// deleted is brought back: asking for a model takes its delete back.
///
/// # Errors
/// `BUSY` while the model is being deleted on the server; database errors.
pub(crate) async fn ensure_row(
    core: &Core,
    instance: InstanceId,
    name: &ModelName,
    now: Timestamp,
) -> Result<(ModelId, bool)> {
    let mut transaction = core.db.write().await?;
    let origin = if name.is_official() { Origin::Official } else { Origin::Remote };
    let new = NewModel { instance, name, origin, install: Install::Queued, created_at: now };
    let inserted = store::insert(&mut transaction, new).await?;
    let id = if let Some(id) = inserted {
        let step = Step { from: None, to: Status::Queued, at: now, cause: Cause::User, note: "" };
        store::remember(&mut transaction, (id, instance, &name.display()), step).await?;
        id
    } else {
        let id = store::id_of(&mut transaction, instance, &name.key()).await?;
        if let Some((task, Kind::Delete)) = operation::running(core, id) {
            return Err(operation::busy(task, Kind::Delete));
        }
        store::hide(&mut transaction, id, None).await?;
        id
    };
    transaction.commit().await.map_err(failed)?;
    if inserted.is_some() {
        publish(core, &[id]).await;
    }
    Ok((id, inserted.is_some()))
}

/// Sets whether the files are there. `Ready` also says that the server has them; a start of a
/// download forgets an earlier crash.
///
/// # Errors
/// `NOT_FOUND`, database errors.
pub(crate) async fn set_install(
    core: &Core,
    id: ModelId,
    install: Install,
    change: Change,
) -> Result<()> {
    edit(core, id, change, |model| {
        model.install = install;
        if install == Install::Ready {
            model.on_server = true;
        }
        if model.run == Run::Crashed && install != Install::Failed {
            model.run = Run::Stopped;
        }
    })
    .await?;
    Ok(())
}

/// Sets whether it is in memory. A model that does not run has no memory figures.
///
/// # Errors
/// `NOT_FOUND`, database errors.
pub(crate) async fn set_run(core: &Core, id: ModelId, run: Run, change: Change) -> Result<()> {
    edit(core, id, change, |model| {
        model.run = run;
        if !matches!(run, Run::Running | Run::Stopping) {
            model.memory = None;
        }
        if run == Run::Running && model.install == Install::Failed {
            model.install = Install::Ready;
        }
    })
    .await?;
    Ok(())
}

/// Applies `change` and whatever `edit` does to a row, writes a history line when the status
/// changes, and tells the windows when anything did.
///
/// # Errors
/// `NOT_FOUND`, database errors.
pub(super) async fn edit(
    core: &Core,
    id: ModelId,
    change: Change,
    edit: impl FnOnce(&mut StoredModel),
) -> Result<StoredModel> {
    let mut transaction = core.db.write().await?;
    let before = store::get_in(&mut transaction, id).await?.ok_or_else(|| store::missing(id))?;
    let mut after = before.clone();
    after.message = change.message;
    after.problem = change.problem;
    edit(&mut after);
    if after == before {
        return Ok(after);
    }
    store::save(&mut transaction, &after).await?;
    if before.status() != after.status() {
        let step = Step {
            from: Some(before.status()),
            to: after.status(),
            at: core.now(),
            cause: change.cause,
            note: &change.note,
        };
        store::remember(&mut transaction, (id, after.instance, &after.name), step).await?;
    }
    transaction.commit().await.map_err(failed)?;
    publish(core, &[id]).await;
    Ok(after)
}

/// After a download was cancelled and its job is closed: a model the server never had goes, one
/// that it had is what it was before.
///
/// # Errors
/// Database errors.
pub(crate) async fn drop_if_nothing_left(core: &Core, id: ModelId) -> Result<()> {
    let model = match store::get(core, id).await {
        Err(error) if error.code == ErrorCode::NotFound => return Ok(()),
        other => other?,
    };
    if model.on_server {
        return set_install(core, id, Install::Ready, Change::by(Cause::User)).await;
    }
    if model.seen_at.is_some() {
        return set_install(core, id, Install::Unavailable, Change::by(Cause::User)).await;
    }
    let mut transaction = core.db.write().await?;
    store::remove_unqueued(&mut transaction, id).await?;
    transaction.commit().await.map_err(failed)?;
    publish(core, &[id]).await;
    Ok(())
}
