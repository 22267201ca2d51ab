//! The commands of the queue.

use corral_contract::{
    JobId, WireError,
    command::Nothing,
    downloads::{
        Changed, JobIds, JobLimit, JobPriority, JobState, MoveJob, QueueLimit, QueueView, call,
    },
    progress::WaitReason,
    settings::{self, Settings},
    status::Cause,
};

use super::{
    change::{after, cancel, ready_now, shift},
    conditions::is_hold,
    job::Job,
    queue::Queue,
    store,
};
use crate::{Core, Result, router::Handle};

impl Handle<call::List> for Core {
    async fn handle(&self, _: Nothing) -> Result<QueueView> {
        super::queue(self).await
    }
}

impl Handle<call::Pause> for Core {
    async fn handle(&self, JobIds { ids }: JobIds) -> Result<Changed> {
        let mut queue = self.downloads.queue.lock().await;
        let changed = pause(self, &mut queue, ids).await;
        after(self, &mut queue);
        changed
    }
}

impl Handle<call::PauseAll> for Core {
    async fn handle(&self, _: Nothing) -> Result<Changed> {
        let mut queue = self.downloads.queue.lock().await;
        let ids = queue.entries.keys().copied().collect();
        let changed = pause(self, &mut queue, ids).await;
        after(self, &mut queue);
        changed
    }
}

impl Handle<call::Resume> for Core {
    async fn handle(&self, JobIds { ids }: JobIds) -> Result<Changed> {
        let mut queue = self.downloads.queue.lock().await;
        let changed = resume(self, &mut queue, ids).await;
        after(self, &mut queue);
        changed
    }
}

impl Handle<call::ResumeAll> for Core {
    /// Failed ones stay failed: they are retried by name.
    async fn handle(&self, _: Nothing) -> Result<Changed> {
        let mut queue = self.downloads.queue.lock().await;
        let wanted = |id: &JobId| {
            let job = queue.entries.get(id).map(|entry| &entry.job);
            // What waits for a better moment goes on only when asked for by name, too.
            job.is_some_and(|job| job.is_open() && !job.wait.as_ref().is_some_and(is_hold))
        };
        let ids = queue.entries.keys().copied().filter(wanted).collect();
        let changed = resume(self, &mut queue, ids).await;
        after(self, &mut queue);
        changed
    }
}

impl Handle<call::Cancel> for Core {
    async fn handle(&self, JobIds { ids }: JobIds) -> Result<Changed> {
        let mut queue = self.downloads.queue.lock().await;
        let mut changed = 0;
        let mut result = Ok(());
        for id in ids {
            match cancel(self, &mut queue, id).await {
                Ok(done) => changed += u32::from(done),
                Err(error) => {
                    result = Err(error);
                    break;
                }
            }
        }
        after(self, &mut queue);
        result.map(|()| Changed { changed })
    }
}

impl Handle<call::Move> for Core {
    async fn handle(&self, MoveJob { id, before }: MoveJob) -> Result<Changed> {
        let mut queue = self.downloads.queue.lock().await;
        let Some(order) = queue.moved(id, before) else { return Ok(Changed { changed: 0 }) };
        // The places that these jobs hold together are dealt out anew.
        let mut places: Vec<i64> = order
            .iter()
            .filter_map(|each| queue.entries.get(each))
            .map(|entry| entry.job.position)
            .collect();
        places.sort_unstable();
        let dealt: Vec<_> = order
            .iter()
            .zip(places)
            .filter_map(|(each, place)| {
                queue.entries.get(each).map(|entry| (*each, entry.job.priority, place))
            })
            .collect();
        store::place(&self.db, &dealt).await?;
        for (each, _, place) in dealt {
            if let Some(entry) = queue.entries.get_mut(&each) {
                entry.job.position = place;
            }
        }
        after(self, &mut queue);
        Ok(Changed { changed: 1 })
    }
}

impl Handle<call::SetPriority> for Core {
    async fn handle(&self, JobPriority { id, priority }: JobPriority) -> Result<Changed> {
        let mut queue = self.downloads.queue.lock().await;
        let last = queue.entries.values().map(|entry| entry.job.position).max().unwrap_or(0);
        let Some(entry) = queue.entries.get_mut(&id) else { return Ok(Changed { changed: 0 }) };
        if !entry.job.is_open() || entry.job.priority == priority {
            return Ok(Changed { changed: 0 });
        }
        // At the end of its new priority, as if it had come now.
        store::place(&self.db, &[(id, priority, last + 1)]).await?;
        entry.job.priority = priority;
        entry.job.position = last + 1;
        after(self, &mut queue);
        Ok(Changed { changed: 1 })
    }
}

impl Handle<call::Next> for Core {
    async fn handle(&self, JobIds { ids }: JobIds) -> Result<Changed> {
        let mut queue = self.downloads.queue.lock().await;
        let places = queue.first(&ids);
        store::place(&self.db, &places).await?;
        for (id, priority, place) in &places {
            if let Some(entry) = queue.entries.get_mut(id) {
                (entry.job.priority, entry.job.position) = (*priority, *place);
            }
        }
        after(self, &mut queue);
        Ok(Changed { changed: u32::try_from(places.len()).unwrap_or(u32::MAX) })
    }
}

impl Handle<call::SetJobLimit> for Core {
    async fn handle(&self, JobLimit { id, kb }: JobLimit) -> Result<Changed> {
        let most = crate::settings::FASTEST_KB;
        if kb > most {
            return Err(WireError::field("kb", "outOfRange").with("min", 0).with("max", most));
        }
        let mut queue = self.downloads.queue.lock().await;
        let wanted = |job: &Job| job.is_wanted() && job.options.limit_kb != kb;
        if !queue.entries.get(&id).is_some_and(|entry| wanted(&entry.job)) {
            return Ok(Changed { changed: 0 });
        }
        let done =
            shift(self, &mut queue, id, Cause::User, |job| job.options.limit_kb = kb).await?;
        if let Some(entry) = queue.entries.get(&id) {
            entry.limit(&self.settings());
        }
        after(self, &mut queue);
        Ok(Changed { changed: u32::from(done) })
    }
}

impl Handle<call::SetLimit> for Core {
    async fn handle(&self, QueueLimit { parallel }: QueueLimit) -> Result<Changed> {
        let before = self.settings();
        let changed = u32::from(before.parallel_downloads != parallel);
        let wanted = Settings { parallel_downloads: parallel, ..before };
        Handle::<settings::call::Update>::handle(self, wanted).await?;
        after(self, &mut *self.downloads.queue.lock().await);
        Ok(Changed { changed })
    }
}

impl Handle<call::ClearFinished> for Core {
    async fn handle(&self, _: Nothing) -> Result<Changed> {
        let mut queue = self.downloads.queue.lock().await;
        let cleared = store::clear_finished(&self.db).await?;
        queue.entries.retain(|_, entry| {
            !matches!(entry.job.state, JobState::Done | JobState::Cancelled) || entry.run.is_some()
        });
        after(self, &mut queue);
        Ok(Changed { changed: u32::try_from(cleared).unwrap_or(u32::MAX) })
    }
}

pub(super) async fn pause(core: &Core, queue: &mut Queue, ids: Vec<JobId>) -> Result<Changed> {
    let mut changed = 0;
    for id in ids {
        let state = queue.entries.get(&id).map(|entry| entry.job.state);
        if !matches!(state, Some(JobState::Queued | JobState::Running)) {
            continue;
        }
        let done = shift(core, queue, id, Cause::User, |job| {
            job.state = JobState::Paused;
            job.wait = Some(WaitReason::User);
            job.retry_at = None;
        })
        .await?;
        if let Some(entry) = queue.entries.get_mut(&id) {
            entry.insists = false;
            if let Some(run) = &entry.run {
                run.cancel();
            }
        }
        changed += u32::from(done);
    }
    Ok(Changed { changed })
}

/// Paused and failed jobs go back into the queue; one that waits for its next try, for its instance
/// or for a better moment is tried now.
pub(super) async fn resume(core: &Core, queue: &mut Queue, ids: Vec<JobId>) -> Result<Changed> {
    let mut changed = 0;
    for id in ids {
        let Some(entry) = queue.entries.get(&id) else { continue };
        let job = &entry.job;
        let again = match job.state {
            JobState::Paused | JobState::Failed => true,
            JobState::Queued => job.wait.is_some(),
            _ => false,
        };
        if !again {
            continue;
        }
        let insists = job.wait.as_ref().is_some_and(is_hold);
        let now = core.now();
        let done = shift(core, queue, id, Cause::User, |job| {
            job.requeue(now);
            job.attempts = 0;
        })
        .await?;
        ready_now(queue, id);
        if let Some(entry) = queue.entries.get_mut(&id) {
            entry.insists |= insists;
        }
        changed += u32::from(done);
    }
    Ok(Changed { changed })
}
