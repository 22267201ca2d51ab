use std::collections::BTreeMap;

use corral_contract::{
    ModelId,
    event::AppEvent,
    models::{DeleteModels, ModelRef, ModelRow, ModelSearchRequest, call},
};
use corral_testbed::ollama::library;

use crate::stage::Stage;

/// What a window keeps: rows by id, changed by events alone.
#[derive(Default)]
struct Store {
    rows: BTreeMap<ModelId, ModelRow>,
    last: u64,
}

impl Store {
    fn take(&mut self, event: &AppEvent) {
        match event {
            AppEvent::Models(rows) => {
                self.rows.extend(rows.iter().map(|row| (row.id, row.clone())));
            }
            AppEvent::ModelsRemoved(ids) => self.rows.retain(|id, _| !ids.contains(id)),
            _ => {}
        }
    }
}

// criterion: 0.8
#[tokio::test]
async fn events_alone_keep_a_store_true_and_a_duplicate_is_harmless() {
    let stage = Stage::quiet([library::pick("llama3.2:3b"), library::pick("qwen3:8b")]).await;
    let mut listener = stage.bench.core.bus.listen();
    let page = stage.bench.ask::<call::Search>(ModelSearchRequest::default()).await.expect("rows");
    let mut store = Store { last: page.seq, ..Store::default() };
    store.rows.extend(page.items.into_iter().map(|row| (row.id, row)));

    stage.start("llama3.2:3b").await;
    let id = stage.id("llama3.2:3b").await;
    let closing = stage.bench.ask::<call::Close>(ModelRef { id }).await.expect("it closes");
    stage.ended(closing.task).await;
    let delete =
        DeleteModels { ids: vec![stage.id("qwen3:8b").await], force: false, ..Default::default() };
    stage.bench.ask::<call::Delete>(delete).await.expect("it is accepted");
    // The end of the close is published after its task ended.
    stage.until("llama3.2:3b", |row| row.is_some_and(|row| row.operation.is_none())).await;

    let truth = stage.bench.ask::<call::Search>(ModelSearchRequest::default()).await.expect("rows");
    while store.last < truth.seq || store.rows.values().any(|row| row.operation.is_some()) {
        let envelope = listener.next().await.expect("the core lives");
        assert!(envelope.seq > store.last, "the numbers rise");
        store.last = envelope.seq;
        store.take(&envelope.event);
        store.take(&envelope.event);
    }
    let rows: Vec<ModelRow> = store.rows.into_values().collect();
    assert_eq!(rows, truth.items);
}
