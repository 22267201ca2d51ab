//! Looking for servers on this machine. Changes nothing.

use std::time::Duration;

use corral_contract::{
    ErrorCode, InstanceId, WireError,
    instances::{Detected, DetectedServer, InstanceDraft, Runner},
};
use futures_util::future::join_all;
use tokio::time::Instant;
use url::Url;

use super::{
    address, commands, draft,
    health::Health,
    look,
    machine::Machine,
    place,
    service::{self, Server},
};
use crate::{
    Core, Result, app,
    ollama::{HttpOllama, OllamaApi},
};

/// How long one address may take to answer.
const LIMIT: Duration = Duration::from_secs(3);

/// A place where a server may be.
struct Candidate {
    url: Url,
    runner: Runner,
    pid: Option<u32>,
    store: Option<String>,
    /// More than an address: a process or something installed.
    seen: bool,
}

/// Looks at processes, installed services, `OLLAMA_HOST` and the usual port, and asks each address.
///
/// # Errors
/// `INTERNAL` when the look itself breaks.
pub(super) async fn detect(core: &Core) -> Result<Detected> {
    let began = Instant::now();
    let machine = core.config.machine.clone();
    let (candidates, gpus) =
        tokio::task::spawn_blocking(move || (candidates(&*machine), app::look_for_gpus()))
            .await
            .map_err(|error| WireError::new(ErrorCode::Internal).detail(error.to_string()))?;
    let conflicts = conflicts(&candidates);
    let asked = join_all(candidates.into_iter().map(|candidate| ask(core, candidate))).await;
    let mut servers: Vec<DetectedServer> = Vec::new();
    for (server, conflict) in asked.into_iter().zip(conflicts) {
        servers.extend(server.map(|server| DetectedServer { conflict, ..server }));
    }
    let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(Detected { servers, gpus, took_ms })
}

/// Registers what a first look finds; nothing when an instance was ever registered.
///
/// # Errors
/// When the database cannot be written.
pub(super) async fn adopt(core: &Core) -> Result<()> {
    if super::store::ever_had_one(&core.db).await? {
        return Ok(());
    }
    for server in detect(core).await?.servers {
        let draft = InstanceDraft {
            url: server.url,
            found: Some(server.runner),
            ..InstanceDraft::default()
        };
        match commands::adopt(core, draft::checked(&draft)?).await {
            // Two servers fight for one port: there is one address to register.
            Err(error) if error.code == ErrorCode::AlreadyExists => {}
            done => done.map(|_| ())?,
        }
    }
    Ok(())
}

fn candidates(machine: &dyn Machine) -> Vec<Candidate> {
    let of_server = |server: Server| Candidate {
        store: place::guess(machine, server.runner, Some(&server)).map(|(path, _)| path),
        pid: server.process.as_ref().map(|process| process.pid),
        runner: server.runner,
        url: server.url,
        seen: true,
    };
    let mut candidates: Vec<Candidate> =
        service::running(machine).into_iter().map(of_server).collect();
    let known = |candidates: &[Candidate], url: &Url| {
        candidates.iter().any(|other| address::key(&other.url) == address::key(url))
    };
    for server in service::installed(machine) {
        if !known(&candidates, &server.url) {
            candidates.push(of_server(server));
        }
    }
    let set = machine.variable("OLLAMA_HOST");
    for text in [set.as_deref(), Some("127.0.0.1")].into_iter().flatten() {
        let Ok(address) = address::read(text) else { continue };
        if !known(&candidates, &address.url) {
            candidates.push(Candidate {
                url: address.url,
                runner: Runner::Unknown,
                pid: None,
                store: None,
                seen: false,
            });
        }
    }
    candidates
}

/// For each candidate what it shares with another one: `port` or `models`.
fn conflicts(candidates: &[Candidate]) -> Vec<Option<String>> {
    let of = |index: usize| {
        let own = &candidates[index];
        let mut others = candidates.iter().enumerate().filter(|(at, _)| *at != index);
        others.find_map(|(_, other)| {
            if !own.seen || !other.seen {
                None
            } else if address::key(&other.url) == address::key(&own.url) {
                Some("port".to_owned())
            } else if own.store.is_some() && own.store == other.store {
                Some("models".to_owned())
            } else {
                None
            }
        })
    };
    (0..candidates.len()).map(of).collect()
}

/// `None` for an address where nothing that looks like Ollama answers.
async fn ask(core: &Core, candidate: Candidate) -> Option<DetectedServer> {
    let client = HttpOllama::new(&candidate.url, &[], None).ok()?.short_limit(LIMIT);
    let outcome = look::ask(&client, look::LIMIT).await;
    if outcome.is_err() && !candidate.seen {
        return None;
    }
    let models = match outcome {
        Ok(_) => client.tags().await.ok(),
        Err(_) => None,
    };
    let (machine, folder) = (core.config.machine.clone(), candidate.store.clone());
    let look = move || folder.and_then(|folder| machine.space(folder.as_ref()));
    let free = tokio::task::spawn_blocking(look).await.ok().flatten().map(|space| space.free);
    let mut health = Health::new(None);
    health.hear(&outcome, core.now());
    Some(DetectedServer {
        url: address::shown(&candidate.url),
        runner: candidate.runner,
        pid: candidate.pid,
        api: health.fact,
        store: candidate.store,
        models: models.as_ref().map(|tags| tags.models.len() as u64),
        bytes: models.map(|tags| tags.models.iter().filter_map(|model| model.size).sum()),
        free,
        known: known(core, &candidate.url),
        conflict: None,
    })
}

fn known(core: &Core, url: &Url) -> Option<InstanceId> {
    let key = address::key(url);
    let live = core.instances.lock();
    live.iter().find(|(_, live)| address::key(&live.record.profile.url) == key).map(|(id, _)| *id)
}
