//! What a batch would do, before it is done.

use std::collections::BTreeMap;

use corral_contract::{
    ErrorCode, InstanceId, WireError,
    models::{BatchOp, BatchOperate, BatchPreview, BatchPreviewItem, Eviction, call},
    status::Run,
};

use super::work_of;
use crate::{
    Core, Result, instances,
    models::{
        delete, operation,
        store::{self, StoredModel},
    },
    router::Handle,
};

impl Handle<call::PreviewBatch> for Core {
    async fn handle(&self, BatchOperate { op, ids }: BatchOperate) -> Result<BatchPreview> {
        if ids.is_empty() {
            return Err(WireError::field("ids", "empty"));
        }
        let mut items: Vec<BatchPreviewItem> = Vec::with_capacity(ids.len());
        let mut able: BTreeMap<InstanceId, Vec<StoredModel>> = BTreeMap::new();
        let pinned = store::keep::pinned(self, &ids).await?;
        let rows = store::listed::these_now(self, &ids).await?;
        for id in ids {
            let row = rows.get(&id);
            let skipped = skipped(self, op, row).or_else(|| {
                let stays = op == BatchOp::Delete && pinned.contains(&id);
                stays.then(|| delete::pinned(row))
            });
            let (name, bytes) = row.map(|row| (row.name.clone(), row.bytes)).unwrap_or_default();
            if let (None, Some(row)) = (&skipped, row) {
                able.entry(row.instance).or_default().push(row.clone());
            }
            let skipped = match row {
                None => Some(store::missing(id)),
                Some(_) => skipped,
            };
            items.push(BatchPreviewItem { model: id, name, bytes, skipped });
        }
        let bytes = able.values().flatten().filter_map(|row| row.bytes).sum();
        let mut eviction = None;
        if op == BatchOp::Start {
            for (instance, rows) in able {
                eviction = eviction.or(evicts(self, instance, &rows).await?);
            }
        }
        Ok(BatchPreview { items, bytes, eviction })
    }
}

fn skipped(core: &Core, op: BatchOp, row: Option<&StoredModel>) -> Option<WireError> {
    let row = row?;
    if let Some((task, kind)) = operation::running(core, row.id) {
        return Some(operation::busy(task, kind));
    }
    if op == BatchOp::Delete {
        return delete::refusal(core, row.id, Some(row)).err();
    }
    if op == BatchOp::Verify && instances::store_path(core, row.instance).is_none() {
        let elsewhere = WireError::new(ErrorCode::StoreElsewhere);
        return Some(elsewhere.with("instance", row.instance));
    }
    operation::check(core, row, &work_of(op)).err()
}

/// Whether these models would push each other out of memory, or those that are there.
async fn evicts(
    core: &Core,
    instance: InstanceId,
    rows: &[StoredModel],
) -> Result<Option<Eviction>> {
    let loaded: Vec<StoredModel> = store::seen::loaded(core, instance).await?;
    let there = loaded.iter().filter(|row| row.run == Run::Running);
    let wanted = (rows.len() + there.clone().count()) as u32;
    let most = instances::most_loaded(core, instance).await.filter(|most| wanted > *most);
    let facts = core.host.facts();
    let memory = if instances::is_local(core, instance) {
        facts.vram_total.filter(|bytes| *bytes > 0).or(facts.ram_total)
    } else {
        None
    };
    let files: u64 = rows.iter().filter_map(|row| row.bytes).sum();
    let needed = files + there.filter_map(|row| row.memory).map(|memory| memory.bytes).sum::<u64>();
    let short = memory.filter(|memory| needed > *memory);
    if most.is_none() && short.is_none() {
        return Ok(None);
    }
    Ok(Some(Eviction { wanted, most, needed: short.map(|_| needed), memory: short }))
}
