//! What goes by itself: the old place of a move that nobody took back in time; and what Corral's end
//! interrupted goes on.

use std::time::Duration;

use corral_contract::stores::MoveStage;

use super::{
    cold,
    job::{self, Aim},
    store,
};
use crate::{Core, Result, instances, signal::Signal};

/// Between two looks.
const EVERY: Duration = Duration::from_secs(3600);

/// Goes on with what was interrupted, then looks now and then.
pub(crate) fn start(core: &Core) {
    let owner = core.clone();
    core.supervisor.spawn("stores", move |token| {
        let core = owner.clone();
        async move {
            resume(&core).await?;
            cold::resume(&core).await?;
            let mut signals = core.signals.listen();
            loop {
                expire(&core).await?;
                let changed = async {
                    while matches!(signals.recv().await, Ok(signal) if signal != Signal::SettingsChanged) {}
                };
                tokio::select! {
                    () = token.cancelled() => return Ok(()),
                    () = changed => {}
                    () = tokio::time::sleep(EVERY) => {}
                }
            }
        }
    });
}

/// A move that was under way goes on from the stage that is written down.
async fn resume(core: &Core) -> Result<()> {
    for row in store::open(core, None).await? {
        let aim = match row.stage {
            MoveStage::Kept => continue,
            MoveStage::Clearing => Aim::Clear,
            MoveStage::Returning => Aim::Back,
            _ => Aim::Forward,
        };
        if let Err(error) = job::launch(core, row, aim).await {
            tracing::warn!(%error, "a move of a models folder was not gone on with");
        }
    }
    Ok(())
}

/// Clears old places whose time is over, if the server answers out of the new one.
async fn expire(core: &Core) -> Result<()> {
    let days = core.settings().store_keep_days;
    if days == 0 {
        return Ok(());
    }
    for row in store::open(core, None).await? {
        let over = row.kept_at.is_some_and(|at| core.now() >= store::after(at, days));
        if row.stage == MoveStage::Kept
            && over
            && instances::online(core, row.instance)
            && let Err(error) = super::confirm(core, row).await
        {
            tracing::warn!(%error, "the old place of a models folder was not cleared");
        }
    }
    Ok(())
}
