//! Trying a model out: one token, or one embedding.

use std::time::{Duration, Instant};

use corral_contract::{
    ErrorCode, WireError,
    checks::{SmokeOutcome, SmokeResult, call},
    downloads::Fit,
    models::{ModelRef, OpRef},
    status::Run,
};

use super::{
    load::embedding,
    operation::{self, Notify, Work},
    poll::key_of,
    publish::publish,
    store::StoredModel,
};
use crate::{Core, Result, checks, fit, instances, router::Handle, running, tasks::Task, updates};

impl Handle<call::Smoke> for Core {
    async fn handle(&self, ModelRef { id }: ModelRef) -> Result<OpRef> {
        let trying = operation::begin(self, id, Work::Smoke, Notify::Nobody).await?;
        Ok(OpRef { task: trying.task() })
    }
}

/// The operation behind `checks.smoke`. A model that was not in memory leaves it at once.
pub(super) async fn smoke(core: &Core, model: &StoredModel, task: &Task) -> Result<()> {
    let loaded = model.run == Run::Running;
    let fit = fit::rough(core, model.instance, model.bytes.unwrap_or(0));
    if !loaded && matches!(fit, Fit::Later | Fit::TooLarge) {
        task.note("not tested: there is too little memory for it now");
        return keep(core, model, SmokeOutcome::NotTested, None, None).await;
    }
    task.phase("trying");
    let client = instances::client(core, model.instance)?;
    let limit = core.settings().load_timeout_seconds;
    let began = Instant::now();
    // One that is in memory stays as it was loaded.
    let kept = if loaded { Some(running::options_of(core, model).await?) } else { None };
    let question = client.try_out(&model.name, embedding(model), kept.as_ref());
    let token = task.token();
    let answer = tokio::select! {
        () = token.cancelled() => return Err(WireError::new(ErrorCode::Cancelled)),
        answer = tokio::time::timeout(Duration::from_secs(limit.into()), question) => answer,
    };
    let answer = answer
        .unwrap_or_else(|_| Err(WireError::new(ErrorCode::LoadTimedOut).with("seconds", limit)));
    match answer {
        Ok(()) => {
            let ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
            task.note(format!("it answered after {ms} ms"));
            keep(core, model, SmokeOutcome::Passed, Some(ms), None).await?;
            updates::proven(core, model.id).await;
            Ok(())
        }
        // Says nothing about the model.
        Err(error) if super::load::unreachable(error.code) => Err(error),
        Err(error) if error.code == ErrorCode::OutOfMemory => {
            task.note("not tested: the server has too little memory for it now");
            keep(core, model, SmokeOutcome::NotTested, None, Some(error)).await
        }
        Err(error) => {
            keep(core, model, SmokeOutcome::Failed, None, Some(error.clone())).await?;
            Err(error)
        }
    }
}

async fn keep(
    core: &Core,
    model: &StoredModel,
    outcome: SmokeOutcome,
    ms: Option<u64>,
    problem: Option<WireError>,
) -> Result<()> {
    let result = SmokeResult { at: core.now(), outcome, ms, problem };
    // The row of a model that just came may not know its manifest yet.
    let digest = listed(core, model).await.or_else(|| model.digest.clone());
    checks::keep_smoke(core, model.id, digest.as_deref(), &result).await?;
    publish(core, &[model.id]).await;
    Ok(())
}

async fn listed(core: &Core, model: &StoredModel) -> Option<String> {
    let tags = instances::client(core, model.instance).ok()?.tags().await.ok()?;
    let mine = tags.models.into_iter().find(|each| key_of(&each.name) == model.key)?;
    mine.digest
}
