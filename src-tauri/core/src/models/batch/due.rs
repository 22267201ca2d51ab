//! Doing deletes whose undo window is over. What waits is read from the database, so that it
//! survives a restart.

use std::time::Duration;

use corral_contract::BatchId;
use tokio_util::sync::CancellationToken;

use super::{run, store};
use crate::{Core, Result};

/// Longest wait before the clock is looked at again: it may have been set.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// The longest undo window there is, in ms; one that ends later was made before the clock was set
/// back.
const LONGEST: i64 = 60_000;

/// The worker that runs due deletes until `token` is cancelled.
pub(in crate::models) async fn keep_deleting(core: Core, token: CancellationToken) -> Result<()> {
    loop {
        let now = core.now();
        let mut wait = None;
        for (batch, until) in store::open_windows(&core).await? {
            let left = until.since(now);
            if left <= 0 {
                begin(&core, batch).await?;
            } else if left > LONGEST {
                let undo = i64::from(core.settings().undo_seconds) * 1000;
                store::reopen(&core, batch, now.plus(undo)).await?;
                wait = Some(Duration::ZERO);
            } else {
                let left = Duration::from_millis(left.cast_unsigned());
                wait = Some(wait.map_or(left, |shortest: Duration| shortest.min(left)));
            }
        }
        core.supervisor.well("deletes");
        // Without an open window there is nothing to look at before the next delete.
        let next = async {
            match wait {
                Some(wait) => tokio::time::sleep(wait.min(LOOK_EVERY)).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = token.cancelled() => return Ok(()),
            () = core.models.deletes.notified() => {}
            () = next => {}
        }
    }
}

async fn begin(core: &Core, batch: BatchId) -> Result<()> {
    if core.models.batches.has(batch) || !store::claim(core, batch).await? {
        return Ok(());
    }
    let owner = core.clone();
    core.supervisor.run("delete", async move { run(&owner, batch).await });
    Ok(())
}
