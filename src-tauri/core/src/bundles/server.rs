//! A model to a server whose models folder is not ours to write: layers are uploaded, and the server
//! gets the manifest from the registry, or makes a new model of the layers.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use corral_contract::{
    ErrorCode, JobId, WireError,
    bundles::{MoveState, Way},
    progress::Phase,
};
use futures_util::StreamExt;
use serde_json::{Map, Value, json};
use tokio::{sync::watch, time::timeout};

use super::{
    deliver::{Delivery, count},
    pour::Source,
    read,
    target::{Target, by_key, internal},
    weigh::Wanted,
};
use crate::{
    Core, Result,
    downloads::{
        direct,
        fetch::{Fetch, FetchRequest, FetchSink, LayerReport, Limits, Plan},
        pull::{Patience, PullFetch},
    },
    instances,
    ollama::{BlobPart, OllamaApi},
    tasks::Task,
};

/// Largest layer of text that is read, in bytes.
const LARGEST_TEXT: u64 = 16 << 20;

/// How long a server may take no byte, or may take to say what became of the last one. It hashes
/// while it reads.
const STALL: Duration = Duration::from_secs(120);
/// How long a server may say nothing while it makes a model.
const SILENCE: Duration = Duration::from_secs(600);

/// Brings one model.
///
/// # Errors
/// `CANCELLED`, `ONLY_REBUILD`, what the server said, what became of the connection.
pub(super) async fn bring(
    core: &Core,
    delivery: &Delivery,
    api: &dyn OllamaApi,
    wanted: &Wanted,
    placed: &mut BTreeSet<String>,
    task: &Task,
    done: &Arc<AtomicU64>,
) -> Result<MoveState> {
    let token = task.token();
    let work = async {
        task.phase("uploading");
        for blob in &wanted.package.manifest.blobs {
            if placed.contains(&blob.digest) {
                continue;
            }
            let Some(source) = delivery.sources.get(&blob.digest) else { continue };
            if api.has_blob(&blob.digest).await? {
                count(done, blob.size);
            } else {
                task.note(format!("{} {}", blob.kind, blob.digest));
                let Source { file, offset, size } = source.clone();
                let part = BlobPart { file, offset, size, sent: done.clone() };
                send(api, &blob.digest, &part).await?;
            }
            placed.insert(blob.digest.clone());
        }
        task.phase("registering");
        register(core, delivery, api, wanted, task).await
    };
    tokio::select! {
        biased;
        () = token.cancelled() => Err(WireError::new(ErrorCode::Cancelled)),
        brought = work => brought,
    }
}

/// Uploads one layer.
///
/// # Errors
/// What the server said, what became of the connection; `TIMED_OUT` when nothing moves any more.
async fn send(api: &dyn OllamaApi, digest: &str, part: &BlobPart) -> Result<()> {
    let sending = api.send_blob(digest, part);
    tokio::pin!(sending);
    let mut before = part.sent.load(Ordering::Relaxed);
    loop {
        match timeout(STALL, &mut sending).await {
            Ok(sent) => return sent,
            Err(_) => {
                let now = part.sent.load(Ordering::Relaxed);
                if now == before {
                    let text = format!("nothing was taken for {} s", STALL.as_secs());
                    return Err(WireError::new(ErrorCode::TimedOut).detail(text));
                }
                before = now;
            }
        }
    }
}

async fn register(
    core: &Core,
    delivery: &Delivery,
    api: &dyn OllamaApi,
    wanted: &Wanted,
    task: &Task,
) -> Result<MoveState> {
    let client = instances::client(core, delivery.instance)?;
    let target = Target::Server { api: client.clone() };
    let renamed = wanted.name.key() != wanted.package.name.key();
    let way = target.way(core, delivery.instance, &wanted.package, renamed).await;
    if way == Way::Registry {
        let request = FetchRequest {
            // There is none: nothing is kept to resume from.
            job: JobId(0),
            instance: delivery.instance,
            name: wanted.name.clone(),
            insecure: core.registries.is_plain(&wanted.name.host),
            known: Vec::new(),
        };
        let plan = Plan { request, layers: None, manifest: None };
        let (_, limits) = watch::channel(Limits::default());
        let pull = PullFetch::new(client, Patience::default());
        match pull.fetch(&plan, &Quiet(task), limits, task.token()).await {
            Ok(_) => {
                confirm(api, wanted, Some(&wanted.package.manifest.digest)).await?;
                return Ok(MoveState::Done);
            }
            Err(failure) if !(delivery.rebuild && direct::may_write_itself(failure.error.code)) => {
                return Err(failure.error);
            }
            Err(failure) => task.note(format!("the registry does not help: {}", failure.error)),
        }
    }
    if !delivery.rebuild {
        let name = wanted.name.display();
        return Err(WireError::new(ErrorCode::OnlyRebuild).with("name", name));
    }
    task.note("made anew of its layers: its digest will be another one");
    let request = recipe(delivery, wanted).await?;
    let mut lines = api.create(&request).await?;
    let mut last = String::new();
    loop {
        let silent = || WireError::new(ErrorCode::TimedOut).detail("no line for ten minutes");
        let Some(line) = timeout(SILENCE, lines.next()).await.map_err(|_| silent())? else { break };
        let line = line?;
        if line.status != last {
            task.note(&line.status);
            last = line.status;
        }
    }
    if last != "success" {
        return Err(WireError::new(ErrorCode::ConnectionLost).detail("it ended too early"));
    }
    confirm(api, wanted, None).await?;
    Ok(MoveState::Rebuilt)
}

/// Whether the server lists it and can describe it.
async fn confirm(api: &dyn OllamaApi, wanted: &Wanted, digest: Option<&String>) -> Result<()> {
    let listed = by_key(api).await?;
    let wrong = |what: &str| Err(WireError::new(ErrorCode::BadAnswer).detail(what));
    match (listed.get(&wanted.name.key()), digest) {
        (None, _) => return wrong("the server does not list it"),
        (Some(Some(there)), Some(digest)) if there != digest => {
            return wrong("the server lists another one under its name");
        }
        _ => {}
    }
    api.show(&wanted.name.display()).await.map(|_| ())
}

/// What has a server make the same model again.
async fn recipe(delivery: &Delivery, wanted: &Wanted) -> Result<Value> {
    let mut texts = Vec::new();
    let (mut files, mut adapters) = (Map::new(), Map::new());
    for blob in &wanted.package.manifest.blobs {
        let place = |name: &str, all: &Map<String, Value>| match all.len() {
            0 => format!("{name}.gguf"),
            n => format!("{name}-{n}.gguf"),
        };
        match blob.kind.as_str() {
            "model" | "projector" => {
                files.insert(place(&blob.kind, &files), json!(blob.digest));
            }
            "adapter" => {
                adapters.insert(place("adapter", &adapters), json!(blob.digest));
            }
            kind => {
                let source = delivery.sources.get(&blob.digest).cloned();
                texts.push((kind.to_owned(), source));
            }
        }
    }
    let read = move || {
        let mut all = Vec::new();
        for (kind, source) in texts {
            let Some(source) = source else { continue };
            all.push((kind, read::whole(&source, LARGEST_TEXT)?));
        }
        Ok::<_, WireError>(all)
    };
    let texts = tokio::task::spawn_blocking(read).await.map_err(internal)??;
    let mut request = json!({
        "model": wanted.name.display(), "files": files, "stream": true, "license": [],
    });
    if !adapters.is_empty() {
        request["adapters"] = Value::Object(adapters);
    }
    for (kind, bytes) in texts {
        let text = String::from_utf8_lossy(&bytes);
        let value = || serde_json::from_slice::<Value>(&bytes).unwrap_or_default();
        match kind.as_str() {
            "template" | "system" => request[kind] = json!(text),
            "license" => {
                if let Some(all) = request["license"].as_array_mut() {
                    all.push(json!(text));
                }
            }
            "params" => request["parameters"] = value(),
            "messages" => request["messages"] = value(),
            "config" => {
                let config = value();
                for key in ["renderer", "parser", "requires"] {
                    if let Some(set) = config.get(key).filter(|set| set.is_string()) {
                        request[key] = set.clone();
                    }
                }
            }
            _ => {}
        }
    }
    Ok(request)
}

/// The server pulls only to write the manifest.
struct Quiet<'a>(&'a Task);

impl FetchSink for Quiet<'_> {
    fn phase(&self, _: Phase) {}
    fn layer(&self, _: LayerReport<'_>) {}
    fn note(&self, text: &str) {
        self.0.note(text);
    }
}
