//! A change that Corral began and did not see the end of.

use corral_contract::{ErrorCode, InstanceId, tasks::TaskKind};

use super::{apply, store, store::Begun};
use crate::{
    Core, Result, instances,
    steering::{self, Changes},
};

/// Finishes or takes back what the last run left; in the background, because servers are asked.
pub(crate) fn start(core: &Core) {
    let worker = core.clone();
    core.supervisor.run("changes of variables", async move {
        match store::open(&worker).await {
            Ok(open) => {
                for begun in open {
                    let id = begun.id;
                    if let Err(error) = finish(&worker, begun).await {
                        tracing::warn!(instance = %id, %error, "a change of variables stays open");
                    }
                }
            }
            Err(error) => tracing::warn!(%error, "open changes of variables not read"),
        }
    });
}

async fn finish(core: &Core, begun: Begun) -> Result<()> {
    let Begun { id, before, after } = begun;
    let control = steering::control_of(core, id).await?;
    let (now, _) = control.preview_environment(&Changes::new()).await?;
    if now != after {
        // Not written yet, or written over by hand: either way there is nothing of ours.
        return store::end(&core.db, id).await;
    }
    let turn = steering::Turn::take(core, id, TaskKind::Configure)?;
    let task = steering::open(core, id, TaskKind::Configure).await?;
    turn.of(task.id());
    let done = keep_or_take_back(core, id, &control, &before, &after, &task).await;
    drop(turn);
    instances::look_now(core, id).await;
    task.finish(&done).await;
    done
}

async fn keep_or_take_back(
    core: &Core,
    id: InstanceId,
    control: &std::sync::Arc<dyn steering::ServiceControl>,
    before: &str,
    after: &str,
    task: &crate::tasks::Task,
) -> Result<()> {
    let host = control.environment().await?.remove("OLLAMA_HOST");
    let url = instances::listening(host.as_deref()).0;
    task.phase("untilAnswering");
    let there = instances::client_at(core, id, &url)?;
    match steering::answering(core, &**control, &*there).await {
        Ok(version) => {
            task.note(format!("answers as {version}; the change stays"));
            match apply::follow(core, id, &url).await {
                Err(error) if error.code == ErrorCode::AlreadyExists => {}
                followed => followed?,
            }
        }
        Err(error) => {
            task.warn(error.to_string());
            apply::take_back(core, id, control, before, after, task).await?;
        }
    }
    store::end(&core.db, id).await
}
