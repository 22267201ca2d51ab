//! `POST /api/pull`: the stream of lines, in exactly the recorded order.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::catalogue::Pullable;
use super::downloads::TICK;
use super::fault::{StreamEnd, StreamFault};
use super::layer::{Layer, LayerKind};
use super::model::Model;
use super::name::Name;
use super::request::Fields;
use super::respond::{self, Gone, Lines, Refusal};
use super::shared::Shared;
use crate::patience::lock;
use crate::wire::Cutter;

/// How a job of lines stopped before its end.
pub(crate) enum Stop {
    /// This error is the last line.
    Error(String),
    /// Nobody listens any more, or a fault already ended the stream.
    Gone,
}

impl From<Gone> for Stop {
    fn from(_: Gone) -> Self {
        Self::Gone
    }
}

pub(crate) async fn pull(
    shared: &Arc<Shared>,
    cutter: &Cutter,
    fault: Option<StreamFault>,
    fields: &Fields,
) -> Result<Response, Refusal> {
    let insecure = fields.flag("insecure")?.unwrap_or(false);
    let stream = fields.flag("stream")?.unwrap_or(true);
    let name = Name::parse(&fields.model()?).ok_or_else(|| Refusal::bad("invalid model name"))?;
    let job = Pull { shared: Arc::clone(shared), cutter: cutter.clone(), fault, name, insecure };
    if stream {
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

/// One pull.
pub(crate) struct Pull {
    pub(crate) shared: Arc<Shared>,
    pub(crate) cutter: Cutter,
    pub(crate) fault: Option<StreamFault>,
    pub(crate) name: Name,
    pub(crate) insecure: bool,
}

impl Pull {
    pub(crate) async fn run(&self, lines: &Lines) -> Result<(), Stop> {
        lines.status("pulling manifest").await?;
        let found = lock(&self.shared.catalogue).find(&self.name, self.insecure);
        let (model, blob_error, corrupt) = match found {
            Err(text) | Ok(Pullable::ManifestError(text)) => {
                return Err(Stop::Error(format!("pull model manifest: {text}")));
            }
            Ok(Pullable::Model(model)) => (model, None, None),
            Ok(Pullable::BlobError { model, kind, text }) => (model, Some((kind, text)), None),
            Ok(Pullable::Corrupt { model, got }) => (model, None, Some(got)),
        };
        let layers: Vec<Layer> =
            model.layers().into_iter().chain(std::iter::once(model.config_layer())).collect();
        let total: u64 = layers.iter().map(|layer| layer.size).sum();
        let mut trip = self.fault.as_ref().map(|fault| (total as f64 * fault.at) as u64);
        let mut fetched_weights = false;
        let mut before = 0;
        for layer in &layers {
            let failing = blob_error.as_ref().filter(|(kind, _)| *kind == layer.kind);
            let present = lock(&self.shared.store).has(&layer.digest);
            if present {
                lines.line(&progress(layer, layer.size)).await?;
            } else if let Some((_, text)) = failing {
                return Err(Stop::Error(text.clone()));
            } else {
                fetched_weights |= layer.kind == LayerKind::Model;
                self.fetch(lines, layer, before, trip).await?;
            }
            before += layer.size;
            if trip.take_if(|trip| *trip <= before).is_some() {
                return self.strike(lines).await;
            }
        }
        lines.status("verifying sha256 digest").await?;
        if let Some(got) = corrupt.filter(|_| fetched_weights) {
            let want = &model.weights.digest;
            lock(&self.shared.store).remove_blob(want);
            return Err(Stop::Error(format!(
                "digest mismatch, file must be downloaded again: want sha256:{want}, got sha256:{got}"
            )));
        }
        self.finish(lines, *model).await
    }

    async fn finish(&self, lines: &Lines, model: Model) -> Result<(), Stop> {
        lines.status("writing manifest").await?;
        let removed = {
            let mut store = lock(&self.shared.store);
            let old = store.write_manifest(model, self.shared.clock.now());
            let prune = !lock(&self.shared.knobs).no_prune;
            old.is_some_and(|old| prune && store.drop_unused(&old))
        };
        self.shared.changes.note();
        if removed {
            lines.status("removing unused layers").await?;
        }
        lines.status("success").await?;
        Ok(())
    }

    async fn fetch(
        &self,
        lines: &Lines,
        layer: &Layer,
        before: u64,
        trip: Option<u64>,
    ) -> Result<(), Stop> {
        if self.shared.downloads.take_dying(&layer.digest) {
            return Err(Stop::Error("context canceled".to_owned()));
        }
        let mut ticket = self.shared.downloads.join(&self.shared, layer);
        let end = before + layer.size;
        let trip = trip.filter(|trip| *trip < end).map(|trip| trip - before);
        let mut first = true;
        loop {
            let now = ticket.progress.borrow_and_update().clone();
            if let Some(trip) = trip.filter(|trip| now.completed >= *trip) {
                lines.line(&progress(layer, trip)).await?;
                return self.strike(lines).await;
            }
            if now.finished {
                return Ok(());
            }
            if !first && now.completed < layer.size {
                lines.line(&progress(layer, now.completed)).await?;
            }
            first = false;
            tokio::select! {
                changed = ticket.progress.changed() => {
                    if changed.is_err() {
                        return Err(Stop::Error("context canceled".to_owned()));
                    }
                }
                // The server repeats itself whether or not anything arrived.
                () = tokio::time::sleep(TICK) => {}
                () = lines.closed() => return Err(Stop::Gone),
            }
        }
    }

    async fn strike(&self, lines: &Lines) -> Result<(), Stop> {
        match self.fault.as_ref().map(|fault| &fault.kind) {
            None => Ok(()),
            Some(StreamEnd::Error(text)) => Err(Stop::Error(text.clone())),
            Some(StreamEnd::Early) => Err(Stop::Gone),
            Some(StreamEnd::Close) => {
                // Lines already handed over must reach the client before the cut.
                lines.drained().await;
                self.cutter.close();
                lines.closed().await;
                Err(Stop::Gone)
            }
        }
    }
}

/// `total` and `completed` are left out when zero, as Go's `omitempty` does.
pub(crate) fn progress(layer: &Layer, completed: u64) -> Value {
    let short = layer.digest.get(..12).unwrap_or(&layer.digest);
    let mut line = json!({"status": format!("pulling {short}"), "digest": layer.full_digest()});
    if layer.size > 0 {
        line["total"] = json!(layer.size);
    }
    if completed > 0 {
        line["completed"] = json!(completed);
    }
    line
}
