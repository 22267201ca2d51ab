//! Copy, delete, push and the account: the small routes.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;

use super::name::Name;
use super::pull::progress;
use super::request::Fields;
use super::respond::{self, Gone, Lines, Refusal};
use super::shared::Shared;
use crate::patience::lock;

pub(crate) fn copy(shared: &Shared, fields: &Fields) -> Result<Response, Refusal> {
    let parse = |field: &str| {
        let text = fields.text(field)?.unwrap_or_default();
        let invalid = || Refusal::bad(format!("{field} {text:?} is invalid"));
        Ok((text, Name::parse(text).ok_or_else(invalid)?))
    };
    let (asked, source) = parse("source")?;
    let (_, destination) = parse("destination")?;
    let mut store = lock(&shared.store);
    let stored = store
        .find(&source)
        .ok_or_else(|| Refusal::missing(format!("model {asked:?} not found")))?;
    if source.key() != destination.key() {
        let mut model = stored.model.clone();
        model.name = store.cased(&destination);
        model.modified_at = None;
        store.write_manifest(model, shared.clock.now());
    }
    drop(store);
    shared.changes.note();
    Ok(respond::empty(StatusCode::OK))
}

pub(crate) fn delete(shared: &Shared, fields: &Fields) -> Result<Response, Refusal> {
    let asked = fields.model()?;
    if asked.is_empty() {
        return Err(Refusal::bad("model is required"));
    }
    let name =
        Name::parse(&asked).ok_or_else(|| Refusal::bad(format!("name {asked:?} is invalid")))?;
    if !lock(&shared.store).remove(&name) {
        return Err(Refusal::missing(format!("model '{asked}' not found")));
    }
    shared.changes.note();
    Ok(respond::empty(StatusCode::OK))
}

pub(crate) fn push(shared: &Arc<Shared>, fields: &Fields) -> Result<Response, Refusal> {
    let asked = fields.model()?;
    if asked.is_empty() {
        return Err(Refusal::bad("model is required"));
    }
    let name = Name::parse(&asked).ok_or_else(|| Refusal::bad("invalid model name"))?;
    let (lines, response) = Lines::stream();
    let shared = Arc::clone(shared);
    // A client that leaves ends the push; there is nobody to tell.
    tokio::spawn(async move { push_lines(&shared, &name, &lines).await.is_ok() });
    Ok(response)
}

async fn push_lines(shared: &Shared, name: &Name, lines: &Lines) -> Result<(), Gone> {
    lines.status("retrieving manifest").await?;
    let found = lock(&shared.store).find(name);
    let Some(stored) = found else {
        lines.status("couldn't retrieve manifest").await?;
        let path = lock(&shared.models_dir).join("manifests").join(name.path().join("/"));
        let text = format!("open {}: no such file or directory", path.display());
        return lines.line(&json!({ "error": text })).await;
    };
    for layer in stored.blobs() {
        let mut line = progress(layer, layer.size);
        let short = layer.digest.get(..12).unwrap_or_default();
        line["status"] = json!(format!("pushing {short}"));
        lines.line(&line).await?;
    }
    lines.status("pushing manifest").await?;
    lines.status("success").await
}

pub(crate) fn account(shared: &Shared) -> Result<Response, Refusal> {
    match &lock(&shared.knobs).account {
        Some(account) => Ok(respond::ok(account)),
        None => Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "account unavailable")),
    }
}

pub(crate) fn sign_out(shared: &Shared) -> Result<Response, Refusal> {
    match lock(&shared.knobs).account.take() {
        Some(_) => Ok(respond::ok(&serde_json::Value::Null)),
        None => {
            let text = "you are not currently signed in";
            Err(Refusal::new(StatusCode::UNAUTHORIZED, text))
        }
    }
}
