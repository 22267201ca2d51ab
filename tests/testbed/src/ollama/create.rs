//! `POST /api/create`: from an installed model, or from uploaded files.

use std::path::{Component, Path};
use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Map, Value, json};

use super::blobs;
use super::layer::{Layer, LayerKind};
use super::model::Model;
use super::name::Name;
use super::pull::{Pull, Stop};
use super::request::Fields;
use super::respond::{self, Lines, Refusal};
use super::shared::Shared;
use super::store::Blob;
use crate::patience::lock;
use crate::wire::Cutter;

struct Create {
    shared: Arc<Shared>,
    cutter: Cutter,
    name: Name,
    from: Option<Name>,
    files: Map<String, Value>,
    template: Option<String>,
    system: Option<String>,
    license: Option<String>,
    parameters: Map<String, Value>,
    quantize: Option<String>,
}

pub(crate) async fn create(
    shared: &Arc<Shared>,
    cutter: &Cutter,
    fields: &Fields,
) -> Result<Response, Refusal> {
    let invalid = || Refusal::bad("invalid model name");
    let name = Name::parse(&fields.model()?).ok_or_else(invalid)?;
    let from = fields.text("from")?.filter(|text| !text.is_empty());
    let from = from.map(|text| Name::parse(text).ok_or_else(invalid)).transpose()?;
    let files = fields.object("files")?;
    check_files(&files)?;
    if from.is_none() && files.is_empty() {
        let text = "neither 'from' or 'files' was specified";
        return Ok(Refusal::bad(text).bare_response());
    }
    let template = fields.text("template")?.map(str::to_owned);
    if template.as_ref().is_some_and(|text| text.matches("{{").count() > text.matches("}}").count())
    {
        let text = "template error: template: :1: unclosed action";
        return Ok(Refusal::bad(text).bare_response());
    }
    let license = match fields.get("license") {
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Array(list)) => {
            Some(list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n"))
        }
        _ => None,
    };
    let job = Create {
        shared: Arc::clone(shared),
        cutter: cutter.clone(),
        name,
        from,
        files,
        template,
        system: fields.text("system")?.map(str::to_owned),
        license,
        parameters: fields.object("parameters")?,
        quantize: fields.text("quantize")?.map(str::to_owned),
    };
    if fields.flag("stream")?.unwrap_or(true) {
        let (lines, response) = Lines::stream();
        tokio::spawn(async move {
            if let Err(Stop::Error(text)) = job.run(&lines).await {
                // The client may have gone meanwhile; then nobody misses the line.
                let _ = lines.line(&json!({ "error": text })).await;
            }
        });
        return Ok(response);
    }
    match job.run(&Lines::silent()).await {
        Err(Stop::Error(text)) => Ok(Refusal::internal(text).bare_response()),
        Err(Stop::Gone) => std::future::pending().await,
        Ok(()) => {
            let done = json!({"status": "success"});
            Ok(respond::json_body(StatusCode::OK, respond::BARE_JSON, &done))
        }
    }
}

fn check_files(files: &Map<String, Value>) -> Result<(), Refusal> {
    for (path, digest) in files {
        let relative = !path.starts_with('/')
            && Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
        if !relative {
            return Err(Refusal::bad("file path must be relative"));
        }
        blobs::parse(digest.as_str().unwrap_or_default())?;
    }
    Ok(())
}

impl Create {
    async fn run(&self, lines: &Lines) -> Result<(), Stop> {
        let (mut model, weights_known) = match &self.from {
            Some(from) => (self.base(lines, from).await?, true),
            None => (self.import(lines).await?, false),
        };
        model.name = self.name.clone();
        model.modified_at = None;
        model.config = None;
        model.other_layers = None;
        if let Some(template) = &self.template {
            model.template.clone_from(template);
        }
        model.system = self.system.clone().or(model.system);
        model.license = self.license.clone().or(model.license);
        for (key, value) in &self.parameters {
            model.params.retain(|(known, _)| known != key);
            model.params.push((key.clone(), value.clone()));
        }
        if let Some(quantize) = &self.quantize {
            lines.status(&format!("quantizing F16 model to {quantize}")).await?;
            model.quantization = quantize.to_uppercase();
            let seed = format!("{} {quantize}", model.weights.digest);
            model.weights = Layer::imagined(LayerKind::Model, &seed, model.weights.size / 3);
        }
        let plain = self.template.is_none() && self.from.is_none();
        for layer in model.layers() {
            // The default template is no layer of its own.
            if plain && layer.kind == LayerKind::Template {
                continue;
            }
            let known = (weights_known && layer.kind == LayerKind::Model)
                || lock(&self.shared.store).blob(&layer.digest).is_some();
            let verb = if known { "using existing layer" } else { "creating new layer" };
            lines.status(&format!("{verb} {}", layer.full_digest())).await?;
        }
        if plain {
            model.other_layers = Some(
                model
                    .layers()
                    .into_iter()
                    .skip(1)
                    .filter(|l| l.kind != LayerKind::Template)
                    .collect(),
            );
        }
        lines.status("writing manifest").await?;
        {
            let mut store = lock(&self.shared.store);
            let old = store.find(&self.name);
            store.install(model, self.shared.clock.now());
            if let Some(old) = old {
                store.drop_unused(&old);
            }
        }
        self.shared.changes.note();
        lines.status("success").await?;
        Ok(())
    }

    async fn base(&self, lines: &Lines, from: &Name) -> Result<Model, Stop> {
        let found = || lock(&self.shared.store).find(from);
        if found().is_none() {
            let pull = Pull {
                shared: Arc::clone(&self.shared),
                cutter: self.cutter.clone(),
                fault: None,
                name: from.clone(),
                insecure: false,
            };
            pull.run(lines).await?;
        }
        let stored = found().ok_or_else(|| Stop::Error(format!("model '{from}' not found")))?;
        let mut model = stored.model.clone();
        model.parent_model = from.to_string();
        // A model made without a template keeps having none.
        if let Some(others) = &model.other_layers
            && !others.iter().any(|layer| layer.kind == LayerKind::Template)
            && self.template.is_none()
        {
            model.other_layers = None;
        }
        Ok(model)
    }

    async fn import(&self, lines: &Lines) -> Result<Model, Stop> {
        let mut imported = Err(Stop::Error("no files provided to convert".to_owned()));
        for digest in self.files.values().filter_map(Value::as_str) {
            lines.status("parsing GGUF").await?;
            let hex = digest.trim_start_matches("sha256:").trim_start_matches("sha256-");
            let blob = lock(&self.shared.store).blob(hex).cloned();
            let Some(blob) = blob else {
                let path = self.shared.blob_path(hex);
                return Err(Stop::Error(format!("open {path}: no such file or directory")));
            };
            imported = import_gguf(&self.name, hex, &blob);
        }
        let model = imported?;
        lines.status("verifying conversion").await?;
        Ok(model)
    }
}

/// The server rewrites what it imports, so the weights get another digest.
fn import_gguf(name: &Name, digest: &str, blob: &Blob) -> Result<Model, Stop> {
    if blob.data.as_ref().is_some_and(|data| !data.starts_with(b"GGUF")) {
        return Err(Stop::Error("supplied file was not in GGUF format".to_owned()));
    }
    let mut model = Model::new(&name.to_string());
    let seed = format!("rewritten {digest}");
    model.weights = Layer::imagined(LayerKind::Model, &seed, blob.size + 32);
    Ok(model)
}
