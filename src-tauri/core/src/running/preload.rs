//! Loading at start: once per start of Corral and server, as soon as the server answers, one model
//! after the other, because a server loads one at a time anyway and an order is only kept so.

use std::{collections::HashSet, time::Duration};

use corral_contract::{
    InstanceId,
    audit::Actor,
    models::{StartModel, StartOptions, call},
};

use super::store;
use crate::{Core, Result, instances, models, signal::Signal};

/// Looks at servers whose signal was lost.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// Signals of one kind within this time are one: a server that comes up is synced first.
const SETTLE: Duration = Duration::from_secs(1);

/// Starts the worker.
pub(crate) fn start(core: &Core) {
    let owner = core.clone();
    core.supervisor.spawn("preload", move |token| {
        let core = owner.clone();
        async move {
            let mut signals = core.signals.listen();
            let mut served = HashSet::new();
            loop {
                for instance in instances::ids(&core).await? {
                    if instances::online(&core, instance) && served.insert(instance) {
                        // What is there is known from the last time; what came meanwhile is not
                        // among what was asked for.
                        load(&core, instance).await?;
                    }
                }
                tokio::select! {
                    () = token.cancelled() => return Ok(()),
                    () = tokio::time::sleep(LOOK_EVERY) => {}
                    signal = signals.recv() => {
                        if matches!(signal, Ok(Signal::InstanceUp(_))) {
                            tokio::time::sleep(SETTLE).await;
                        }
                    }
                }
            }
        }
    });
}

async fn load(core: &Core, instance: InstanceId) -> Result<()> {
    for id in store::due(core, instance).await? {
        let request = StartModel::with(id, StartOptions::default());
        // One that fails tells its own story and does not keep the others waiting.
        if let Err(error) = core.run::<call::Start>(Actor::Scheduler, request).await {
            tracing::warn!(model = id.0, %error, "a model could not be loaded at start");
            continue;
        }
        models::operation_ended(core, id).await;
    }
    Ok(())
}
