//! Rows as windows see them, and telling windows about them.

use std::{sync::atomic::Ordering, time::Duration};

use corral_contract::{
    InstanceId, ModelId, Timestamp,
    event::AppEvent,
    labels::Label,
    models::ModelRow,
    size,
    status::{Run, Situation},
};
use sqlx::{Row, sqlite::SqliteRow};

use super::{
    operation,
    store::{self, StoredModel},
};
use crate::{Core, Result, db::from_json, downloads, instances};

/// Counts are told at most this often.
const COUNTS_EVERY: Duration = Duration::from_millis(250);

/// Completes a row of [`store::shown`] by what only lives in memory.
///
/// # Errors
/// `STRUCT_TRANSFORM` for words of another version.
pub(super) fn shown(core: &Core, row: &SqliteRow) -> Result<ModelRow> {
    let model = store::decode(row)?;
    let aliases = from_json(Some(row.get("aliases"))).unwrap_or_default();
    let last_sync = row.get::<Option<i64>, _>("last_sync").map(Timestamp);
    let checked = from_json(row.get::<Option<&str>, _>("checked"));
    let label = from_json(row.get::<Option<&str>, _>("label")).unwrap_or_default();
    let preload = row.get("preload");
    let update = from_json(row.get::<Option<&str>, _>("newer"));
    let last_used = row.get::<Option<i64>, _>("last_used").map(Timestamp);
    let pinned = row.get("pinned");
    let row = complete(core, model, row.get("has_log"), aliases, last_sync);
    Ok(ModelRow { checked, label, preload, update, last_used, pinned, ..row })
}

fn complete(
    core: &Core,
    model: StoredModel,
    has_log: bool,
    aliases: Vec<String>,
    last_sync: Option<Timestamp>,
) -> ModelRow {
    let live = downloads::live(core, model.id);
    let online = instances::online(core, model.instance);
    let status = model.status();
    let situation =
        Situation { status, online, files: model.on_server, queued_job: live.is_some() };
    let (job, progress) = live.unzip();
    // A row that did not change is not written by a sync: that it was confirmed then is known
    // from the instance.
    let seen_at = if model.on_server { model.seen_at.max(last_sync) } else { model.seen_at };
    ModelRow {
        id: model.id,
        name: model.name,
        size: model.bytes.map(size::format).unwrap_or_default(),
        from: model.origin,
        log_file_exist: has_log,
        status,
        message: model.message,
        created_at: model.created_at,
        instance: model.instance,
        install: model.install,
        run: model.run,
        bytes: model.bytes,
        registry: model.registry,
        digest: model.digest,
        modified_at: model.modified_at,
        family: model.family,
        parameter_size: model.parameter_size,
        quantization: model.quantization,
        context_length: model.context_length,
        capabilities: model.capabilities,
        cloud: model.cloud,
        aliases,
        memory: model.memory.filter(|_| matches!(model.run, Run::Running | Run::Stopping)),
        progress,
        job,
        operation: operation::running(core, model.id).map(|(task, _)| task),
        last_task: model.last_task,
        problem: model.problem,
        actions: situation.actions(),
        online,
        seen_at,
        checked: None,
        label: Label::default(),
        preload: false,
        update: None,
        last_used: None,
        pinned: false,
    }
}

/// The rows of these models, hidden and missing ones left out, by id.
///
/// # Errors
/// Database errors, `STRUCT_TRANSFORM`.
pub(super) async fn rows(core: &Core, ids: &[ModelId]) -> Result<Vec<ModelRow>> {
    let rows = store::shown::rows(core, ids).await?;
    rows.iter().map(|row| shown(core, row)).collect()
}

/// Tells the windows how these models are now; those gone or hidden as removed. Counts follow.
///
/// A row that cannot be read is logged: the windows then find out with their next search.
pub(crate) async fn publish(core: &Core, ids: &[ModelId]) {
    if ids.is_empty() {
        return;
    }
    {
        let _last_wins = core.models.publishing.lock().await;
        match rows(core, ids).await {
            Ok(rows) => {
                let gone: Vec<ModelId> = ids
                    .iter()
                    .copied()
                    .filter(|id| rows.binary_search_by_key(id, |row| row.id).is_err())
                    .collect();
                if !rows.is_empty() {
                    core.bus.send(AppEvent::Models(rows));
                }
                if !gone.is_empty() {
                    core.bus.send(AppEvent::ModelsRemoved(gone));
                }
            }
            Err(error) => tracing::warn!(%error, "changed rows could not be read"),
        }
    }
    counts_soon(core);
}

/// Tells the windows that many rows of an instance changed. Counts follow.
pub(crate) fn publish_all(core: &Core, instance: Option<InstanceId>) {
    core.bus.send(AppEvent::ModelsReload(instance));
    counts_soon(core);
}

/// Sends the counts a little later, once for all changes until then.
fn counts_soon(core: &Core) {
    if core.models.counts_due.swap(true, Ordering::SeqCst) {
        return;
    }
    let later = core.clone();
    core.supervisor.run("counts", async move {
        tokio::select! {
            () = later.supervisor.token().cancelled_owned() => return,
            () = tokio::time::sleep(COUNTS_EVERY) => {}
        }
        later.models.counts_due.store(false, Ordering::SeqCst);
        match super::counts(&later, None).await {
            Ok(counts) => later.bus.send(AppEvent::Counts(counts)),
            Err(error) => tracing::warn!(%error, "counts could not be read"),
        }
    });
}
