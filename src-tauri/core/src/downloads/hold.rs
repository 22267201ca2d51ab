//! Downloads of one instance that another domain holds up for a while.

use std::time::Duration;

use corral_contract::{InstanceId, JobId, downloads::JobState};
use tokio::time::timeout;

use super::{
    change::after,
    commands::{pause, resume},
};
use crate::{Core, Result};

/// How long a transfer may take to let go of its files.
const LIMIT: Duration = Duration::from_secs(20);

/// Downloads of an instance that would be held up.
pub(crate) async fn active(core: &Core, instance: InstanceId) -> Vec<JobId> {
    let queue = core.downloads.queue.lock().await;
    let mine = queue
        .entries
        .values()
        .filter(|entry| entry.job.instance == instance && entry.job.state == JobState::Running);
    mine.map(|entry| entry.job.id).collect()
}

/// Pauses what an instance fetches now, and waits until nobody writes into its folder any more.
///
/// # Errors
/// Database errors.
pub(crate) async fn hold(core: &Core, instance: InstanceId) -> Result<Vec<JobId>> {
    let ids = active(core, instance).await;
    {
        let mut queue = core.downloads.queue.lock().await;
        pause(core, &mut queue, ids.clone()).await?;
        after(core, &mut queue);
    }
    let let_go = async {
        loop {
            let settled = core.downloads.settled.notified();
            tokio::pin!(settled);
            settled.as_mut().enable();
            let busy = {
                let queue = core.downloads.queue.lock().await;
                let mut mine = queue.entries.values().filter(|it| it.job.instance == instance);
                mine.any(|entry| entry.run.is_some())
            };
            if !busy {
                return;
            }
            settled.await;
        }
    };
    if timeout(LIMIT, let_go).await.is_err() {
        tracing::warn!(instance = %instance, "a download does not let go of its files");
    }
    Ok(ids)
}

/// Has the queue look whose turn it is.
pub(crate) fn look_again(core: &Core) {
    core.downloads.wake.notify_one();
}

/// Lets those go on that are still paused.
pub(crate) async fn release(core: &Core, ids: Vec<JobId>) {
    let mut queue = core.downloads.queue.lock().await;
    let paused = ids.into_iter().filter(|id| {
        queue.entries.get(id).is_some_and(|entry| entry.job.state == JobState::Paused)
    });
    let paused = paused.collect();
    if let Err(error) = resume(core, &mut queue, paused).await {
        tracing::warn!(%error, "downloads that were held up stay paused");
    }
    after(core, &mut queue);
}
