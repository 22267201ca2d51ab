//! Newer versions of installed models.
//!
//! A registry's manifest is compared with the one that a server lists: two hashes say whether
//! anything changed, two lists of layers what. An update is a download like any other, but first
//! the version before gets a second name, `corral-backup/<model>-<id>:<digest>`, which no list of
//! Corral shows as long as it is needed. Once the new version has loaded, that name is deleted;
//! until then it is the way back. Names are all that is copied: a server keeps layers as long as
//! any name needs them.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use corral_contract::{
    ErrorCode, InstanceId, TaskId, WireError,
    models::{ModelRef, ModelRefs, OpRef},
    updates::{Applied, Refused, RolledBack, Snoozed, UpdateList, UpdatesOf, call},
};
use tokio::time::Instant;

use crate::{Core, Result, models, router::Handle};

mod apply;
mod before;
mod check;
mod store;
mod worker;

pub(crate) use before::{kept_names, loaded, own_names, proven};
pub(crate) use store::counts;
pub(crate) use worker::start;

/// The namespace of versions before an update.
const KEPT: &str = "corral-backup/";

/// Owned by the core.
#[derive(Default)]
pub(crate) struct State {
    /// The task that asks registries now.
    checking: Mutex<Option<TaskId>>,
    /// A registry asked to be left alone until then.
    not_before: Mutex<Option<Instant>>,
    /// Held by whoever changes what is kept of versions before.
    turn: tokio::sync::Mutex<()>,
    /// Nothing is kept, as far as is known: spares the pollers a question every few seconds.
    nothing_kept: AtomicBool,
}

impl State {
    fn checking(&self) -> Option<TaskId> {
        *self.checking.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keeps_something(&self) {
        self.nothing_kept.store(false, Ordering::SeqCst);
    }
}

/// Whether a name on a server may be a version before an update.
pub(crate) fn is_kept(name: &str) -> bool {
    name.get(..KEPT.len()).is_some_and(|start| start.eq_ignore_ascii_case(KEPT))
}

impl Handle<call::List> for Core {
    async fn handle(&self, UpdatesOf { instance_id }: UpdatesOf) -> Result<UpdateList> {
        Ok(UpdateList {
            items: store::list(self, instance_id).await?,
            checking: self.updates.checking(),
            checked_at: store::checked_at(self, instance_id).await?,
            unchecked: store::unchecked(self, instance_id).await?,
        })
    }
}

impl Handle<call::Check> for Core {
    async fn handle(&self, UpdatesOf { instance_id }: UpdatesOf) -> Result<OpRef> {
        Ok(OpRef { task: check::begin(self, check::Which::All(instance_id)).await? })
    }
}

impl Handle<call::Apply> for Core {
    async fn handle(&self, ModelRefs { ids }: ModelRefs) -> Result<Applied> {
        let mut applied = Applied { jobs: Vec::new(), refused: Vec::new() };
        for id in ids {
            let model = models::get(self, id).await?;
            match apply::apply(self, &model).await {
                Ok(job) => applied.jobs.push(job),
                Err(problem) => {
                    applied.refused.push(Refused { model: id, name: model.name, problem });
                }
            }
        }
        Ok(applied)
    }
}

impl Handle<call::Snooze> for Core {
    async fn handle(&self, ModelRefs { ids }: ModelRefs) -> Result<Snoozed> {
        let changed = store::snooze(self, &ids).await?;
        models::publish(self, &changed).await;
        Ok(Snoozed { changed: u32::try_from(changed.len()).unwrap_or(u32::MAX) })
    }
}

impl Handle<call::RollBack> for Core {
    async fn handle(&self, ModelRef { id }: ModelRef) -> Result<RolledBack> {
        Ok(RolledBack { digest: before::roll_back(self, id).await? })
    }
}

impl Handle<call::Accept> for Core {
    async fn handle(&self, ModelRef { id }: ModelRef) -> Result<Snoozed> {
        let changed = before::accept(self, id).await?;
        Ok(Snoozed { changed: u32::from(changed) })
    }
}

/// There is nothing that could be done.
fn nothing_there(name: &str) -> WireError {
    WireError::new(ErrorCode::NotFound).with("name", name)
}

/// Everything of one instance, or of all.
type Scope = Option<InstanceId>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_before_are_known_by_their_name() {
        assert!(is_kept("corral-backup/llama3.2-7:0123456789ab"));
        assert!(is_kept("Corral-Backup/x:y"));
        for other in ["llama3.2:3b", "corral-backup:latest", "me/corral-backup:1", "corral"] {
            assert!(!is_kept(other), "{other}");
        }
    }
}
