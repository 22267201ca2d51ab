//! Installing, updating and removing: one at a time, each written down before anything is done.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use corral_contract::{ErrorCode, TaskId, WireError, installs::RemoveOllama, tasks::TaskKind};

use super::{
    child::{self, Places, blocking},
    fetch, publish, recovery, release, run,
    store::{self, Version, Wish},
    switch,
};
use crate::{
    Core, Result, instances, steering,
    tasks::{self, NewTask, Task},
};

/// Begins what was asked for.
///
/// # Errors
/// `BUSY` while something else goes on; database errors.
pub(super) async fn begin(core: &Core, wish: Wish) -> Result<TaskId> {
    turn(core)?;
    let begun = async {
        let held = hold(core, &wish).await?;
        store::put_job(&core.db, &wish, None).await?;
        Ok((task(core, &wish, None).await?, held))
    }
    .await;
    go(core, wish, None, begun).await
}

/// Goes on with what an earlier Corral began.
///
/// # Errors
/// As [`begin`].
pub(super) async fn again(core: &Core, wish: Wish, version: Option<String>) -> Result<()> {
    turn(core)?;
    let begun = async {
        let held = hold(core, &wish).await?;
        Ok((task(core, &wish, version.as_deref()).await?, held))
    }
    .await;
    go(core, wish, version, begun).await.map(|_| ())
}

/// Takes the only turn.
///
/// # Errors
/// `BUSY` naming the task that has it.
pub(super) fn turn(core: &Core) -> Result<()> {
    core.installs.change(|live| match live.turn {
        Some(task) => {
            let busy =
                WireError::new(ErrorCode::Busy).with("operation", TaskKind::Install.as_str());
            Err(busy.with("task", task.0))
        }
        None => {
            live.turn = Some(TaskId(0));
            Ok(())
        }
    })
}

fn kind(wish: &Wish) -> TaskKind {
    match wish {
        Wish::Install(_) => TaskKind::Install,
        Wish::Update(_) => TaskKind::Upgrade,
        Wish::Remove(_) => TaskKind::Uninstall,
    }
}

/// The server that is there already: nobody else may start it or move its folder meanwhile.
async fn hold(core: &Core, wish: &Wish) -> Result<Option<steering::Turn>> {
    let instance = store::server(&core.db).await?.and_then(|server| server.instance);
    instance.map(|id| steering::Turn::take(core, id, kind(wish))).transpose()
}

async fn task(core: &Core, wish: &Wish, version: Option<&str>) -> Result<Task> {
    let kind = kind(wish);
    let wanted = match wish {
        Wish::Install(request) => request.version.clone(),
        Wish::Update(request) => request.version.clone(),
        Wish::Remove(_) => None,
    };
    let version = version.map(str::to_owned).or(wanted);
    let instance = store::server(&core.db).await?.and_then(|server| server.instance);
    let target = version.map_or_else(|| "Ollama".to_owned(), |version| format!("Ollama {version}"));
    let can_cancel = !matches!(wish, Wish::Remove(_));
    tasks::begin(core, NewTask { kind, instance, model: None, target, can_cancel }).await
}

async fn go(
    core: &Core,
    wish: Wish,
    version: Option<String>,
    begun: Result<(Task, Option<steering::Turn>)>,
) -> Result<TaskId> {
    let (task, held) = match begun {
        Ok(begun) => begun,
        Err(error) => {
            core.installs.change(|live| live.turn = None);
            return Err(error);
        }
    };
    let id = task.id();
    core.installs.change(|live| live.turn = Some(id));
    if let Some(held) = &held {
        held.of(id);
    }
    publish(core).await;
    let owner = core.clone();
    core.supervisor.run("install", async move {
        let done = work(&owner, &wish, version, &task).await;
        let ended = owner.supervisor.token().is_cancelled();
        // What Corral's own end interrupted goes on at the next start.
        if !(ended && done.is_err())
            && let Err(error) = store::drop_job(&owner.db).await
        {
            tracing::warn!(%error, "what was done is not crossed out");
        }
        if done.is_err()
            && !ended
            && let Err(error) = drop_unused(&owner).await
        {
            tracing::warn!(%error, "a version that is not used stays");
        }
        owner.installs.change(|live| live.turn = None);
        drop(held);
        task.finish(&done).await;
        publish(&owner).await;
    });
    Ok(id)
}

async fn work(core: &Core, wish: &Wish, version: Option<String>, task: &Task) -> Result<()> {
    let token = task.token();
    let work = async {
        match wish {
            Wish::Install(request) => {
                let from = request.file.clone();
                let version = version.or_else(|| request.version.clone());
                let version = bring(core, wish, from, version, task).await?;
                switch::first(core, request, &version, task).await
            }
            Wish::Update(request) => {
                let from = request.file.clone();
                let version = version.or_else(|| request.version.clone());
                let version = bring(core, wish, from, version, task).await?;
                switch::over(core, &version, task).await?;
                drop_unused(core).await
            }
            Wish::Remove(request) => remove(core, *request, task).await,
        }
    };
    tokio::select! {
        () = token.cancelled() => {
            // A server that was being tried is put in order by the part that began it.
            switch::settle_after_cancel(core, wish).await;
            Err(WireError::new(ErrorCode::Cancelled))
        }
        done = work => done,
    }
}

/// Sees to it that a version lies complete in the folder; answers which.
async fn bring(
    core: &Core,
    wish: &Wish,
    from: Option<String>,
    version: Option<String>,
    task: &Task,
) -> Result<String> {
    task.phase("lookingUp");
    if let Some(file) = from {
        return fetch::from_file(core, PathBuf::from(file), task).await;
    }
    let parts = super::parts(core);
    let version = match version {
        Some(version) => version,
        None => super::look(core).await?.version,
    };
    if !release::is_version(&version) {
        return Err(WireError::field("version", "malformed"));
    }
    store::put_job(&core.db, wish, Some(&version)).await?;
    task.note(format!("version {version}"));
    if store::versions(&core.db).await?.iter().any(|row| row.version == version) {
        task.note("it is here already");
        return Ok(version);
    }
    fetch::from_release(core, &version, &parts, task).await?;
    Ok(version)
}

/// Removes versions that are neither active nor the one before, and what was fetched of others.
///
/// # Errors
/// Database errors.
pub(super) async fn drop_unused(core: &Core) -> Result<()> {
    let server = store::server(&core.db).await?;
    let kept: Vec<String> = server
        .into_iter()
        .flat_map(|server| std::iter::once(server.active).chain(server.previous))
        .collect();
    for Version { version, .. } in store::versions(&core.db).await? {
        if !kept.contains(&version) {
            store::drop_version(&core.db, &version).await?;
            let folder = Places::of(core).version(&version);
            blocking(move || {
                recovery::discard(&folder);
                Ok(())
            })
            .await?;
        }
    }
    Ok(())
}

/// Stops the server and removes everything of it. Each step can be done again.
async fn remove(core: &Core, request: RemoveOllama, task: &Task) -> Result<()> {
    task.phase("stopping");
    run::stop(core, child::GRACE).await?;
    let server = store::server(&core.db).await?;
    if let Some(id) = server.as_ref().and_then(|server| server.instance) {
        instances::forget_managed(core, id).await?;
    }
    task.phase("removing");
    store::drop_server(&core.db).await?;
    drop_unused(core).await?;
    let places = Places::of(core);
    let own = server.is_none_or(|server| places.models() == Path::new(&server.models));
    blocking(move || {
        recovery::discard(&places.versions());
        recovery::discard(&places.fetching());
        if request.models && own {
            recovery::discard(&places.models());
        }
        Ok(())
    })
    .await?;
    core.installs.change(|live| *live = super::Live { turn: live.turn, ..super::Live::default() });
    Ok(())
}

/// How long work that goes on for long waits between two notes of how far it is.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(250);
