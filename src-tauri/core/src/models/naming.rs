//! A second name for a model, and another name.

use std::sync::Arc;

use corral_contract::{
    ErrorCode, InstanceId, WireError,
    makes::NewName,
    models::OpRef,
    name::ModelName,
    status::{Cause, Install, Origin, Run},
};

use super::{
    change::{self, Change, edit},
    operation::{self, Notify, Work},
    publish::publish,
    recase,
    store::{self, StoredModel, named},
    unload,
};
use crate::{
    Core, Result,
    db::failed,
    instances, makes,
    ollama::{OllamaApi, TagsModel},
    sync,
    tasks::Task,
};

/// The name that a model is to have.
#[derive(Debug, Clone)]
pub(super) struct Naming {
    name: ModelName,
    overwrite: bool,
}

fn read(request: &NewName) -> Result<Naming> {
    let name = ModelName::parse(request.name.trim())
        .map_err(|why| WireError::field("name", why.as_str()))?;
    Ok(Naming { name, overwrite: request.overwrite })
}

/// Begins a copy.
///
/// # Errors
/// `INVALID_INPUT` for the name; `ALREADY_EXISTS`; as every operation.
pub(crate) async fn copy(core: &Core, request: NewName) -> Result<OpRef> {
    let naming = read(&request)?;
    let model = store::get(core, request.id).await?;
    if naming.name.key() == model.key {
        return Err(WireError::field("name", "sameName"));
    }
    free(core, model.instance, &naming).await?;
    let work = Work::Copy(naming);
    let operation = operation::begin(core, request.id, work, Notify::Failure).await?;
    Ok(OpRef { task: operation.task() })
}

/// Begins a rename.
///
/// # Errors
/// As [`copy`].
pub(crate) async fn rename(core: &Core, request: NewName) -> Result<OpRef> {
    let naming = read(&request)?;
    let model = store::get(core, request.id).await?;
    if naming.name.display() == model.name {
        return Err(WireError::field("name", "sameName"));
    }
    if naming.name.key() != model.key {
        free(core, model.instance, &naming).await?;
    }
    let work = Work::Rename(naming);
    let operation = operation::begin(core, request.id, work, Notify::Failure).await?;
    Ok(OpRef { task: operation.task() })
}

/// Whether the name can be given, as far as the rows tell; the server is asked later.
async fn free(core: &Core, instance: InstanceId, naming: &Naming) -> Result<()> {
    let Some(there) = store::find(core, instance, &naming.name).await? else { return Ok(()) };
    if let Some((task, kind)) = operation::running(core, there.id) {
        return Err(operation::busy(task, kind));
    }
    if there.on_server && !naming.overwrite { Err(taken(&there.name)) } else { Ok(()) }
}

fn taken(name: &str) -> WireError {
    WireError::new(ErrorCode::AlreadyExists).with("name", name)
}

fn find<'a>(tags: &'a [TagsModel], name: &ModelName) -> Option<&'a TagsModel> {
    let key = name.key();
    tags.iter().find(|each| ModelName::parse(&each.name).is_ok_and(|name| name.key() == key))
}

/// The operation behind `makes.copy`.
pub(super) async fn perform_copy(
    core: &Core,
    model: &StoredModel,
    task: &Task,
    naming: &Naming,
) -> Result<()> {
    let client = instances::client(core, model.instance)?;
    let there = find(&client.tags().await?.models, &naming.name).map(|it| it.name.clone());
    if let (Some(there), false) = (&there, naming.overwrite) {
        return Err(taken(there));
    }
    let (key, note) = (naming.name.key(), format!("copy of {}", model.name));
    makes::order(core, model.instance, &key, &note).await?;
    task.phase("copying");
    if let Err(error) = client.copy(&model.name, &naming.name.display()).await {
        makes::forget(core, model.instance, &key).await?;
        return Err(error);
    }
    confirm(&client, model, &naming.name, task).await?;
    sync::renew(core, model.instance).await?;
    if let Some(row) = store::find(core, model.instance, &naming.name).await? {
        made(core, row.id, &note).await?;
    }
    Ok(())
}

/// The operation behind `makes.rename`: a copy under the new name, then the old one goes. The row
/// stays the same one, with its history.
pub(super) async fn perform_rename(
    core: &Core,
    model: &StoredModel,
    task: &Task,
    naming: &Naming,
) -> Result<()> {
    let client = instances::client(core, model.instance)?;
    let tags = client.tags().await?.models;
    let only_case = naming.name.key() == model.key;
    if only_case {
        casing(&tags, model, &naming.name)?;
    } else if let (Some(there), false) = (find(&tags, &naming.name), naming.overwrite) {
        return Err(taken(&there.name));
    }
    if matches!(model.run, Run::Running | Run::Starting) {
        // In memory it would stay under a name that nobody can ask for any more.
        task.note("it is in memory; it is unloaded first");
        unload::unload(core, model, task).await.map_err(|stuck| stuck.problem)?;
        change::set_run(core, model.id, Run::Stopped, Change::by(Cause::User)).await?;
    }
    task.phase("copying");
    let wanted = naming.name.display();
    if only_case {
        let way = recase::rename(core, &*client, model, &wanted, task).await?;
        confirm(&client, model, &naming.name, task).await?;
        recase::done(core, &*client, &way).await?;
    } else {
        client.copy(&model.name, &wanted).await?;
        confirm(&client, model, &naming.name, task).await?;
        task.phase("deleting");
        client.delete(&model.name).await?;
    }
    let gone = named::rename(core, model, &naming.name).await?;
    edit(core, model.id, Change::by(Cause::User), |row| {
        row.origin = Origin::Custom;
        row.install = Install::Ready;
        row.on_server = true;
    })
    .await?;
    publish(core, &gone).await;
    sync::renew(core, model.instance).await.map(|_| ())
}

/// Whether a name that differs in case alone can be had: the server writes each part as another
/// model's name has it.
fn casing(tags: &[TagsModel], model: &StoredModel, name: &ModelName) -> Result<()> {
    let parts = |name: &ModelName| {
        [name.host.clone(), name.namespace.clone(), name.model.clone(), name.tag.clone()]
    };
    let wanted = parts(name);
    let others = tags.iter().filter(|each| each.name != model.name);
    for other in others.filter_map(|each| ModelName::parse(&each.name).ok()) {
        let clash = parts(&other)
            .iter()
            .zip(&wanted)
            .any(|(theirs, ours)| theirs.eq_ignore_ascii_case(ours) && theirs != ours);
        if clash {
            return Err(WireError::field("name", "caseTaken").with("what", other.display()));
        }
    }
    Ok(())
}

/// Whether the server lists the new name with the same content.
async fn confirm(
    client: &Arc<dyn OllamaApi>,
    model: &StoredModel,
    name: &ModelName,
    task: &Task,
) -> Result<()> {
    task.phase("confirming");
    let tags = client.tags().await?.models;
    let Some(listed) = find(&tags, name) else {
        return Err(WireError::new(ErrorCode::BadAnswer).detail("the server does not list it"));
    };
    if let (Some(here), Some(there)) = (&model.digest, &listed.digest)
        && here != there
    {
        return Err(WireError::new(ErrorCode::BadAnswer).detail("it has another content"));
    }
    if listed.name != name.display() {
        task.note(format!("the server writes it {}", listed.name));
    }
    Ok(())
}

/// A row is of our making: it says so, and its history says from what.
///
/// # Errors
/// `NOT_FOUND`, database errors.
pub(crate) async fn made(core: &Core, id: corral_contract::ModelId, note: &str) -> Result<()> {
    let row = store::get(core, id).await?;
    let mut transaction = core.db.write().await?;
    let ordered = makes::take(&mut transaction, row.instance, &row.key).await?;
    if ordered.is_some() {
        // The sync knew this row already: it was replaced.
        named::note(&mut transaction, &row, core.now(), note).await?;
    }
    // Asking for a model takes its delete back.
    store::hide(&mut transaction, id, None).await?;
    transaction.commit().await.map_err(failed)?;
    edit(core, id, Change::by(Cause::User), |row| row.origin = Origin::Custom).await?;
    publish(core, &[id]).await;
    Ok(())
}
