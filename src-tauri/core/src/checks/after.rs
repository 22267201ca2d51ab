//! What is looked at once a download is done.

use corral_contract::{ModelId, audit::Actor, checks::call, models::ModelRef};
use tokio::sync::broadcast::error::RecvError;

use super::store;
use crate::{Core, models, signal::Signal};

/// Checks a model again whose last check found damage, and tries models out where that is wished.
pub(crate) fn start(core: &Core) {
    let owner = core.clone();
    core.supervisor.spawn("checks", move |token| {
        let core = owner.clone();
        async move {
            let mut signals = core.signals.listen();
            loop {
                core.supervisor.well("checks");
                let signal = tokio::select! {
                    () = token.cancelled() => return Ok(()),
                    signal = signals.recv() => signal,
                };
                match signal {
                    Ok(Signal::JobDone { model, .. }) => arrived(&core, model).await,
                    // Losing one costs a check that can be asked for.
                    Ok(_) | Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return Ok(()),
                }
            }
        }
    });
}

async fn arrived(core: &Core, model: ModelId) {
    // A repair looks at what came itself.
    if models::is_repaired(core, model) {
        return;
    }
    match store::was_damaged(core, model).await {
        Ok(true) => ask::<call::Model>(core, model).await,
        Ok(false) => {}
        Err(error) => tracing::warn!(%error, "whether a model was damaged is not known"),
    }
    if core.settings().smoke_test {
        ask::<call::Smoke>(core, model).await;
    }
}

async fn ask<C>(core: &Core, id: ModelId)
where
    C: corral_contract::Command<Request = ModelRef>,
    Core: crate::router::Handle<C>,
{
    if let Err(error) = core.run::<C>(Actor::Scheduler, ModelRef { id }).await {
        tracing::info!(model = id.0, %error, command = C::NAME, "not done after a download");
    }
}
