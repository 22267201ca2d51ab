//! An update: the version before gets a second name, then the new one is fetched.

use corral_contract::{
    ErrorCode, JobId, WireError,
    downloads::Priority,
    models::{CreateModel, call::Create},
    name::ModelName,
};

use super::{
    KEPT,
    before::settle_these,
    nothing_there,
    store::{
        self,
        before::{self, Stage},
    },
};
use crate::{
    Core, Result, downloads, instances, models, models::store::StoredModel, router::Handle,
};

/// Longest part of a name, in bytes.
const LONGEST: usize = 80;

/// Puts the update of a model into the queue.
///
/// # Errors
/// `NOT_FOUND` when there is none, `WRONG_STATE` when it is in the queue, `INSTANCE_OFFLINE`;
/// what `models.create` refuses; what the server says about the second name.
pub(super) async fn apply(core: &Core, model: &StoredModel) -> Result<JobId> {
    let turn = core.updates.turn.lock().await;
    if store::offered(core, model.id).await?.is_none() {
        return Err(nothing_there(&model.name));
    }
    if let Some((_, progress)) = downloads::live(core, model.id) {
        return Err(WireError::new(ErrorCode::WrongState)
            .with("status", progress.phase.as_str())
            .with("action", "update")
            .with("name", &model.name));
    }
    if !instances::online(core, model.instance) {
        let offline = WireError::new(ErrorCode::InstanceOffline);
        return Err(offline.with("instance", model.instance).with("name", &model.name));
    }
    keep(core, model).await?;
    let options = downloads::last_options(core, model.id).await?;
    let request = CreateModel {
        instance: model.instance,
        name: model.name.clone(),
        priority: Priority::Normal,
        start_when_done: false,
        update: true,
        insecure: options.insecure,
        force: false,
    };
    let queued = Handle::<Create>::handle(core, request).await;
    drop(turn);
    if queued.is_err() {
        // Nothing will be fetched: nothing has to be kept.
        settle_these(core, Some(model.id)).await;
    }
    models::publish(core, &[model.id]).await;
    queued.map(|job| job.job)
}

/// Gives the version that is there its second name. An older one that is still kept has proved
/// itself, the one that is there has not: then that older one stays.
async fn keep(core: &Core, model: &StoredModel) -> Result<()> {
    core.updates.keeps_something();
    if let Some(kept) = before::of_model(core, model.id).await? {
        before::advance(core, model.id, kept.stage, Stage::Fetching).await?;
        return Ok(());
    }
    let digest = model.digest.clone().ok_or_else(|| nothing_there(&model.name))?;
    let kept_as = kept_as(model, &digest)?;
    before::add(core, model, &kept_as, &digest).await?;
    let client = instances::client(core, model.instance)?;
    if let Err(error) = client.copy(&model.name, &kept_as).await {
        before::advance(core, model.id, Stage::Copying, Stage::Dropping).await?;
        return Err(error);
    }
    before::advance(core, model.id, Stage::Copying, Stage::Fetching).await?;
    Ok(())
}

/// The second name of a version.
fn kept_as(model: &StoredModel, digest: &str) -> Result<String> {
    let name =
        ModelName::parse(&model.name).map_err(|error| WireError::field("name", error.as_str()))?;
    let end = format!("-{}", model.id);
    let short: String = name.model.chars().take(LONGEST - end.len()).collect();
    Ok(format!("{KEPT}{short}{end}:{}", digest.get(..12).unwrap_or(digest)))
}
