//! One worker per instance, started and ended with it.

use std::{collections::BTreeMap, future::Future, time::Duration};

use corral_contract::InstanceId;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{Core, Result, instances};

/// How often the list of instances is looked at, should a signal have been lost.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// Keeps a supervised worker `name:<id>` running for every instance there is.
pub(crate) fn keep<W, F>(core: &Core, name: &'static str, work: W)
where
    W: Fn(Core, InstanceId, CancellationToken) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<()>> + Send + 'static,
{
    let owner = core.clone();
    core.supervisor.spawn(name, move |token| {
        let (core, work) = (owner.clone(), work.clone());
        async move {
            let mut signals = core.signals.listen();
            // A guard ends its worker when it is dropped, also when this keeper fails.
            let mut workers: BTreeMap<InstanceId, DropGuard> = BTreeMap::new();
            loop {
                let ids = instances::ids(&core).await?;
                workers.retain(|id, _| ids.contains(id));
                for id in ids {
                    workers.entry(id).or_insert_with(|| {
                        let (core, work) = (core.clone(), work.clone());
                        let supervisor = core.supervisor.clone();
                        let run = move |token| work(core.clone(), id, token);
                        supervisor.spawn(format!("{name}:{id}"), run).drop_guard()
                    });
                }
                core.supervisor.well(name);
                tokio::select! {
                    () = token.cancelled() => return Ok(()),
                    () = tokio::time::sleep(LOOK_EVERY) => {}
                    _ = changed(&mut signals) => {}
                }
            }
        }
    });
}

/// Waits for a signal that says that instances came or went.
async fn changed(signals: &mut tokio::sync::broadcast::Receiver<crate::signal::Signal>) {
    use crate::signal::Signal;
    use tokio::sync::broadcast::error::RecvError;
    loop {
        match signals.recv().await {
            Ok(Signal::InstanceAdded(_) | Signal::InstanceRemoved(_))
            | Err(RecvError::Lagged(_)) => return,
            Ok(_) => {}
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}
