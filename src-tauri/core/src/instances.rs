//! Ollama servers that Corral knows: finding them, reaching them, saying how they are.
//!
//! Nothing here ever starts, stops or reconfigures a server: see `steering`, `environment` and
//! `installs`.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use corral_contract::{
    ErrorCode, InstanceId, Timestamp, WireError,
    event::AppEvent,
    instances::{InstanceView, Kind, StoreFact},
};

use crate::{Core, Result, ollama::OllamaApi, sync};

mod address;
mod behind;
mod commands;
mod detect;
mod draft;
mod health;
mod look;
mod machine;
mod managed;
mod model;
mod place;
mod recovery;
mod sealed;
mod service;
mod store;
mod worker;

pub(crate) use behind::{Behind, behind, rivals};
pub use machine::{Machine, Process, Space, System, ThisMachine};
pub(crate) use managed::{
    forget_managed, free_port, is_managed, managed_changed, move_managed, register_managed,
};
pub(crate) use recovery::recover;
pub(crate) use service::Unit;
#[cfg(target_os = "linux")]
pub(crate) use service::user_units;
pub(crate) use worker::start;

use model::{Counts, Live};

/// Owned by the core.
#[derive(Default)]
pub(crate) struct State(Mutex<BTreeMap<InstanceId, Live>>);

impl State {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<InstanceId, Live>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unknown(id: InstanceId) -> WireError {
    WireError::new(ErrorCode::NotFound).with("instance", id)
}

/// All instances in the order they were added.
pub(crate) async fn views(core: &Core) -> Result<Vec<InstanceView>> {
    let counts = store::counts(&core.db, None).await?;
    let live = core.instances.lock();
    Ok(live
        .iter()
        .map(|(id, live)| InstanceView {
            next_sync: sync::next(core, *id),
            ..live.view(counts.get(id).copied().unwrap_or_default())
        })
        .collect())
}

/// One instance.
///
/// # Errors
/// `NOT_FOUND`.
pub(crate) async fn view(core: &Core, id: InstanceId) -> Result<InstanceView> {
    // Without its figures it can still be shown.
    let counts = store::counts(&core.db, Some(id)).await.unwrap_or_else(|error| {
        tracing::warn!(%error, "models of an instance not counted");
        Default::default()
    });
    let counts: Counts = counts.get(&id).copied().unwrap_or_default();
    let view = core.instances.lock().get(&id).map(|live| live.view(counts));
    let view = view.ok_or_else(|| unknown(id))?;
    Ok(InstanceView { next_sync: sync::next(core, id), ..view })
}

/// Tells the windows how an instance is now; for domains that changed its figures.
pub(crate) async fn publish(core: &Core, id: InstanceId) {
    // Removed in between: there is nothing to tell.
    if let Ok(view) = view(core, id).await {
        core.bus.send(AppEvent::Instance(Box::new(view)));
    }
}

/// The client of one instance.
///
/// # Errors
/// `NOT_FOUND`.
pub(crate) fn client(core: &Core, id: InstanceId) -> Result<Arc<dyn OllamaApi>> {
    core.instances.lock().get(&id).ok_or_else(|| unknown(id))?.client.clone()
}

/// A client of the same instance at another address.
///
/// # Errors
/// `NOT_FOUND`.
pub(crate) fn client_at(core: &Core, id: InstanceId, url: &url::Url) -> Result<Arc<dyn OllamaApi>> {
    let profile = {
        let live = core.instances.lock();
        live.get(&id).ok_or_else(|| unknown(id))?.record.profile.clone()
    };
    model::Profile { url: url.clone(), ..profile }.client()
}

/// Where its models are and how much room there is, looked at now.
///
/// # Errors
/// `NOT_FOUND`.
pub(crate) async fn store_now(core: &Core, id: InstanceId) -> Result<StoreFact> {
    place::refresh(core, id).await;
    Ok(core.instances.lock().get(&id).ok_or_else(|| unknown(id))?.store.clone())
}

/// Where its models are and whether they are ours to write, as it was seen last.
pub(crate) fn store_seen(core: &Core, id: InstanceId) -> StoreFact {
    let seen = core.instances.lock().get(&id).map(|live| live.store.clone());
    seen.unwrap_or_else(place::unknown)
}

/// Its models lie elsewhere from now on: what was known of the folder is forgotten and asked anew.
pub(crate) async fn forget_place(core: &Core, id: InstanceId) {
    if let Some(live) = core.instances.lock().get_mut(&id) {
        live.store = place::unknown();
    }
    place::refresh(core, id).await;
}

/// Where its models are, as it was seen last.
pub(crate) fn store_path(core: &Core, id: InstanceId) -> Option<String> {
    core.instances.lock().get(&id)?.store.path.clone()
}

/// Whether it runs on this very machine, as far as its address tells.
pub(crate) fn is_local(core: &Core, id: InstanceId) -> bool {
    core.instances.lock().get(&id).is_some_and(|live| live.record.profile.is_local())
}

/// The weights that its runners have open, when it runs on this machine and shows them.
pub(crate) async fn runners(core: &Core, id: InstanceId) -> Option<Vec<std::path::PathBuf>> {
    let pid = core.instances.lock().get(&id)?.service.pid?;
    let machine = core.config.machine.clone();
    tokio::task::spawn_blocking(move || machine.runners(pid)).await.ok()?
}

/// How many models its server keeps in memory at most; `None` where its process cannot be seen.
pub(crate) async fn most_loaded(core: &Core, id: InstanceId) -> Option<u32> {
    let url = {
        let live = core.instances.lock();
        let profile = &live.get(&id)?.record.profile;
        profile.is_local().then(|| profile.url.clone())?
    };
    let machine = core.config.machine.clone();
    let gpus = core.host.facts().gpus.len() as u32;
    let look = tokio::task::spawn_blocking(move || {
        let servers = service::running(&*machine);
        let server = service::behind(&servers, &url)?;
        server.process.as_ref()?;
        let set = server.environment.get("OLLAMA_MAX_LOADED_MODELS");
        let set = set.and_then(|text| text.trim().trim_matches(['"', '\'']).parse::<u32>().ok());
        // The server's own choice: three for each card, or three.
        Some(set.filter(|most| *most > 0).unwrap_or(3 * gpus.max(1)))
    });
    look.await.ok()?
}

/// The version it told last.
pub(crate) fn version(core: &Core, id: InstanceId) -> Option<String> {
    core.instances.lock().get(&id)?.health.fact.version.clone()
}

/// Looks at a server now, at its process and its folder too, and tells the windows.
pub(crate) async fn look_now(core: &Core, id: InstanceId) {
    // Removed in between: there is nothing to look at.
    if look::look(core, id, look::Patience::Usual).await.is_ok() {
        service::refresh(core, id).await;
        place::refresh(core, id).await;
    }
}

/// Where a server listens that is started with this value of `OLLAMA_HOST`, and whether others
/// than this machine can reach it.
pub(crate) fn listening(host: Option<&str>) -> (url::Url, bool) {
    address::listening(host)
}

/// Whether it answered when it was last asked.
pub(crate) fn online(core: &Core, id: InstanceId) -> bool {
    core.instances.lock().get(&id).is_some_and(|live| live.health.is_up())
}

/// Whether it is one of those known.
pub(crate) fn known(core: &Core, id: InstanceId) -> bool {
    core.instances.lock().contains_key(&id)
}

/// Its process, as it was seen last.
pub(crate) fn process(core: &Core, id: InstanceId) -> Option<u32> {
    core.instances.lock().get(&id)?.service.pid
}

/// The processes of all servers on this machine, as they were seen last, and when they began.
pub(crate) fn processes(core: &Core) -> Vec<(InstanceId, (u32, Option<Timestamp>))> {
    let live = core.instances.lock();
    let of = |(id, live): (&InstanceId, &Live)| {
        // Of Corral's own it is known when it was started, not how the system reckons that.
        let began = live.service.since.filter(|_| live.record.profile.kind != Kind::NativeManaged);
        Some((*id, (live.service.pid?, began)))
    };
    live.iter().filter_map(of).collect()
}

/// Looks which process it is now.
pub(crate) async fn look_at_process(core: &Core, id: InstanceId) {
    service::refresh(core, id).await;
}

/// The host and port that are connected to.
pub(crate) fn address(core: &Core, id: InstanceId) -> Option<(String, u16)> {
    let live = core.instances.lock();
    let url = &live.get(&id)?.record.profile.url;
    // An address in brackets is one of IPv6.
    let host = url.host_str()?.trim_matches(['[', ']']).to_owned();
    Some((host, url.port_or_known_default()?))
}

/// A call to an instance failed because the instance could not be reached: looks at it at once
/// instead of at the next poll.
pub(crate) fn suspect(core: &Core, id: InstanceId) {
    if let Some(live) = core.instances.lock().get(&id) {
        live.wake.notify_one();
    }
}

/// Every instance, in the order in which they were added.
///
/// # Errors
/// Database errors.
pub(crate) async fn ids(core: &Core) -> Result<Vec<InstanceId>> {
    store::ids(&core.db).await
}
