//! What Corral's end interrupted.

use super::{job, store};
use crate::Core;

/// Goes on with exports, imports and copies that were not over, in the background.
pub(crate) fn start(core: &Core) {
    let owner = core.clone();
    core.supervisor.run("moves", async move {
        let open = match store::open(&owner.db).await {
            Ok(open) => open,
            Err(error) => {
                tracing::warn!(%error, "what was to be moved is not known");
                return;
            }
        };
        for (row, wish) in open {
            tokio::select! {
                () = owner.supervisor.token().cancelled_owned() => return,
                () = job::again(&owner, row, wish) => {}
            }
        }
    });
}
