//! Removing what was chosen of a look. Everything is looked for once more and left alone when it
//! is not what it was; models among it become a delete with its own undo window.

use std::{
    collections::{HashMap, HashSet},
    path::PathBuf,
    time::{Duration, Instant},
};

use corral_contract::{
    ErrorCode, InstanceId, ModelId, WireError,
    disk::{
        ReclaimChoice, ReclaimItems, ReclaimKind, ReclaimOutcome, ReclaimRef, ReclaimReport,
        ReclaimResult, call,
    },
    models::BatchRef,
    tasks::{TaskKind, TaskRef},
};

use super::{
    Turn, blocking, changed, files,
    items::{Candidate, Way},
    look::{self, Looked},
    store::{self, Stage},
    trash, walk,
};
use crate::{
    Core, Result, downloads, instances, models,
    router::Handle,
    tasks::{self, NewTask, Task},
};

/// How long it is believed which blobs manifests name.
const NEEDED_ANEW: Duration = Duration::from_secs(2);
/// Days that let every model with a known last use be found again.
const ANY_USE: u32 = 1;

impl Handle<call::Reclaim> for Core {
    async fn handle(&self, ReclaimItems { instance, items }: ReclaimItems) -> Result<ReclaimRef> {
        if items.is_empty() {
            return Err(WireError::field("items", "empty"));
        }
        begin(self, instance, items).await
    }
}

impl Handle<call::Report> for Core {
    async fn handle(&self, TaskRef { id }: TaskRef) -> Result<ReclaimReport> {
        store::report(self, id)
            .await?
            .ok_or_else(|| WireError::new(ErrorCode::NotFound).with("task", id))
    }
}

async fn begin(
    core: &Core,
    instance: InstanceId,
    choices: Vec<ReclaimChoice>,
) -> Result<ReclaimRef> {
    let name = instances::view(core, instance).await?.name;
    let place = instances::store_now(core, instance).await?.path;
    let turn = Turn::take(core, place.map(PathBuf::from).unwrap_or_default())?;
    let Looked { items, store, .. } = look::look(core, instance, ANY_USE).await?;
    let mut found: HashMap<String, Candidate> =
        items.into_iter().map(|item| (item.shown.id.clone(), item)).collect();
    let mut results = Vec::new();
    let mut models = Vec::new();
    let mut rest = Vec::new();
    for ReclaimChoice { id, mark } in choices {
        match found.remove(&id) {
            Some(item) if item.shown.mark == mark => match item.way {
                Way::Model(model) => models.push((model, item)),
                _ => rest.push(item),
            },
            gone => {
                let kind = gone.as_ref().map(|item| item.shown.kind);
                let label = gone.map_or_else(|| id.clone(), |item| item.shown.label);
                let outcome = ReclaimOutcome::Changed;
                results.push(ReclaimResult { id, kind, label, bytes: 0, outcome, problem: None });
            }
        }
    }
    let batch = hand_over(core, models, &mut results).await;
    let new = NewTask {
        kind: TaskKind::Reclaim,
        instance: Some(instance),
        model: None,
        target: name,
        can_cancel: true,
    };
    let task = tasks::begin(core, new).await?;
    let id = task.id();
    let worker = core.clone();
    core.supervisor.run("reclaim", async move {
        let done = work(&worker, instance, store, rest, results, &task).await;
        drop(turn);
        changed(&worker, instance);
        task.finish(&done).await;
    });
    Ok(ReclaimRef { task: id, batch })
}

/// Models go the way of every delete.
async fn hand_over(
    core: &Core,
    chosen: Vec<(ModelId, Candidate)>,
    results: &mut Vec<ReclaimResult>,
) -> Option<BatchRef> {
    if chosen.is_empty() {
        return None;
    }
    let ids: Vec<ModelId> = chosen.iter().map(|(id, _)| *id).collect();
    let handed = models::remove(core, &ids).await;
    for (_, item) in chosen {
        let (outcome, problem) = match &handed {
            Ok(_) => (ReclaimOutcome::Handed, None),
            Err(error) => (ReclaimOutcome::Failed, Some(error.clone())),
        };
        results.push(result(&item, outcome, problem));
    }
    handed.ok()
}

async fn work(
    core: &Core,
    instance: InstanceId,
    store: Option<PathBuf>,
    items: Vec<Candidate>,
    mut results: Vec<ReclaimResult>,
    task: &Task,
) -> Result<()> {
    task.phase("removing");
    let mut bytes = 0;
    let token = task.token();
    let mut needed = store.map(|store| Needed { store, named: None, read: None });
    for item in items {
        let label = item.shown.label.clone();
        let (shown, kind) = (item.shown.clone(), item.shown.kind);
        let (outcome, problem) = match needed.as_mut() {
            _ if token.is_cancelled() => (ReclaimOutcome::Left, None),
            None if !look::is_own(&item.shown.id) => (ReclaimOutcome::Left, None),
            needed => remove(core, needed, item).await?,
        };
        if outcome == ReclaimOutcome::Removed {
            bytes += shown.bytes;
        }
        task.note(format!("{} {label}: {}", kind.as_str(), outcome.as_str()));
        results.push(ReclaimResult {
            id: shown.id,
            kind: Some(kind),
            label,
            bytes: shown.bytes,
            outcome,
            problem,
        });
    }
    let failed = results.iter().find_map(|result| result.problem.clone());
    let report = ReclaimReport { instance, at: core.now(), bytes, items: results };
    store::keep_report(core, task.id(), &report).await?;
    match failed {
        Some(problem) => Err(problem),
        None if token.is_cancelled() => Err(WireError::new(ErrorCode::Cancelled)),
        None => Ok(()),
    }
}

fn result(item: &Candidate, outcome: ReclaimOutcome, problem: Option<WireError>) -> ReclaimResult {
    ReclaimResult {
        id: item.shown.id.clone(),
        kind: Some(item.shown.kind),
        label: item.shown.label.clone(),
        bytes: item.shown.bytes,
        outcome,
        problem,
    }
}

/// Removes one item if it is still what it was.
async fn remove(
    core: &Core,
    needed: Option<&mut Needed>,
    item: Candidate,
) -> Result<(ReclaimOutcome, Option<WireError>)> {
    if let Some(needed) = needed.filter(|_| item.shown.kind == ReclaimKind::Orphan)
        && needed.has(core, &item).await?
    {
        return Ok((ReclaimOutcome::Changed, None));
    }
    // A few files: not worth another thread.
    if item.shown.mark != item.mark_now() {
        return Ok((ReclaimOutcome::Changed, None));
    }
    let done = match item.way {
        Way::Entry(entry) => {
            let gone = trash::leave(core, entry, Stage::Kept).await?;
            return Ok((
                if gone { ReclaimOutcome::Removed } else { ReclaimOutcome::Changed },
                None,
            ));
        }
        Way::Leftover(found) => {
            // It says no when somebody uses it after all.
            let gone = blocking(move || found.remove()).await?;
            return Ok((
                if gone { ReclaimOutcome::Removed } else { ReclaimOutcome::Changed },
                None,
            ));
        }
        Way::Blob(file) => blocking(move || files::remove(&file)).await?,
        Way::Folder(folder) => blocking(move || std::fs::remove_dir_all(folder)).await?,
        // They went before.
        Way::Model(_) => return Ok((ReclaimOutcome::Handed, None)),
    };
    Ok(match done {
        Ok(()) => (ReclaimOutcome::Removed, None),
        Err(error) => {
            let code = match error.kind() {
                std::io::ErrorKind::PermissionDenied => ErrorCode::StorePermission,
                _ => ErrorCode::FileSystem,
            };
            let problem = WireError::new(code).detail(error.to_string());
            (ReclaimOutcome::Failed, Some(problem))
        }
    })
}

/// Blobs that somebody needs, known anew every few seconds.
struct Needed {
    store: PathBuf,
    named: Option<HashSet<String>>,
    read: Option<Instant>,
}

impl Needed {
    /// Whether a manifest names a blob by now, or a download of ours began to want it. While a
    /// manifest cannot be read every blob is needed.
    async fn has(&mut self, core: &Core, item: &Candidate) -> Result<bool> {
        if self.read.is_none_or(|at| at.elapsed() > NEEDED_ANEW) {
            let store = self.store.clone();
            self.named = blocking(move || walk::named(&store)).await?;
            self.read = Some(Instant::now());
        }
        let hex = item.shown.id.strip_prefix("orphan:").unwrap_or_default();
        let wanted = downloads::wanted_layers(core).await;
        Ok(wanted.contains(&format!("sha256:{hex}"))
            || self.named.as_ref().is_none_or(|named| named.contains(hex)))
    }
}
