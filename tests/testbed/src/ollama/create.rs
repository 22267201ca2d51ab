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
        model.name = lock(&self.shared.store).cased(&self.name);
        model.modified_at = None;
        model.config = None;
        if let Some(quantize) = &self.quantize {
            lines.status(&format!("quantizing F16 model to {quantize}")).await?;
            model.quantization = quantize.to_uppercase();
            let seed = format!("{} {quantize}", model.weights.digest);
            model.weights = Layer::imagined(LayerKind::Model, &seed, model.weights.size / 3);
        }
        self.change(&mut model);
        for layer in model.layers() {
            let known = (weights_known && layer.kind == LayerKind::Model)
                || lock(&self.shared.store).blob(&layer.digest).is_some();
            let verb = if known { "using existing layer" } else { "creating new layer" };
            lines.status(&format!("{verb} {}", layer.full_digest())).await?;
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

    /// Replaces what the request names, layer by layer; the others stay in their place.
    fn change(&self, model: &mut Model) {
        let mut others: Vec<Layer> = match &model.other_layers {
            Some(others) => others.clone(),
            None => model.layers().into_iter().filter(|l| !is_weights(l.kind)).collect(),
        };
        let mut replace =
            |layer: Layer| match others.iter_mut().find(|known| known.kind == layer.kind) {
                Some(known) => *known = layer,
                None => others.push(layer),
            };
        if let Some(template) = &self.template {
            replace(Layer::of(LayerKind::Template, template.clone()));
            model.template.clone_from(template);
        }
        if let Some(license) = &self.license {
            replace(Layer::of(LayerKind::License, license.clone()));
            model.license = Some(license.clone());
        }
        if let Some(system) = &self.system {
            replace(Layer::of(LayerKind::System, system.clone()));
            model.system = Some(system.clone());
        }
        if !self.parameters.is_empty() {
            for (key, value) in &self.parameters {
                model.params.retain(|(known, _)| known != key);
                model.params.push((key.clone(), value.clone()));
            }
            let params: Map<String, Value> = model.params.iter().cloned().collect();
            replace(Layer::of(LayerKind::Params, Value::Object(params).to_string()));
        }
        model.other_layers = Some(others);
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
        Ok(model)
    }

    async fn import(&self, lines: &Lines) -> Result<Model, Stop> {
        let mut imported = Err(Stop::Error("no files provided to convert".to_owned()));
        for digest in self.files.values().filter_map(Value::as_str) {
            lines.status("parsing GGUF").await?;
            let hex = digest.trim_start_matches("sha256:").trim_start_matches("sha256-");
            let blob = {
                let mut store = lock(&self.shared.store);
                // Also one that somebody else laid into the store.
                store.has(hex);
                store.blob(hex).cloned()
            };
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

fn is_weights(kind: LayerKind) -> bool {
    matches!(kind, LayerKind::Model | LayerKind::Projector)
}

/// The server rewrites what it imports, so the weights get another digest.
fn import_gguf(name: &Name, digest: &str, blob: &Blob) -> Result<Model, Stop> {
    if blob.data.as_ref().is_some_and(|data| !data.starts_with(b"GGUF")) {
        return Err(Stop::Error("supplied file was not in GGUF format".to_owned()));
    }
    let mut model = Model::new(&name.to_string());
    // Without a template in the request there is no layer for it.
    model.other_layers = Some(Vec::new());
    let seed = format!("rewritten {digest}");
    model.weights = Layer::imagined(LayerKind::Model, &seed, blob.size + 32);
    Ok(model)
}
