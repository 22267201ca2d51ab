//! What is behind an instance on this machine, for whoever steers it.

use corral_contract::{
    InstanceId,
    instances::{Kind, Runner},
    steering::{Conflict, Contested},
};
use url::Url;

use super::{
    address,
    machine::{Machine, Process},
    place,
    service::{self, Server, Unit},
    unknown,
};
use crate::{Core, Result};

/// The process of an instance, or what would start one.
#[derive(Debug, Clone)]
pub(crate) struct Behind {
    pub(crate) runner: Runner,
    pub(crate) unit: Option<Unit>,
    pub(crate) process: Option<Process>,
    /// Where it listens.
    pub(crate) url: Url,
}

/// Looks now. `None` for a server of another machine, and where nothing here would start it.
/// Blocks while the list of processes is read, some milliseconds.
///
/// # Errors
/// `NOT_FOUND`.
pub(crate) fn behind(core: &Core, id: InstanceId) -> Result<Option<Behind>> {
    among(core, id, &servers(&*core.config.machine))
}

/// As [`behind`], among servers that were just looked at.
fn among(core: &Core, id: InstanceId, all: &[Server]) -> Result<Option<Behind>> {
    let profile = {
        let live = core.instances.lock();
        live.get(&id).ok_or_else(|| unknown(id))?.record.profile.clone()
    };
    if !profile.is_local() {
        return Ok(None);
    }
    let found = service::behind(all, &profile.url).cloned();
    Ok(match found {
        Some(server) => Some(Behind {
            runner: server.runner,
            unit: server.unit,
            process: server.process,
            url: server.url,
        }),
        // Windows keeps what starts a service where it is not looked for.
        None if profile.runner == Runner::WindowsService => Some(Behind {
            runner: Runner::WindowsService,
            unit: None,
            process: None,
            url: profile.url,
        }),
        // Found once; its variables may have changed since, so that its address is another.
        None if profile.kind == Kind::NativeAdopted => {
            let mut same = all.iter().filter(|server| server.runner == profile.runner);
            let only = same.next().filter(|_| same.next().is_none());
            only.filter(|server| server.process.is_none()).map(|server| Behind {
                runner: server.runner,
                unit: server.unit.clone(),
                process: None,
                url: profile.url,
            })
        }
        None => None,
    })
}

/// Running servers first, then what would start one.
pub(super) fn servers(machine: &dyn Machine) -> Vec<Server> {
    let mut all = service::running(machine);
    for server in service::installed(machine) {
        // A unit that runs is there already, with its process.
        if !all.iter().any(|other| {
            other.runner == server.runner && other.unit.is_some() && other.unit == server.unit
        }) {
            all.push(server);
        }
    }
    all
}

/// Other servers that want the port or the models folder of this one. Blocks as [`behind`] does.
pub(crate) fn rivals(core: &Core, id: InstanceId) -> Vec<Conflict> {
    rivals_among(core, id, &servers(&*core.config.machine))
}

/// As [`rivals`], among servers that were just looked at.
pub(super) fn rivals_among(core: &Core, id: InstanceId, all: &[Server]) -> Vec<Conflict> {
    let Ok(Some(own)) = among(core, id, all) else { return Vec::new() };
    let machine = &*core.config.machine;
    let store = |server: &Server| place::guess(machine, server.runner, Some(server));
    let same = |server: &&Server| {
        server.unit == own.unit
            && server.process.as_ref().map(|it| it.pid) == own.process.as_ref().map(|it| it.pid)
    };
    let own_store = all.iter().find(same).and_then(store).map(|(path, _)| path);
    let conflict = |server: &Server| {
        let pid = server.process.as_ref().map(|process| process.pid);
        if address::key(&server.url) == address::key(&own.url) {
            let what = address::shown(&server.url);
            return Some(Conflict { over: Contested::Port, what, pid });
        }
        let shared =
            store(server).map(|(path, _)| path).filter(|path| own_store.as_ref() == Some(path));
        shared.map(|what| Conflict { over: Contested::Models, what, pid })
    };
    all.iter().filter(|server| !same(server)).filter_map(conflict).collect()
}
