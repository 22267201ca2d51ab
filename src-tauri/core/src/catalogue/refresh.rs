//! Asking registries what the tags of the list really are.

use std::{sync::PoisonError, time::Duration};

use corral_contract::{
    ErrorCode, TaskId, WireError,
    catalogue::call,
    instances::InstanceRef,
    models::OpRef,
    name::ModelName,
    tasks::{Figures, TaskKind},
};
use futures_util::{StreamExt, stream};

use super::{
    store::{self, Said},
    whole,
};
use crate::{
    Core, Result, instances,
    registry::{Failure, Repository},
    router::Handle,
    tasks::{self, NewTask, Task},
};

/// Questions at once.
const AT_ONCE: usize = 4;
/// How long one may take.
const LIMIT: Duration = Duration::from_secs(20);
/// Questions without an answer in a row before the round is given up.
const PATIENCE: u32 = 5;
/// Answers after which windows are told how far it is.
const SHOWN_EVERY: u64 = 8;

/// Frees the place for the next round when it is dropped.
struct Turn(Core);

impl Turn {
    fn take(core: &Core, task: TaskId) -> std::result::Result<Turn, TaskId> {
        let mut now = core.catalogue.refreshing.lock().unwrap_or_else(PoisonError::into_inner);
        match *now {
            Some(other) => Err(other),
            None => {
                *now = Some(task);
                drop(now);
                Ok(Turn(core.clone()))
            }
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        *self.0.catalogue.refreshing.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Handle<call::Refresh> for Core {
    async fn handle(&self, InstanceRef { id }: InstanceRef) -> Result<OpRef> {
        instances::client(self, id)?;
        // A second wish while a round is under way is the same wish.
        if let Some(task) = self.catalogue.refreshing() {
            return Ok(OpRef { task });
        }
        let new = NewTask {
            kind: TaskKind::Catalogue,
            instance: None,
            model: None,
            target: String::new(),
            can_cancel: true,
        };
        let task = tasks::begin(self, new).await?;
        let op = OpRef { task: task.id() };
        let turn = match Turn::take(self, task.id()) {
            Ok(turn) => turn,
            Err(task) => return Ok(OpRef { task }),
        };
        let (core, version) = (self.clone(), instances::version(self, id));
        self.supervisor.run("catalogue", async move {
            let done = round(&core, version, &task).await;
            let problem = done.as_ref().err().filter(|error| error.code != ErrorCode::Cancelled);
            let kept = match (&done, problem) {
                (Err(_), None) => Ok(()),
                (_, problem) => store::refreshed(&core, problem).await,
            };
            if let Err(error) = kept {
                tracing::warn!(%error, "how the catalogue was refreshed is not kept");
            }
            drop(turn);
            task.finish(&done).await;
        });
        Ok(op)
    }
}

async fn round(core: &Core, server_version: Option<String>, task: &Task) -> Result<()> {
    task.phase("askingRegistries");
    let (entries, _) = whole(core).await?;
    let names: Vec<ModelName> = entries
        .iter()
        .flat_map(|(entry, _)| entry.tags.iter().filter_map(|tag| entry.name_of(&tag.tag)))
        .collect();
    let total = names.len() as u64;
    let ask = async |name: ModelName| {
        let repository = Repository {
            name,
            insecure: false,
            server_version: server_version.clone(),
            file: None,
        };
        let asked = tokio::time::timeout(LIMIT, core.registries.manifest(&repository)).await;
        let late = |_| Failure::retry(WireError::new(ErrorCode::RegistryUnreachable));
        (repository.name, asked.map_err(late).flatten())
    };
    let mut answers = stream::iter(names).map(ask).buffer_unordered(AT_ONCE);
    let (token, mut done, mut silent) = (task.token(), 0, 0);
    loop {
        let answer = tokio::select! {
            biased;
            () = token.cancelled() => return Err(WireError::new(ErrorCode::Cancelled)),
            answer = answers.next() => answer,
        };
        let Some((name, answer)) = answer else { return Ok(()) };
        let (bytes, digest, gone) = match answer {
            Ok(manifest) => (Some(manifest.total()), Some(manifest.digest), false),
            Err(failure) if failure.error.code == ErrorCode::ModelUnknown => (None, None, true),
            Err(failure) => {
                task.note(format!("{}: {}", name.display(), failure.error));
                silent += 1;
                // It asked to be left alone, or nobody is there: what is kept stays as it is.
                if failure.is_too_many() || silent >= PATIENCE {
                    return Err(failure.error);
                }
                done += 1;
                continue;
            }
        };
        silent = 0;
        done += 1;
        let said = Said { bytes, digest, gone, checked_at: core.now() };
        store::keep(core, &name.key(), &said).await?;
        if done % SHOWN_EVERY == 0 || done == total {
            task.figures(Figures { done, total, speed: None });
        }
    }
}
