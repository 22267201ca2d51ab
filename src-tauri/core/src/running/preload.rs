//! Loading at start: once per start of Corral and server, as soon as the server answers, one model
//! after the other, because a server loads one at a time anyway and an order is only kept so.

use std::{collections::HashSet, time::Duration};

use corral_contract::{
    InstanceId,
    audit::Actor,
    models::{StartModel, StartOptions, call},
    name::ModelName,
};

use super::{ran, store};
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
    let due = store::due(core, instance).await?;
    if due.is_empty() {
        return Ok(());
    }
    let ran = store::ran(core, instance).await?;
    // Corral may have been away for a moment only.
    let listed = instances::client(core, instance)?.ps().await.unwrap_or_default();
    let loaded: HashSet<String> =
        listed.iter().filter_map(|model| Some(ModelName::parse(&model.name).ok()?.key())).collect();
    let (mut restored, mut failed) = (Vec::new(), None);
    for id in due {
        if loaded.contains(&models::get(core, id).await?.key) {
            continue;
        }
        let again = ran.contains(&id);
        if again {
            restored.push(id);
        }
        let request = StartModel::with(id, StartOptions::default());
        // One that fails tells its own story and does not keep the others waiting.
        if let Err(error) = core.run::<call::Start>(Actor::Scheduler, request).await {
            tracing::warn!(model = id.0, %error, "a model could not be loaded at start");
            if again {
                failed.get_or_insert(error);
            }
            continue;
        }
        models::operation_ended(core, id).await;
        if again && let Some(problem) = models::get(core, id).await?.problem {
            failed.get_or_insert(problem);
        }
    }
    let name = instances::view(core, instance).await?.name;
    ran::report(core, instance, name, &restored, failed).await
}
