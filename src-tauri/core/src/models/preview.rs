//! What a delete would do.

use std::collections::{BTreeMap, HashMap};

use corral_contract::{
    InstanceId, ModelId,
    downloads::CleanUp,
    models::{DeleteItem, DeletePreview},
    name::ModelName,
    status::Run,
};

use super::{
    manifests,
    store::{self, StoredModel},
};
use crate::{Core, Result, instances};

/// Bytes are known where the store lies on this machine; models that are gone are left out.
pub(super) async fn preview(core: &Core, ids: &[ModelId]) -> Result<DeletePreview> {
    let mut chosen: BTreeMap<InstanceId, Vec<StoredModel>> = BTreeMap::new();
    for id in ids {
        if let Ok(row) = store::get(core, *id).await
            && row.hidden_until.is_none()
        {
            let rows = chosen.entry(row.instance).or_default();
            if !rows.iter().any(|each| each.id == row.id) {
                rows.push(row);
            }
        }
    }
    let pinned = store::keep::pinned(core, ids).await?;
    let trash_days = core.settings().trash_days;
    let mut items = Vec::new();
    let mut freed = Some(0);
    for (instance, rows) in chosen {
        let online = instances::online(core, instance);
        let ours = instances::store_seen(core, instance).writable == Some(true);
        let manifests = manifests::of_instance(core, instance).await?;
        let keys: Vec<&str> = rows.iter().map(|row| row.key.as_str()).collect();
        let plan = manifests.as_ref().map(|manifests| manifests.freed(&keys));
        for row in &rows {
            let row_only = !row.on_server || !online;
            let bytes = match (&plan, &manifests) {
                _ if row_only => Some(0),
                (Some(plan), Some(manifests)) if manifests.has(&row.key) => {
                    plan.by_key.get(&row.key).copied()
                }
                _ => None,
            };
            freed = freed.zip(bytes).map(|(sum, bytes)| sum + bytes);
            let names = plan.as_ref().and_then(|plan| plan.shared_with.get(&row.key));
            items.push(DeleteItem {
                id: row.id,
                name: row.name.clone(),
                bytes: row.bytes,
                freed: bytes,
                shared_with: names.map(|keys| display(keys)).unwrap_or_default(),
                running: row.run == Run::Running,
                row_only,
                pinned: pinned.contains(&row.id),
                kept: trash_days > 0 && ours && !row_only && !row.cloud,
            });
        }
    }
    // As the user chose them.
    let order: HashMap<ModelId, usize> =
        ids.iter().enumerate().map(|(place, id)| (*id, place)).collect();
    items.sort_by_key(|item| order.get(&item.id).copied());
    let undo_ms = i64::from(core.settings().undo_seconds) * 1000;
    Ok(DeletePreview { items, freed, undo_ms, trash_days })
}

/// Models that nothing uses now, with the bytes that deleting each alone frees.
pub(super) async fn idle(core: &Core, instance: InstanceId) -> Result<Vec<CleanUp>> {
    let Some(manifests) = manifests::of_instance(core, instance).await? else {
        return Ok(Vec::new());
    };
    let rows = store::seen::idle(core, instance).await?;
    let proposal = |row: StoredModel| CleanUp {
        bytes: manifests.freed(&[row.key.as_str()]).bytes,
        model: Some(row.id),
        name: row.name,
    };
    let ids: Vec<ModelId> = rows.iter().map(|row| row.id).collect();
    let pinned = store::keep::pinned(core, &ids).await?;
    let offered = |row: &StoredModel| manifests.has(&row.key) && !pinned.contains(&row.id);
    Ok(rows.into_iter().filter(offered).map(proposal).collect())
}

/// Keys as people know the names.
pub(super) fn display(keys: &[String]) -> Vec<String> {
    let name = |key: &String| ModelName::parse(key).map_or_else(|_| key.clone(), |it| it.display());
    keys.iter().map(name).collect()
}
