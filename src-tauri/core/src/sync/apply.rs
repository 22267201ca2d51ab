//! Writing the differences down, all in one transaction.

use corral_contract::{
    InstanceId, ModelId, Timestamp,
    name::ModelName,
    status::{Cause, Install, Origin, Run, Status},
    sync::{Change, FieldChange, SyncItem, SyncReport},
};
use sqlx::SqliteConnection;

use super::{diff::Diff, fields, store};
use crate::{
    Core, Result,
    db::failed,
    makes,
    models::store::{self as rows, NewModel, Step, StoredModel, listed},
    ollama::TagsModel,
};

/// Items that a report carries.
const MOST_ITEMS: usize = 1000;

/// Writes rows, history and the new hash; answers which rows changed.
///
/// A row whose download is in the queue keeps its install state: the queue decides.
pub(super) async fn apply(
    core: &Core,
    instance: InstanceId,
    diff: &Diff<'_>,
    hash: &str,
    report: &mut SyncReport,
) -> Result<Vec<ModelId>> {
    let now = core.now();
    let mut changed = Vec::new();
    let mut transaction = core.db.write().await?;
    for (name, item, mark) in &diff.added {
        if let Some(row) = add(&mut transaction, instance, name, item, *mark, now).await? {
            report.added += 1;
            tell(report, &row, Change::Added, || fields::new(&row));
            changed.push(row.id);
        }
    }
    let updated: Vec<ModelId> = diff.updated.iter().map(|(id, ..)| *id).collect();
    let mut known = listed::these(&mut transaction, &updated).await?;
    let mut renewed = Vec::new();
    for (id, item, mark) in &diff.updated {
        let Some(before) = known.remove(id) else { continue };
        let after = merged(&before, item, *mark, now);
        if told_differently(&before, &after) {
            report.updated += 1;
            tell(report, &after, Change::Updated, || fields::different(&before, &after));
            changed.push(*id);
        } else {
            report.unchanged += 1;
        }
        if listed::only_renewed(&before, &after) {
            renewed.push(after);
        } else {
            write(&mut transaction, &before, &after, now, "").await?;
        }
    }
    listed::renew(&mut transaction, &renewed).await?;
    let mut known = listed::these(&mut transaction, &diff.missing).await?;
    for id in &diff.missing {
        let Some(before) = known.remove(id) else { continue };
        let after = missing(&before);
        let note = "no longer on the server";
        write(&mut transaction, &before, &after, now, note).await?;
        report.removed += 1;
        tell(report, &after, Change::Removed, || fields::gone(&before));
        changed.push(*id);
    }
    store::seen_in(&mut transaction, instance, hash, now).await?;
    transaction.commit().await.map_err(failed)?;
    Ok(changed)
}

fn tell(
    report: &mut SyncReport,
    row: &StoredModel,
    change: Change,
    fields: impl FnOnce() -> Vec<FieldChange>,
) {
    if report.items.len() < MOST_ITEMS {
        let (model, name) = (Some(row.id), row.name.clone());
        report.items.push(SyncItem { model, name, change, fields: fields() });
    }
}

async fn add(
    connection: &mut SqliteConnection,
    instance: InstanceId,
    name: &ModelName,
    item: &TagsModel,
    mark: i64,
    now: Timestamp,
) -> Result<Option<StoredModel>> {
    let created_at = item.modified_at.unwrap_or(now);
    let made = makes::take(connection, instance, &name.key()).await?;
    let origin = if made.is_some() { Origin::Custom } else { origin_of(name, item) };
    let new = NewModel { instance, name, origin, install: Install::Ready, created_at };
    // `None`: a download was queued under this name in this moment; the next look compares it.
    let Some(id) = rows::insert(connection, new).await? else { return Ok(None) };
    let mut row = StoredModel::fresh(id, instance, name, origin, created_at);
    fill(&mut row, item, mark, now);
    rows::save(connection, &row).await?;
    let cause = if made.is_some() { Cause::User } else { Cause::Sync };
    let note = made.as_deref().unwrap_or_default();
    let step = Step { from: None, to: row.status(), at: now, cause, note };
    rows::remember(connection, (id, instance, &row.name), step).await?;
    Ok(Some(row))
}

/// Where a model that was found comes from, as far as its name and its details tell.
fn origin_of(name: &ModelName, item: &TagsModel) -> Origin {
    if item.remote_host.is_some() || !name.is_official() {
        Origin::Remote
    } else if item.details.family.is_none() && item.details.parameter_size.is_none() {
        // Models of the library always say what they are.
        Origin::Local
    } else {
        Origin::Official
    }
}

/// What the list says about a model.
fn fill(row: &mut StoredModel, item: &TagsModel, mark: i64, now: Timestamp) {
    row.cloud = item.remote_host.is_some();
    // A stub has no bytes here, its few bytes of manifest are not the model's size.
    row.bytes = item.size.filter(|_| !row.cloud);
    row.digest.clone_from(&item.digest);
    row.modified_at = item.modified_at;
    row.family.clone_from(&item.details.family);
    row.parameter_size.clone_from(&item.details.parameter_size);
    row.quantization.clone_from(&item.details.quantization);
    row.context_length = item.details.context_length;
    row.capabilities.clone_from(&item.capabilities);
    row.on_server = true;
    row.seen_at = Some(now);
    row.mark = Some(mark);
}

fn merged(before: &StoredModel, item: &TagsModel, mark: i64, now: Timestamp) -> StoredModel {
    let mut after = before.clone();
    fill(&mut after, item, mark, now);
    if let Ok(name) = ModelName::parse(&item.name) {
        // The server's way to write it wins.
        after.name = name.display();
    }
    let back = match before.install {
        Install::Unavailable => true,
        // A failed download that somebody else finished, or a failed start of other content.
        Install::Failed => !before.on_server || before.digest != after.digest,
        _ => false,
    };
    if back {
        after.install = Install::Ready;
        after.message.clear();
        after.problem = None;
    }
    after
}

fn missing(before: &StoredModel) -> StoredModel {
    let mut after = before.clone();
    after.on_server = false;
    after.mark = None;
    if matches!(before.install, Install::Ready | Install::Failed) {
        after.install = Install::Unavailable;
        after.run = Run::Stopped;
        after.memory = None;
        after.message.clear();
        after.problem = None;
    }
    after
}

/// Whether anybody would see a difference.
fn told_differently(before: &StoredModel, after: &StoredModel) -> bool {
    let mut same = after.clone();
    same.seen_at = before.seen_at;
    same.mark = before.mark;
    same != *before
}

async fn write(
    connection: &mut SqliteConnection,
    before: &StoredModel,
    after: &StoredModel,
    now: Timestamp,
    note: &str,
) -> Result<()> {
    rows::save(connection, after).await?;
    let (from, to): (Status, Status) = (before.status(), after.status());
    if from != to {
        let step = Step { from: Some(from), to, at: now, cause: Cause::Sync, note };
        rows::remember(connection, (after.id, after.instance, &after.name), step).await?;
    }
    Ok(())
}
