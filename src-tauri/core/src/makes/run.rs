//! Making a model, step by step, as a task.

use std::{
    collections::HashSet,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use corral_contract::{ErrorCode, InstanceId, WireError, tasks::Figures};
use futures_util::StreamExt;
use tokio::time::{Instant, MissedTickBehavior};

use super::{
    blobs,
    body::{Sums, body},
    files::{self, Whole},
    plan::{Plan, same},
    store,
};
use crate::{
    Core, Result, instances, models, ollama::OllamaApi, signal::Signal, sync, tasks::Task,
};

/// Between two looks at how far it is.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Makes the model, then has a sync see it.
pub(super) async fn make(
    core: &Core,
    instance: InstanceId,
    plan: &Plan,
    overwrite: bool,
    task: &Task,
) -> Result<()> {
    let key = plan.name.key();
    store::order(core, instance, &key, &plan.note()).await?;
    let token = task.token();
    let mut asked = false;
    let done = tokio::select! {
        () = token.cancelled() => Err(WireError::new(ErrorCode::Cancelled)),
        done = work(core, instance, plan, overwrite, task, &mut asked) => done,
    };
    match &done {
        Ok(()) => {}
        // The server may still finish what it was asked for; then its origin is known.
        Err(error)
            if asked && matches!(error.code, ErrorCode::Cancelled | ErrorCode::ConnectionLost) =>
        {
            task.note("the connection was let go; the server may still make it");
        }
        Err(_) => store::forget(core, instance, &key).await?,
    }
    if done.is_ok() {
        sync::renew(core, instance).await?;
        if let Some(row) = models::find(core, instance, &plan.name).await? {
            // A sync takes the order of a new row; of a known one it is still there.
            models::made(core, row.id, &plan.note()).await?;
        }
    } else {
        core.signals.send(Signal::Operated(instance));
    }
    done
}

async fn work(
    core: &Core,
    instance: InstanceId,
    plan: &Plan,
    overwrite: bool,
    task: &Task,
    asked: &mut bool,
) -> Result<()> {
    let client = instances::client(core, instance)?;
    for part in plan.weights.iter().chain(&plan.adapters) {
        task.note(format!("{}: {} bytes", part.found.path, part.found.bytes));
    }
    let wholes = read(plan, task).await?;
    hand_over(&client, plan, &wholes, task).await?;
    // Somebody else may have taken the name meanwhile.
    let listed = client.tags().await?.models.into_iter().find(|it| same(&it.name, &plan.name));
    if let (Some(listed), false) = (&listed, overwrite) {
        return Err(WireError::new(ErrorCode::AlreadyExists).with("name", &listed.name));
    }
    let mut sums = wholes.iter().map(|whole| whole.digest.clone());
    let mut take = |parts: &[super::plan::Part]| -> Sums {
        let names = parts.iter().flat_map(|part| &part.files).map(|(name, _)| name.clone());
        names.zip(&mut sums).collect()
    };
    let (weights, adapters) = (take(&plan.weights), take(&plan.adapters));
    *asked = true;
    let layers = create(&client, &body(plan, &weights, &adapters), task).await?;
    for digest in weights.values().filter(|digest| !layers.contains(*digest)) {
        task.note(format!(
            "the server wrote these weights anew; {digest} belongs to no model now and goes at a \
             later start of the server"
        ));
    }
    task.phase("confirming");
    let there = client.tags().await?.models.iter().any(|it| same(&it.name, &plan.name));
    if there {
        Ok(())
    } else {
        Err(WireError::new(ErrorCode::BadAnswer).detail("the server does not list it"))
    }
}

/// Reads every file, in the order of the plan.
async fn read(plan: &Plan, task: &Task) -> Result<Vec<Whole>> {
    let paths: Vec<PathBuf> = plan.files().map(|(_, path)| path.clone()).collect();
    if paths.is_empty() {
        return Ok(Vec::new());
    }
    task.phase("reading");
    let total = plan.weights.iter().chain(&plan.adapters).map(|part| part.found.bytes).sum();
    let (done, token) = (Arc::new(AtomicU64::new(0)), task.token());
    let counted = done.clone();
    let reading = super::blocking(move || {
        let hears = |bytes| {
            counted.fetch_add(bytes, Ordering::Relaxed);
        };
        paths.iter().map(|path| files::digest(path, &token, hears)).collect::<Result<Vec<_>>>()
    });
    watched(task, &done, total, reading).await
}

async fn hand_over(
    client: &Arc<dyn OllamaApi>,
    plan: &Plan,
    wholes: &[Whole],
    task: &Task,
) -> Result<()> {
    if wholes.is_empty() {
        return Ok(());
    }
    task.phase("handingOver");
    let total = plan.weights.iter().chain(&plan.adapters).map(|part| part.found.bytes).sum();
    let (sent, token) = (Arc::new(AtomicU64::new(0)), task.token());
    let bringing = async {
        for ((name, path), whole) in plan.files().zip(wholes) {
            let placed =
                blobs::bring(client, plan.blobs.as_deref(), path, whole, &token, &sent).await?;
            task.note(format!("{name} {}: {}", whole.digest, placed.word()));
        }
        Ok(())
    };
    watched(task, &sent, total, bringing).await
}

/// Tells how far work is until it ends.
async fn watched<T>(
    task: &Task,
    done: &AtomicU64,
    total: u64,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    tokio::pin!(work);
    let began = Instant::now();
    let mut look = tokio::time::interval(LOOK_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            ended = &mut work => return ended,
            _ = look.tick() => {
                let done = done.load(Ordering::Relaxed).min(total);
                let took = began.elapsed();
                let measured = took >= Duration::from_millis(500) && done > 0;
                let speed = measured.then(|| (done as f64 / took.as_secs_f64()) as u64);
                task.figures(Figures { done, total, speed });
            }
        }
    }
}

/// Has the server make it and follows what it says; answers the digests of the layers.
async fn create(
    client: &Arc<dyn OllamaApi>,
    body: &serde_json::Value,
    task: &Task,
) -> Result<HashSet<String>> {
    task.phase("making");
    let mut layers = HashSet::new();
    let mut lines = client.create(body).await?;
    let (mut phase, mut said) = ("making", String::new());
    while let Some(line) = lines.next().await {
        let line = line?;
        let next = phase_of(&line.status).unwrap_or(phase);
        if next != phase {
            phase = next;
            task.phase(phase);
        }
        if line.status != said {
            task.note(&line.status);
            said.clone_from(&line.status);
        }
        layers.extend(
            line.status.split_whitespace().find(|it| it.starts_with("sha256:")).map(str::to_owned),
        );
        if let (Some(total), Some(done)) = (line.total, line.completed) {
            task.figures(Figures { done, total, speed: None });
        }
    }
    Ok(layers)
}

fn phase_of(status: &str) -> Option<&'static str> {
    const PHASES: [(&str, &str); 9] = [
        ("parsing", "parsing"),
        ("converting", "converting"),
        ("quantizing", "quantizing"),
        ("validating", "verifying"),
        ("verifying", "verifying"),
        ("creating new layer", "saving"),
        ("using", "saving"),
        ("writing manifest", "registering"),
        ("pulling", "fetching"),
    ];
    PHASES.iter().find(|(start, _)| status.starts_with(start)).map(|(_, phase)| *phase)
}
