//! Forgetting old reports, as the settings say.

use std::time::Duration;

use crate::{Core, signal::Signal};

use super::store::reports;

/// Between two looks; reports are small.
const EVERY: Duration = Duration::from_secs(3600);
const DAY: i64 = 86_400_000;

/// Starts the worker that forgets: now, every hour, and when the settings change.
pub(super) fn start(core: &Core) {
    let owner = core.clone();
    core.supervisor.spawn("sync-history", move |token| {
        let core = owner.clone();
        async move {
            let mut signals = core.signals.listen();
            loop {
                let settings = core.settings();
                let oldest = core.now().plus(-i64::from(settings.sync_keep_days) * DAY);
                let gone = reports::prune(&core, oldest, settings.sync_keep_reports).await?;
                if gone > 0 {
                    tracing::info!(reports = gone, "old reports of syncs forgotten");
                }
                core.supervisor.well("sync-history");
                let changed = async {
                    // A lag may have swallowed the one that counts.
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
