//! What becomes of versions before an update. Every step can be done again: this is also what puts
//! right what a crash left half done.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::atomic::Ordering,
};

use corral_contract::{ErrorCode, InstanceId, ModelId, WireError, name::ModelName};

use super::{
    nothing_there,
    store::{
        self,
        before::{self, Before, Stage},
    },
};
use crate::{
    Core, Result, downloads, instances, models,
    ollama::{EmbeddingModel, LoadedModel, OllamaApi},
    signal::Signal,
};

/// Digests of a server's models by their keys.
type Listed = HashMap<String, String>;

/// Looks at everything that is kept, as far as its servers answer.
pub(super) async fn settle(core: &Core) {
    settle_these(core, None).await;
}

/// The same for one model.
pub(super) async fn settle_these(core: &Core, only: Option<ModelId>) {
    let turn = core.updates.turn.lock().await;
    let changed = match all(core, only).await {
        Ok(changed) => changed,
        Err(error) => {
            tracing::warn!(%error, "what is kept of updated models could not be looked at");
            return;
        }
    };
    drop(turn);
    models::publish(core, &changed).await;
}

async fn all(core: &Core, only: Option<ModelId>) -> Result<Vec<ModelId>> {
    let kept = before::all(core).await?;
    core.updates.nothing_kept.store(kept.is_empty(), Ordering::SeqCst);
    let mut listed: HashMap<InstanceId, Listed> = HashMap::new();
    let mut changed = Vec::new();
    for each in kept.into_iter().filter(|each| only.is_none_or(|only| only == each.model)) {
        if !instances::online(core, each.instance) {
            continue;
        }
        let listed = match listed.entry(each.instance) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => match list(core, each.instance).await {
                Ok(now) => place.insert(now),
                Err(error) => {
                    tracing::debug!(%error, "a server with versions before an update is silent");
                    continue;
                }
            },
        };
        match step(core, &each, listed).await {
            Ok(true) => changed.push(each.model),
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, kept = each.kept_as, "it stays as it is"),
        }
    }
    Ok(changed)
}

async fn list(core: &Core, instance: InstanceId) -> Result<Listed> {
    let tags = instances::client(core, instance)?.tags().await?;
    let entry = |each: crate::ollama::TagsModel| {
        Some((ModelName::parse(&each.name).ok()?.key(), each.digest?))
    };
    Ok(tags.models.into_iter().filter_map(entry).collect())
}

/// The second names of versions before an update on the server of an instance.
///
/// # Errors
/// Database errors.
pub(crate) async fn kept_names(core: &Core, instance: InstanceId) -> Result<Vec<String>> {
    let kept = before::all(core).await?.into_iter().filter(|each| each.instance == instance);
    Ok(kept.map(|each| each.kept_as).collect())
}

/// Every name there that updates made for themselves.
///
/// # Errors
/// Database errors.
pub(crate) async fn own_names(core: &Core, instance: InstanceId) -> Result<Vec<String>> {
    let kept = kept_names(core, instance).await?;
    Ok(kept.into_iter().flat_map(|name| [aside(&name), name]).collect())
}

/// The name of the new version while the one before takes its place again.
fn aside(kept_as: &str) -> String {
    format!("{kept_as}-new")
}

/// What has to be done with one of them now; whether anything was.
async fn step(core: &Core, kept: &Before, listed: &Listed) -> Result<bool> {
    let now = ModelName::parse(&kept.name).ok().and_then(|name| listed.get(&name.key()));
    let known = models::get(core, kept.model).await;
    let gone = known.as_ref().is_err_and(|error| error.code == ErrorCode::NotFound);
    let queued = downloads::live(core, kept.model).is_some();
    let next = match kept.stage {
        // Whoever copied ended in between: there was no update.
        Stage::Copying => Stage::Dropping,
        Stage::Fetching if queued && !gone => return Ok(false),
        Stage::Fetching | Stage::Unproven => match now {
            Some(digest) if !gone && *digest != kept.digest => Stage::Unproven,
            // Nothing new came, or the model is gone with its new version.
            _ => Stage::Dropping,
        },
        other => other,
    };
    let moved = next != kept.stage && before::advance(core, kept.model, kept.stage, next).await?;
    match next {
        Stage::Dropping => drop_it(core, kept).await.map(|()| true),
        Stage::RollingBack => give_back(core, kept).await.map(|_| true),
        _ => Ok(moved),
    }
}

/// Takes the second name off the server. Its layers go with it, but for those that are in use.
async fn drop_it(core: &Core, kept: &Before) -> Result<()> {
    instances::client(core, kept.instance)?.delete(&kept.kept_as).await?;
    before::remove(core, kept.model).await
}

/// A server has these loaded: a new version among them has proved itself.
pub(crate) async fn loaded(core: &Core, instance: InstanceId, loaded: &[LoadedModel]) {
    if core.updates.nothing_kept.load(Ordering::SeqCst) || loaded.is_empty() {
        return;
    }
    let kept = match before::all(core).await {
        Ok(kept) => kept,
        Err(error) => {
            tracing::warn!(%error, "what is kept of updated models could not be read");
            return;
        }
    };
    for each in kept.into_iter().filter(|each| each.instance == instance) {
        let is_new = |entry: &LoadedModel| {
            entry.name.eq_ignore_ascii_case(&each.name)
                && entry.digest.as_ref().is_some_and(|digest| *digest != each.digest)
        };
        if loaded.iter().any(is_new) {
            proven(core, each.model).await;
        }
    }
}

/// The version of a model that is there has worked once.
pub(crate) async fn proven(core: &Core, model: ModelId) {
    // The end of the download may not have been seen yet.
    settle_these(core, Some(model)).await;
    match before::advance(core, model, Stage::Unproven, Stage::Dropping).await {
        Ok(true) => settle_these(core, Some(model)).await,
        Ok(false) => {}
        Err(error) => tracing::warn!(%error, "that an update works is not kept"),
    }
}

/// The user is content with the new version.
///
/// # Errors
/// Database errors.
pub(super) async fn accept(core: &Core, model: ModelId) -> Result<bool> {
    settle_these(core, Some(model)).await;
    let accepted = before::advance(core, model, Stage::Unproven, Stage::Dropping).await?;
    settle_these(core, Some(model)).await;
    Ok(accepted)
}

/// Takes the version before back; answers its digest.
///
/// # Errors
/// `NOT_FOUND` when none is kept, `WRONG_STATE` while the new one is being fetched,
/// `INSTANCE_OFFLINE`; what the server says.
pub(super) async fn roll_back(core: &Core, id: ModelId) -> Result<String> {
    let model = models::get(core, id).await?;
    settle_these(core, Some(id)).await;
    let turn = core.updates.turn.lock().await;
    let kept = before::of_model(core, id).await?.ok_or_else(|| nothing_there(&model.name))?;
    if !instances::online(core, model.instance) {
        let offline = WireError::new(ErrorCode::InstanceOffline);
        return Err(offline.with("instance", model.instance).with("name", &model.name));
    }
    let wrong = || {
        let wrong = WireError::new(ErrorCode::WrongState).with("status", model.status().as_str());
        wrong.with("action", "rollBack").with("name", &model.name)
    };
    match kept.stage {
        Stage::Unproven => {
            if !before::advance(core, id, Stage::Unproven, Stage::RollingBack).await? {
                return Err(wrong());
            }
        }
        Stage::RollingBack => {}
        _ => return Err(wrong()),
    }
    let digest = give_back(core, &kept).await?;
    drop(turn);
    models::publish(core, &[id]).await;
    Ok(digest)
}

/// The second name becomes the first again. The new version is named aside before and that name
/// deleted after, so that its layers go without ever leaving the model without a version.
async fn give_back(core: &Core, kept: &Before) -> Result<String> {
    let client = instances::client(core, kept.instance)?;
    let listed = list(core, kept.instance).await?;
    let digest_of = |name: &str| ModelName::parse(name).ok().and_then(|it| listed.get(&it.key()));
    let aside = aside(&kept.kept_as);
    let new = digest_of(&kept.name).filter(|digest| **digest != kept.digest);
    if digest_of(&kept.kept_as).is_some() {
        if new.is_some() {
            unload(client.as_ref(), &kept.name).await;
            client.copy(&kept.name, &aside).await?;
        }
        client.copy(&kept.kept_as, &kept.name).await?;
    } else if new.is_some() {
        // Somebody deleted it on the server: there is no way back any more.
        before::remove(core, kept.model).await?;
        return Err(nothing_there(&kept.kept_as));
    }
    if let Some(new) = new {
        store::put_off(core, kept.model, &kept.digest, new).await?;
    }
    client.delete(&aside).await?;
    client.delete(&kept.kept_as).await?;
    before::remove(core, kept.model).await?;
    core.signals.send(Signal::Operated(kept.instance));
    Ok(kept.digest.clone())
}

/// What is in memory is the version that goes.
async fn unload(client: &dyn OllamaApi, name: &str) {
    let loaded = client.ps().await.unwrap_or_default();
    if loaded.iter().any(|each| each.name.eq_ignore_ascii_case(name))
        && let Err(error) = client.unload(name, EmbeddingModel::No).await
        && let Err(_) = client.unload(name, EmbeddingModel::Yes).await
    {
        tracing::debug!(%error, name, "the new version stays in memory until its time is over");
    }
}
