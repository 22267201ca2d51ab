//! What a batch would do, before it is done.

use std::collections::BTreeMap;

use corral_contract::{
    ErrorCode, InstanceId, WireError,
    models::{BatchOp, BatchOperate, BatchPreview, BatchPreviewItem, call},
};

use super::work_of;
use crate::{
    Core, Result, instances,
    models::{
        delete, operation,
        store::{self, StoredModel},
    },
    router::Handle,
    running,
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
        let mut start = None;
        if op == BatchOp::Start {
            for (instance, rows) in able {
                let foreseen = running::foresee(self, instance, &rows).await?;
                start = start.or(Some(foreseen).filter(|it| !it.evicts.is_empty()));
            }
        }
        Ok(BatchPreview { items, bytes, start })
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
