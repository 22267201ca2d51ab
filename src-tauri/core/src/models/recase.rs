//! Another case of the same name. The server takes both for one, so the way leads over a third
//! name. Which one that is stands in a row before the first step: what a crash or a lost server
//! leaves half done is gone to its end by whoever looks at the server next.

use std::{collections::HashSet, time::Duration};

use corral_contract::{InstanceId, name::ModelName};
use tokio::{sync::broadcast::error::RecvError, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{
    operation, publish,
    store::{self, StoredModel, named, renaming, renaming::Renaming},
};
use crate::{
    Core, Result, instances,
    ollama::{OllamaApi, TagsModel},
    signal::Signal,
    sync,
    tasks::Task,
};

/// The namespace of names in between.
const BETWEEN: &str = "corral-rename/";

/// When what a server refused is tried again: the first time, and at the latest.
const SOON: Duration = Duration::from_secs(2);
const LATE: Duration = Duration::from_secs(300);

/// Whether a name on a server may be one in between.
pub(crate) fn is_between(name: &str) -> bool {
    name.get(..BETWEEN.len()).is_some_and(|start| start.eq_ignore_ascii_case(BETWEEN))
}

/// The names in between of an instance: no list shows them.
///
/// # Errors
/// Database errors.
pub(crate) async fn between(core: &Core, instance: InstanceId) -> Result<HashSet<String>> {
    let known = renaming::of_instance(core, instance).await?;
    Ok(known.into_iter().map(|each| each.third).collect())
}

/// Takes a model on the server over the third name to the wanted one, up to the point where the
/// third one is no longer needed.
///
/// # Errors
/// What the server says. The model then has one of its two names, or gets it when the server is
/// looked at next.
pub(super) async fn rename(
    core: &Core,
    client: &dyn OllamaApi,
    model: &StoredModel,
    wanted: &str,
    task: &Task,
) -> Result<Renaming> {
    let third = format!("{BETWEEN}{}:task-{}", model.id.0, task.id());
    let way =
        Renaming { instance: model.instance, third, model: model.id, wanted: wanted.to_owned() };
    renaming::begin(core, &way).await?;
    client.copy(&model.name, &way.third).await?;
    client.delete(&model.name).await?;
    if let Err(error) = client.copy(&way.third, wanted).await {
        task.note(format!("back to {}: {error}", model.name));
        client.copy(&way.third, &model.name).await?;
        done(core, client, &way).await?;
        return Err(error);
    }
    Ok(way)
}

/// The third name is no longer needed.
///
/// # Errors
/// What the server says; database errors.
pub(super) async fn done(core: &Core, client: &dyn OllamaApi, way: &Renaming) -> Result<()> {
    client.delete(&way.third).await?;
    renaming::end(core, way).await
}

/// Goes what was left half way to its end, as far as the server answers.
pub(crate) async fn settle(core: &Core, instance: InstanceId) {
    let _turn = core.models.recasing.lock().await;
    let left = match renaming::of_instance(core, instance).await {
        Ok(left) => left,
        Err(error) => {
            tracing::warn!(%error, "changes of case that were cut off could not be read");
            return;
        }
    };
    for way in left {
        // One that is under way ends by itself.
        if operation::running(core, way.model).is_some() {
            continue;
        }
        if let Err(error) = finish(core, &way).await {
            tracing::warn!(%error, name = way.third, "a change of case stays half done for now");
        }
    }
}

async fn finish(core: &Core, way: &Renaming) -> Result<()> {
    let client = instances::client(core, way.instance)?;
    let tags = client.tags().await?.models;
    let (third, there) = (find(&tags, &way.third), find(&tags, &way.wanted));
    match (third, there) {
        // The first copy was not made, or everything was done.
        (None, _) => {}
        // Somebody gave the name to another model meanwhile. What is in between is the only name
        // of the old one: it stays, and lists show it from now on.
        (Some(third), Some(there)) if third.digest != there.digest => {
            tracing::warn!(name = way.third, "the name went to another model; this one stays");
        }
        (Some(_), Some(_)) => client.delete(&way.third).await?,
        (Some(_), None) => {
            client.copy(&way.third, &way.wanted).await?;
            client.delete(&way.third).await?;
        }
    }
    let is_wanted = there.is_none_or(|there| same(&there.name, &way.wanted));
    if let (true, Ok(name), Ok(model)) =
        (is_wanted, ModelName::parse(&way.wanted), store::get(core, way.model).await)
        && model.name != name.display()
        && (third.is_some() || there.is_some())
    {
        let gone = named::rename(core, &model, &name).await?;
        publish::publish(core, &gone).await;
        publish::publish(core, &[model.id]).await;
    }
    renaming::end(core, way).await
}

fn find<'a>(tags: &'a [TagsModel], name: &str) -> Option<&'a TagsModel> {
    let key = |name: &str| ModelName::parse(name).map(|name| name.key()).ok();
    let wanted = key(name)?;
    tags.iter().find(|each| key(&each.name).as_ref() == Some(&wanted))
}

/// Whether both are the same name with the same case.
fn same(one: &str, other: &str) -> bool {
    let display = |name: &str| ModelName::parse(name).map(|name| name.display()).ok();
    display(one) == display(other)
}

/// Looks at each server that answers again, as nobody may have asked for a sync of it, and again
/// and again where a server refused what was still to be done.
pub(super) async fn keep_settling(core: Core, token: CancellationToken) -> Result<()> {
    let mut signals = core.signals.listen();
    let mut wait = SOON;
    let mut again = look_all(&core).await?.then(|| Instant::now() + wait);
    loop {
        core.supervisor.well("renames");
        let next = async {
            match again {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = token.cancelled() => return Ok(()),
            signal = signals.recv() => match signal {
                Ok(Signal::InstanceUp(_)) | Err(RecvError::Lagged(_)) => wait = SOON,
                Err(RecvError::Closed) => return Ok(()),
                Ok(_) => continue,
            },
            () = next => wait = (wait * 2).min(LATE),
        }
        again = look_all(&core).await?.then(|| Instant::now() + wait);
    }
}

/// Whether something is left half way on a server that answers: a sync settles it before it asks
/// for the list.
async fn look_all(core: &Core) -> Result<bool> {
    let mut left = false;
    for instance in instances::ids(core).await? {
        let ways = renaming::of_instance(core, instance).await?;
        let alone = ways.iter().any(|way| operation::running(core, way.model).is_none());
        if alone && instances::online(core, instance) {
            sync::look(core, instance);
            left = true;
        }
    }
    Ok(left)
}
