//! The server that Corral runs itself, as one instance among the others.

use std::net::{Ipv4Addr, TcpListener};

use corral_contract::{
    ErrorCode, InstanceId, WireError,
    event::AppEvent,
    instances::{InstanceDraft, Kind, Runner, ServiceFact, ServiceState},
};
use url::Url;

use super::{
    address, commands, draft,
    look::{self, Patience},
    model::{Live, Record},
    place, publish, service, store, suspect, unknown,
};
use crate::{Core, Result, installs, signal::Signal};

/// Ports that are tried after the usual one.
const PORTS: u16 = 200;

/// A port that nobody listens on and no instance is known by, above `after`. The usual one only
/// while nothing else of Ollama is on this machine: whatever starts later would find it taken.
///
/// # Errors
/// `PORT_TAKEN` when all of many are.
pub(crate) async fn free_port(core: &Core, after: u16) -> Result<u16> {
    let (known, adopted) = {
        let live = core.instances.lock();
        let urls = live.values().map(|live| &live.record.profile);
        let known: Vec<u16> = urls
            .clone()
            .filter(|profile| profile.is_local())
            .filter_map(|profile| profile.url.port_or_known_default())
            .collect();
        let adopted = urls.clone().any(|profile| profile.kind == Kind::NativeAdopted);
        (known, adopted)
    };
    let (machine, usual) = (core.config.machine.clone(), core.config.server_port);
    let looked = tokio::task::spawn_blocking(move || {
        let alone = !adopted
            && service::installed(&*machine).is_empty()
            && service::running(&*machine).is_empty();
        let first = if after >= usual {
            after.saturating_add(1)
        } else if alone {
            usual
        } else {
            usual.saturating_add(1)
        };
        let free = |port: &u16| {
            !known.contains(port) && TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok()
        };
        (first..first.saturating_add(PORTS)).find(free)
    });
    let found = looked.await.ok().flatten();
    found.ok_or_else(|| WireError::new(ErrorCode::PortTaken).with("port", core.config.server_port))
}

fn url_of(port: u16) -> Result<Url> {
    let read = address::read(&format!("127.0.0.1:{port}"))?;
    Ok(read.url)
}

/// Registers the server that Corral runs on a port of this machine. One that a crash left is taken
/// up again.
///
/// # Errors
/// `ALREADY_EXISTS` for an address that is somebody else's; database errors.
pub(crate) async fn register_managed(core: &Core, name: &str, port: u16) -> Result<InstanceId> {
    let url = url_of(port)?;
    let known = {
        let live = core.instances.lock();
        let same = |live: &&Live| {
            let profile = &live.record.profile;
            profile.kind == Kind::NativeManaged && address::key(&profile.url) == address::key(&url)
        };
        live.values().find(same).map(|live| live.record.id)
    };
    if let Some(id) = known {
        return Ok(id);
    }
    let shown = address::shown(&url);
    let draft = InstanceDraft { name: name.to_owned(), url: shown, ..InstanceDraft::default() };
    let mut profile = draft::checked(&draft)?;
    (profile.kind, profile.runner) = (Kind::NativeManaged, Runner::Managed);
    commands::adopt(core, profile).await
}

/// The server listens on another port now.
///
/// # Errors
/// `NOT_FOUND`; `ALREADY_EXISTS`; database errors.
pub(crate) async fn move_managed(core: &Core, id: InstanceId, port: u16) -> Result<()> {
    let mut profile = {
        let live = core.instances.lock();
        live.get(&id).ok_or_else(|| unknown(id))?.record.profile.clone()
    };
    profile.url = url_of(port)?;
    store::update(core, id, &profile).await?;
    {
        let mut live = core.instances.lock();
        let live = live.get_mut(&id).ok_or_else(|| unknown(id))?;
        let record = Record { profile, ..live.record.clone() };
        let (worker, wake) = (live.worker.take(), live.wake.clone());
        *live = Live { worker, wake, ..Live::new(record) };
    }
    core.signals.send(Signal::InstanceChanged(id));
    managed_changed(core, id).await;
    Ok(())
}

/// Forgets it: its server is being removed.
///
/// # Errors
/// Database errors.
pub(crate) async fn forget_managed(core: &Core, id: InstanceId) -> Result<()> {
    store::remove(&core.db, id).await?;
    let live = core.instances.lock().remove(&id);
    if let Some(worker) = live.and_then(|live| live.worker) {
        worker.cancel();
    }
    core.signals.send(Signal::InstanceRemoved(id));
    core.bus.send(AppEvent::InstanceRemoved(id));
    Ok(())
}

/// Its process began or ended: what is known of it is looked at anew, at once.
pub(crate) async fn managed_changed(core: &Core, id: InstanceId) {
    refresh(core, id).await;
    if installs::process(core).is_some() {
        // Whoever waits for it wants to use it now. A look that fails tells itself.
        let _ = look::look(core, id, Patience::Usual).await;
        place::refresh(core, id).await;
    } else {
        suspect(core, id);
    }
}

/// The state of its process, which is Corral's own.
pub(super) async fn refresh(core: &Core, id: InstanceId) {
    // One that does not run has nothing that another one could want.
    let runs = installs::process(core).is_some();
    let looked = if runs { service::look(core, id).await } else { None };
    let conflicts = looked.map(|(_, conflicts)| conflicts).unwrap_or_default();
    let process = installs::process(core);
    let changed = {
        let mut live = core.instances.lock();
        let Some(live) = live.get_mut(&id) else { return };
        let state = if process.is_some() { ServiceState::Running } else { ServiceState::Stopped };
        let service = ServiceFact {
            state,
            pid: process.map(|(pid, _)| pid),
            since: process.map(|(_, since)| since),
        };
        let changed = live.service != service || live.conflicts != conflicts;
        live.service = service;
        live.conflicts = conflicts;
        changed
    };
    if changed {
        publish(core, id).await;
    }
}

/// Whether Corral runs the server of an instance.
pub(crate) fn is_managed(core: &Core, id: InstanceId) -> bool {
    let live = core.instances.lock();
    live.get(&id).is_some_and(|live| live.record.profile.kind == Kind::NativeManaged)
}
