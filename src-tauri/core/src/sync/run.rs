//! One sync from its first question to its report.

use std::collections::HashSet;

use corral_contract::{
    ErrorCode, InstanceId, WireError,
    app::NoticeKind,
    event::AppEvent,
    sync::{SyncReport, Trigger},
    tasks::TaskKind,
};
use tokio_util::sync::CancellationToken;

use super::{Order, apply, diff, progress, store};
use crate::{
    Core, Result, disk, instances, models, notices,
    ollama::TagsAnswer,
    tasks::{self, NewTask, Task},
    updates,
};

/// More changed rows than this are told as one reload.
const TELL_EACH: usize = 200;

/// Compares the rows of an instance with its list. One that the user asked for is a task.
///
/// # Errors
/// What made it impossible: the instance could not be reached, its answer not be read, the
/// database not be written. The rows are then as before. The report of the failure is kept.
pub(super) async fn run(
    core: &Core,
    instance: InstanceId,
    order: Order,
    token: &CancellationToken,
) -> Result<SyncReport> {
    let target = store::name(core, instance).await?;
    let task = if order.trigger == Trigger::User {
        let new = NewTask {
            kind: TaskKind::Sync,
            instance: Some(instance),
            model: None,
            target: target.clone(),
            can_cancel: true,
        };
        Some(tasks::begin(core, new).await?)
    } else {
        None
    };
    let began = tokio::time::Instant::now();
    let mut report = SyncReport {
        id: 0,
        instance,
        trigger: order.trigger,
        added: 0,
        updated: 0,
        removed: 0,
        unchanged: 0,
        errors: Vec::new(),
        items: Vec::new(),
        started_at: core.now(),
        duration_ms: 0,
        task: task.as_ref().map(Task::id),
        asks_empty: false,
        completed: false,
    };
    progress(core, instance, 0, 0);
    let done = compare(core, order, task.as_ref(), token, &mut report).await;
    report.completed = done.is_ok();
    report.duration_ms = began.elapsed().as_millis() as u64;
    if let Err(problem) = &done
        && problem.code != ErrorCode::Cancelled
    {
        report.errors.push(problem.clone());
    }
    let changed = report.added + report.updated + report.removed > 0;
    if !order.quiet || changed || !report.errors.is_empty() {
        match store::reports::keep(core, &report).await {
            Ok(id) => report.id = id,
            Err(error) => tracing::warn!(%error, "the report of a sync was not kept"),
        }
        core.bus.send(AppEvent::SyncDone(report.clone()));
        instances::publish(core, instance).await;
    }
    if changed {
        // A look at the disk names models by their rows.
        disk::changed(core, instance);
    }
    count_failures(core, instance, &target, done.as_ref().err()).await;
    if let Some(task) = task {
        task.note(format!(
            "{} added, {} updated, {} removed, {} unchanged, {} errors",
            report.added,
            report.updated,
            report.removed,
            report.unchanged,
            report.errors.len()
        ));
        task.finish(&done).await;
    }
    done.map(|()| report)
}

async fn compare(
    core: &Core,
    order: Order,
    task: Option<&Task>,
    token: &CancellationToken,
    report: &mut SyncReport,
) -> Result<()> {
    let instance = report.instance;
    let phase = |name: &str| {
        if let Some(task) = task {
            task.phase(name);
        }
    };
    phase("listing");
    models::settle_renames(core, instance).await;
    // Names of our own are not there to be shown. One that goes while the list is asked for is in
    // the first set, one that comes in the second.
    let mut ours = own_names(core, instance).await?;
    let answer = ask(core, instance, task, token).await?;
    ours.extend(own_names(core, instance).await?);
    let total = answer.models.len();
    progress(core, instance, 0, total);
    let known_hash = store::hash(core, instance).await?;
    if known_hash.as_deref() == Some(answer.hash.as_str()) && !order.empty_is_true {
        report.unchanged = total as u32;
        return store::seen(core, instance, &answer.hash, core.now()).await;
    }
    phase("comparing");
    let known = store::known(core, instance).await?;
    if answer.models.is_empty()
        && !order.empty_is_true
        && known.iter().any(|row| row.on_server && !row.hidden)
    {
        let count = known.iter().filter(|row| row.on_server).count();
        report.asks_empty = true;
        report.errors.push(
            WireError::new(ErrorCode::EmptyListSuspicious)
                .with("instance", instance)
                .with("count", count),
        );
        return Ok(());
    }
    let diff = diff::diff(&answer.models, &known, &ours);
    report.unchanged = diff.unchanged;
    report.errors.extend(diff.errors.iter().cloned());
    if token.is_cancelled() || task.is_some_and(|task| task.token().is_cancelled()) {
        return Err(WireError::new(ErrorCode::Cancelled));
    }
    phase("saving");
    let changed = apply::apply(core, instance, &diff, &answer.hash, report).await?;
    progress(core, instance, total, total);
    if changed.len() > TELL_EACH {
        models::publish_all(core, Some(instance));
    } else {
        models::publish(core, &changed).await;
    }
    Ok(())
}

/// Names on a server that Corral made for itself and still needs, lower case.
async fn own_names(core: &Core, instance: InstanceId) -> Result<HashSet<String>> {
    let mut names = updates::own_names(core, instance).await?;
    names.extend(models::renamed_between(core, instance).await?);
    Ok(names.into_iter().map(|name| name.to_ascii_lowercase()).collect())
}

async fn ask(
    core: &Core,
    instance: InstanceId,
    task: Option<&Task>,
    token: &CancellationToken,
) -> Result<TagsAnswer> {
    let client = instances::client(core, instance)?;
    let cancelled = async {
        match task.map(Task::token) {
            Some(task) => tokio::select! {
                () = task.cancelled() => {}
                () = token.cancelled() => {}
            },
            None => token.cancelled().await,
        }
    };
    tokio::select! {
        biased;
        () = cancelled => Err(WireError::new(ErrorCode::Cancelled)),
        answer = client.tags() => answer.inspect_err(|_| instances::suspect(core, instance)),
    }
}

async fn count_failures(
    core: &Core,
    instance: InstanceId,
    target: &str,
    problem: Option<&WireError>,
) {
    let failures = {
        let mut table =
            core.sync.failures.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match problem {
            None => {
                table.remove(&instance);
                0
            }
            Some(problem) if problem.code == ErrorCode::Cancelled => 0,
            Some(_) => {
                let failures = table.entry(instance).or_default();
                *failures += 1;
                *failures
            }
        }
    };
    if failures == core.settings().sync_failures {
        notices::tell(core, NoticeKind::SyncFailing, target, problem.cloned()).await;
    }
}
