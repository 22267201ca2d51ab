//! The lists: installed, loaded, and the compatible one.

use std::sync::Arc;

use axum::body::Bytes;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::respond;
use super::shared::{Knobs, Shared};
use super::store::Stored;
use crate::patience::lock;

/// The last list and what it was made from.
#[derive(Debug)]
pub(crate) struct Cached {
    revision: u64,
    body: Bytes,
}

/// Drops the cached list after a knob changed its shape.
pub(crate) fn forget(shared: &Shared) {
    lock(&shared.tags).take();
}

pub(crate) fn tags(shared: &Shared) -> Response {
    let (revision, models) = {
        let mut store = lock(&shared.store);
        store.look_at_disk();
        (store.revision(), store.newest_first())
    };
    let mut cached = lock(&shared.tags);
    if let Some(known) = cached.as_ref().filter(|known| known.revision == revision) {
        return respond::with(StatusCode::OK, respond::JSON, known.body.clone());
    }
    let knobs = lock(&shared.knobs);
    let mut items: Vec<Value> = models.iter().map(|stored| tag(shared, stored, &knobs)).collect();
    if knobs.duplicate_in_tags {
        items = items.iter().flat_map(|item| [item.clone(), item.clone()]).collect();
    }
    let body = Bytes::from(json!({ "models": items }).to_string());
    *cached = Some(Cached { revision, body: body.clone() });
    respond::with(StatusCode::OK, respond::JSON, body)
}

fn tag(shared: &Shared, stored: &Stored, knobs: &Knobs) -> Value {
    let model = &stored.model;
    let name = model.name.to_string();
    let mut item = json!({
        "name": name,
        "model": name,
        "modified_at": shared.local_time(stored.modified_at),
        "size": stored.size,
        "digest": stored.digest,
        "details": model.details(),
    });
    if knobs.version.lists_capabilities() {
        item["details"]["context_length"] = json!(model.context_length);
        item["details"]["embedding_length"] = json!(model.embedding_length);
        item["capabilities"] = json!(model.capabilities);
    }
    reshape(&mut item, knobs);
    item
}

pub(crate) fn loaded(shared: &Arc<Shared>) -> Response {
    let runners = shared.scheduler.loaded(shared);
    let knobs = lock(&shared.knobs);
    let item = |runner: super::scheduler::Loaded| {
        let mut item = json!({
            "name": runner.name,
            "model": runner.name,
            "size": runner.size,
            "digest": runner.digest,
            "details": runner.details,
            "expires_at": shared.local_time(runner.expires_at),
            "size_vram": runner.size_vram,
        });
        if knobs.version.lists_context() {
            item["context_length"] = json!(runner.context_length);
        }
        reshape(&mut item, &knobs);
        item
    };
    let items: Vec<Value> = runners.into_iter().map(item).collect();
    respond::ok(&json!({ "models": items }))
}

pub(crate) fn compatible(shared: &Shared) -> Response {
    let models = lock(&shared.store).newest_first();
    let item = |stored: &Arc<Stored>| {
        json!({
            "id": stored.model.name.to_string(),
            "object": "model",
            "created": stored.modified_at.timestamp(),
            "owned_by": stored.model.name.namespace,
        })
    };
    let data: Vec<Value> = models.iter().map(item).collect();
    let data = if data.is_empty() { Value::Null } else { Value::Array(data) };
    let list = json!({ "object": "list", "data": data });
    // The compatible routes end their body with a line break.
    respond::with(StatusCode::OK, respond::BARE_JSON, format!("{list}\n"))
}

/// Adds keys of the future and drops keys an older server did not know.
pub(crate) fn reshape(item: &mut Value, knobs: &Knobs) {
    let Some(map) = item.as_object_mut() else { return };
    for field in &knobs.missing_fields {
        map.remove(field);
    }
    if knobs.unknown_fields {
        map.insert("future_field".to_owned(), json!({"deep": [1, "two", null]}));
    }
}
