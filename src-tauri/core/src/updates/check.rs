//! Asking registries whether they have something newer.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::PoisonError,
    time::Duration,
};

use corral_contract::{
    ErrorCode, InstanceId, TaskId, WireError,
    models::LayerInfo,
    name::ModelName,
    tasks::{Figures, TaskKind},
    updates::WhyUnchecked,
};
use futures_util::{StreamExt, stream};
use tokio::time::Instant;

use super::{
    Scope,
    store::{self, Candidate, Found},
    worker,
};
use crate::{
    Core, Result, downloads, instances, models,
    registry::{Failure, Manifest, Repository},
    tasks::{self, NewTask, Task},
};

/// Questions at once.
const AT_ONCE: usize = 4;
/// How long one may take.
const LIMIT: Duration = Duration::from_secs(20);
/// Questions without an answer in a row before the round is given up.
const PATIENCE: u32 = 5;
/// For how long a registry that wants to be left alone is, unless it says so itself.
const LEFT_ALONE: Duration = Duration::from_secs(15 * 60);
/// Answers after which windows are told how far it is.
const SHOWN_EVERY: u64 = 8;

/// Which models are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    All(Scope),
    /// Those whose time has come.
    Due,
}

/// Frees the place for the next round when it is dropped.
struct Turn(Core);

impl Drop for Turn {
    fn drop(&mut self) {
        *self.0.updates.checking.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// Begins a round, or answers the one that is under way.
///
/// # Errors
/// Database errors.
pub(super) async fn begin(core: &Core, which: Which) -> Result<TaskId> {
    if let Some(task) = core.updates.checking() {
        return Ok(task);
    }
    let instance = match which {
        Which::All(scope) => scope,
        Which::Due => None,
    };
    let new = NewTask {
        kind: TaskKind::Updates,
        instance,
        model: None,
        target: String::new(),
        can_cancel: true,
    };
    let task = tasks::begin(core, new).await?;
    let id = task.id();
    let other = {
        let mut now = core.updates.checking.lock().unwrap_or_else(PoisonError::into_inner);
        let other = *now;
        now.get_or_insert(id);
        other
    };
    if let Some(other) = other {
        task.finish(&Ok(())).await;
        return Ok(other);
    }
    let (turn, core) = (Turn(core.clone()), core.clone());
    core.clone().supervisor.run("updates", async move {
        let done = round(&core, which, &task).await;
        drop(turn);
        task.finish(&done).await;
    });
    Ok(id)
}

async fn round(core: &Core, which: Which, task: &Task) -> Result<()> {
    task.phase("comparing");
    let scope = match which {
        Which::All(scope) => scope,
        Which::Due => None,
    };
    let mut candidates = store::candidates(core, scope).await?;
    if which == Which::Due {
        candidates.retain(|each| worker::is_due(core, each));
    }
    let total = candidates.len() as u64;
    let layers = layers(core, &candidates).await?;
    let ask = async |candidate: Candidate| {
        let found = compare(core, &candidate, &layers).await;
        (candidate, found)
    };
    let mut answers = stream::iter(candidates).map(ask).buffer_unordered(AT_ONCE);
    let (token, mut done, mut silent, mut changed) = (task.token(), 0, 0, Vec::new());
    let end = loop {
        let answer = tokio::select! {
            biased;
            () = token.cancelled() => break Err(WireError::new(ErrorCode::Cancelled)),
            answer = answers.next() => answer,
        };
        let Some((candidate, found)) = answer else { break Ok(()) };
        done += 1;
        let found = match found {
            Ok(found) => {
                silent = 0;
                found
            }
            Err(failure) => {
                task.note(format!("{}: {}", candidate.name, failure.error));
                if failure.is_too_many() {
                    leave_alone(core, failure.retry_after);
                    break Err(failure.error);
                }
                silent += 1;
                let (why, problem) = (WhyUnchecked::Silent, Some(failure.error.clone()));
                store::keep(core, &candidate, &Found::Not { why, problem }).await?;
                if silent >= PATIENCE {
                    break Err(failure.error);
                }
                continue;
            }
        };
        store::keep(core, &candidate, &found).await?;
        if let Found::Offered { digest, .. } = &found
            && *digest != candidate.digest
        {
            task.note(format!("{}: {digest}", candidate.name));
        }
        changed.push(candidate.id);
        if done % SHOWN_EVERY == 0 || done == total {
            task.figures(Figures { done, total, speed: None });
        }
    };
    models::publish(core, &changed).await;
    end
}

/// Layers of the models whose stores can be seen, by instance and key.
async fn layers(
    core: &Core,
    candidates: &[Candidate],
) -> Result<HashMap<InstanceId, BTreeMap<String, Vec<LayerInfo>>>> {
    let instances: BTreeSet<InstanceId> = candidates.iter().map(|each| each.instance).collect();
    let mut layers = HashMap::new();
    for instance in instances {
        if let Some(all) = models::layers_of_store(core, instance).await? {
            layers.insert(instance, all);
        }
    }
    Ok(layers)
}

async fn compare(
    core: &Core,
    of: &Candidate,
    layers: &HashMap<InstanceId, BTreeMap<String, Vec<LayerInfo>>>,
) -> std::result::Result<Found, Failure> {
    if models::made_here(core, of.instance, &of.key).await {
        return Ok(Found::Not { why: WhyUnchecked::MadeHere, problem: None });
    }
    let name = ModelName::parse(&of.name)
        .map_err(|error| Failure::retry(WireError::field("name", error.as_str())))?;
    let insecure = downloads::last_options(core, of.id).await.is_ok_and(|it| it.insecure);
    let server_version = instances::version(core, of.instance);
    let repository = Repository { name, insecure, server_version, file: None };
    let asked = tokio::time::timeout(LIMIT, core.registries.manifest(&repository)).await;
    let late = |_| {
        let error = WireError::new(ErrorCode::RegistryUnreachable);
        Failure::retry(error.with("why", ErrorCode::TimedOut.as_str()))
    };
    let manifest = match asked.map_err(late).flatten() {
        Ok(manifest) => manifest,
        Err(failure) if failure.error.code == ErrorCode::ModelUnknown => {
            return Ok(Found::Not { why: WhyUnchecked::TagGone, problem: None });
        }
        Err(failure) => return Err(failure),
    };
    let here = layers.get(&of.instance).and_then(|all| all.get(&of.key));
    let bytes = match manifest.digest == of.digest {
        true => Some(0),
        // What cannot be known here is not known.
        false => downloads::missing_bytes(core, of.instance, &manifest).await.unwrap_or(None),
    };
    let changed = here.map_or_else(Vec::new, |here| changed(here, &manifest));
    let pushed_at = manifest.pushed_at;
    Ok(Found::Offered { digest: manifest.digest, bytes, changed, pushed_at })
}

/// Kinds of layers that are not the same.
fn changed(here: &[LayerInfo], there: &Manifest) -> Vec<String> {
    let mut kinds: BTreeMap<&str, (BTreeSet<&str>, BTreeSet<&str>)> = BTreeMap::new();
    for layer in here {
        kinds.entry(&layer.kind).or_default().0.insert(&layer.digest);
    }
    for blob in &there.blobs {
        kinds.entry(&blob.kind).or_default().1.insert(&blob.digest);
    }
    let differ = |(kind, (here, there)): (&str, (BTreeSet<&str>, BTreeSet<&str>))| {
        (here != there).then(|| kind.to_owned())
    };
    kinds.into_iter().filter_map(differ).collect()
}

fn leave_alone(core: &Core, asked: Option<Duration>) {
    let pause = asked.unwrap_or(LEFT_ALONE).max(LEFT_ALONE);
    let mut until = core.updates.not_before.lock().unwrap_or_else(PoisonError::into_inner);
    *until = Some(Instant::now() + pause);
}
