//! Loading a model into memory.

use std::time::Duration;

use corral_contract::{
    ErrorCode, WireError,
    models::{Memory, OpRef, StartModel, StartOptions, call},
    status::{Cause, Install, Run},
};

use super::{
    change::{Change, edit, set_run},
    operation::{self, Notify, Work},
    poll,
    store::{self, StoredModel},
};
use crate::{
    Core, Result, instances,
    ollama::{EmbeddingModel, OllamaApi},
    resources,
    router::Handle,
    running,
    tasks::Task,
};

/// Between two looks at the loaded models while waiting for one.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How long after its load a model may take to be listed as loaded.
const LISTED_WITHIN: Duration = Duration::from_secs(10);

impl Handle<call::Start> for Core {
    async fn handle(&self, request: StartModel) -> Result<OpRef> {
        let StartModel { id, options, preset, plain } = request;
        validate(&options)?;
        let StoredModel { key, instance, .. } = super::get(self, id).await?;
        resources::admit_start(self, instance)?;
        let options = running::options(self, &key, options, preset, plain).await?;
        let started =
            operation::begin(self, id, Work::Start(Some(options)), Notify::Failure).await?;
        Ok(OpRef { task: started.task() })
    }
}

/// Refuses what the server would refuse or misread, naming the field.
pub(crate) fn validate(options: &StartOptions) -> Result<()> {
    if let Some(keep) = &options.keep_alive
        && !is_keep_alive(keep)
    {
        return Err(WireError::field("keepAlive", "badDuration"));
    }
    let out_of_range = |field: &str, min: i64| {
        Err(WireError::field(field, "outOfRange").with("min", min).with("max", i32::MAX))
    };
    if options.num_ctx.is_some_and(|tokens| tokens < 4 || tokens > i32::MAX as u32) {
        return out_of_range("numCtx", 4);
    }
    if options.num_gpu.is_some_and(|layers| layers < -1) {
        return out_of_range("numGpu", -1);
    }
    if options.num_thread.is_some_and(|threads| threads > 4096) {
        return Err(WireError::field("numThread", "outOfRange").with("min", 0).with("max", 4096));
    }
    if options.num_batch.is_some_and(|batch| batch == 0 || batch > i32::MAX as u32) {
        return out_of_range("numBatch", 1);
    }
    if options.main_gpu.is_some_and(|gpu| gpu > 255) {
        return Err(WireError::field("mainGpu", "outOfRange").with("min", 0).with("max", 255));
    }
    Ok(())
}

/// Seconds, or numbers with Go's units such as `1h30m`; negative = for ever. Zero would unload at
/// once and is therefore not a way to load.
pub(crate) fn is_keep_alive(text: &str) -> bool {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return seconds.is_finite() && seconds != 0.0;
    }
    let mut rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    let mut sum = 0.0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(rest.len());
        let (number, tail) = rest.split_at(end);
        let Ok(number) = number.parse::<f64>() else { return false };
        let units = ["ns", "us", "µs", "ms", "s", "m", "h"];
        let Some(after) = units.iter().find_map(|unit| {
            let after = tail.strip_prefix(unit)?;
            // `m` is not the beginning of `ms`, nor `1mx` a time.
            (after.is_empty() || after.starts_with(|c: char| c.is_ascii_digit() || c == '.'))
                .then_some(after)
        }) else {
            return false;
        };
        sum += number;
        rest = after;
    }
    sum > 0.0
}

/// The operation behind `models.start`.
pub(super) async fn start(
    core: &Core,
    model: &StoredModel,
    task: &Task,
    options: &StartOptions,
) -> Result<()> {
    task.note(format!("start {} with {options:?}", model.name));
    set_run(core, model.id, Run::Starting, Change::by(Cause::User)).await?;
    let outcome = attempt(core, model, task, options).await;
    settle(core, model, task, outcome).await
}

/// Loads and waits until the server lists the model as loaded; `None` when it never does although
/// the load went well: another name shares its runner, or its time was over at once.
async fn attempt(
    core: &Core,
    model: &StoredModel,
    task: &Task,
    options: &StartOptions,
) -> Result<Option<Memory>> {
    let client = instances::client(core, model.instance)?;
    let limit = core.settings().load_timeout_seconds;
    task.phase("loading");
    let work = async {
        let load = load_either(client.as_ref(), model, task, options);
        tokio::time::timeout(Duration::from_secs(limit.into()), load).await.unwrap_or_else(
            |_| Err(WireError::new(ErrorCode::LoadTimedOut).with("seconds", limit)),
        )?;
        running::loaded(core, model.id, options);
        task.phase("confirming");
        let listed = async {
            loop {
                let loaded = client.ps().await?;
                if let Some(entry) = poll::entry_of(&loaded, &model.key, model.digest.as_deref()) {
                    return Ok(Some(poll::memory_of(entry)));
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        tokio::time::timeout(LISTED_WITHIN, listed).await.unwrap_or(Ok(None))
    };
    let token = task.token();
    tokio::select! {
        biased;
        () = token.cancelled() => Err(WireError::new(ErrorCode::Cancelled)),
        outcome = work => outcome,
    }
}

/// Asks in the way that fits the model, and in the other way if the server says so: old servers do
/// not tell what a model can do.
async fn load_either(
    client: &dyn OllamaApi,
    model: &StoredModel,
    task: &Task,
    options: &StartOptions,
) -> Result<()> {
    let kind = embedding(model);
    match client.load(&model.name, options, kind).await {
        Err(error) if error.code == ErrorCode::NotSupportedByModel => {
            task.warn(format!("asking in the other way: {error}"));
            let other = match kind {
                EmbeddingModel::Yes => EmbeddingModel::No,
                EmbeddingModel::No => EmbeddingModel::Yes,
            };
            client.load(&model.name, options, other).await
        }
        other => other,
    }
}

/// Whether a model only makes embeddings, as far as the server told.
pub(crate) fn embedding(model: &StoredModel) -> EmbeddingModel {
    let can = |what: &str| model.capabilities.iter().any(|each| each == what);
    let by_family = model.capabilities.is_empty()
        && model.family.as_deref().is_some_and(|family| family.contains("bert"));
    if can("embedding") && !can("completion") || by_family {
        EmbeddingModel::Yes
    } else {
        EmbeddingModel::No
    }
}

/// Puts the row into the state that the outcome of a load means.
pub(super) async fn settle(
    core: &Core,
    model: &StoredModel,
    task: &Task,
    outcome: Result<Option<Memory>>,
) -> Result<()> {
    match outcome {
        Ok(Some(memory)) => {
            running::measured(core, model.instance, &model.key, memory.vram).await?;
            task.note(format!("loaded, {} bytes, {} on the GPU", memory.bytes, memory.vram));
            edit(core, model.id, Change::by(Cause::User), |row| {
                row.run = Run::Running;
                row.memory = Some(memory);
                row.install = Install::Ready;
            })
            .await?;
            store::keep::used(core, &[model.id], core.now()).await?;
            Ok(())
        }
        Ok(None) => {
            task.warn("the server does not list it as loaded");
            set_run(core, model.id, Run::Stopped, Change::by(Cause::External)).await
        }
        Err(problem) if problem.code == ErrorCode::Cancelled => {
            // At the end of Corral the state is left to the next start, which asks the server.
            if !core.supervisor.token().is_cancelled() {
                take_back(core, model, task).await;
                set_run(core, model.id, Run::Stopped, Change::by(Cause::User)).await?;
            }
            Err(problem)
        }
        Err(problem) => {
            let (fault, cause) = (fault_of(&problem), Cause::User);
            if fault == Fault::Instance {
                instances::suspect(core, model.instance);
            }
            edit(core, model.id, Change::by(cause).problem(problem.clone()), |row| {
                row.memory = None;
                row.run = if fault == Fault::Instance { Run::Unknown } else { Run::Stopped };
                match fault {
                    Fault::Model => row.install = Install::Failed,
                    Fault::Gone => {
                        row.install = Install::Unavailable;
                        row.on_server = false;
                    }
                    Fault::Instance | Fault::Moment => {}
                }
            })
            .await?;
            Err(problem)
        }
    }
}

/// A cancelled load may have ended in the same moment: it is unloaded again.
async fn take_back(core: &Core, model: &StoredModel, task: &Task) {
    let Ok(client) = instances::client(core, model.instance) else { return };
    let loaded = client.ps().await.unwrap_or_default();
    if poll::entry_of(&loaded, &model.key, None).is_some()
        && let Err(error) = client.unload(&model.name, embedding(model)).await
    {
        task.warn(format!("unload after cancelling failed: {error}"));
    }
}

/// Whose fault a failed load is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// The model cannot be loaded like this.
    Model,
    /// The server no longer has it.
    Gone,
    /// The server could not be reached; nothing is known about the model.
    Instance,
    /// The server had no place just now.
    Moment,
}

fn fault_of(problem: &WireError) -> Fault {
    use ErrorCode as Code;
    match problem.code {
        Code::NotFound | Code::ModelUnknown => Fault::Gone,
        Code::ServerBusy | Code::Busy | Code::ShuttingDown => Fault::Moment,
        code if unreachable(code) => Fault::Instance,
        _ => Fault::Model,
    }
}

/// Codes that speak about the way to a server, not about what it said.
pub(super) fn unreachable(code: ErrorCode) -> bool {
    use ErrorCode as Code;
    matches!(
        code,
        Code::InstanceOffline
            | Code::ConnectionRefused
            | Code::ConnectionLost
            | Code::TimedOut
            | Code::DnsFailed
            | Code::TlsFailed
            | Code::AccessRefused
            | Code::NotOllama
            | Code::RedirectLoop
    )
}

/// Loads once more inside another operation, with the usual options of the model.
pub(super) async fn again(core: &Core, model: &StoredModel, task: &Task) -> Result<()> {
    let usual = running::options(core, &model.key, StartOptions::default(), None, false).await?;
    start(core, model, task, &usual).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_times_from_other_texts() {
        for good in ["10m", "-1", "600", "1h30m", "1.5h", "-1s", "500ms"] {
            assert!(is_keep_alive(good), "{good}");
        }
        for bad in ["", "0", "0s", "m", "ten", "5x", "1h3", "1mx", "NaN", "inf", "--1s"] {
            assert!(!is_keep_alive(bad), "{bad}");
        }
    }
}
