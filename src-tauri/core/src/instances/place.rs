//! Where the models of an instance are, and whether that folder is ours to write.

use std::{path::PathBuf, sync::Arc};

use corral_contract::{
    InstanceId,
    instances::{Kind, Runner, StoreFact, StoreSource},
};

use super::{
    machine::{Machine, System},
    publish,
    service::{self, Server},
    store,
};
use crate::{Core, ollama::OllamaApi};

/// What is known of the folder before the disk is asked.
type Place = Option<(String, StoreSource)>;

const UNKNOWN: StoreFact =
    StoreFact { path: None, source: StoreSource::Unknown, writable: None, free: None, total: None };

/// The folder of an instance that nothing is known of.
pub(super) fn unknown() -> StoreFact {
    UNKNOWN
}

/// Looks where the models are and how much room there is, and tells the windows when it changed.
/// The folder of another machine stays unknown.
pub(super) async fn refresh(core: &Core, id: InstanceId) {
    let Some((profile, client, known)) = core.instances.lock().get(&id).and_then(|live| {
        let client = live.client.clone().ok()?;
        Some((live.record.profile.clone(), client, live.store.clone()))
    }) else {
        return;
    };
    if !profile.is_local() {
        return;
    }
    let set = match profile.kind {
        // What it is started with.
        Kind::NativeManaged => crate::installs::models_folder(core).await,
        _ => None,
    };
    // What the server itself said once stays true for this address.
    let told = match (known.path, known.source) {
        _ if set.is_some() => None,
        (Some(path), StoreSource::Show) => Some(path),
        _ => told_by_server(core, id, &client).await,
    };
    let machine = core.config.machine.clone();
    let looked = tokio::task::spawn_blocking(move || {
        let servers = service::running(&*machine);
        let server = service::behind(&servers, &profile.url);
        let set = set.map(|path| (path, StoreSource::Environment));
        let place = set.or_else(|| told.map(|path| (path, StoreSource::Show))).or_else(|| {
            let adopted = profile.kind == Kind::NativeAdopted;
            // Without a process behind it, an address of this machine may lead elsewhere.
            (server.is_some() || adopted).then(|| guess(&*machine, profile.runner, server))?
        });
        let fact = look(&*machine, place);
        // A path that is not here is a path inside a container or behind a tunnel.
        if profile.kind == Kind::Remote && fact.writable.is_none() { UNKNOWN } else { fact }
    })
    .await;
    let Ok(fact) = looked else { return };
    let place_changed = {
        let mut live = core.instances.lock();
        // Pointed elsewhere in between: the answer is about another server.
        let Some(live) = live.get_mut(&id).filter(|live| live.uses(&client)) else { return };
        if live.store == fact {
            return;
        }
        let changed = (&live.store.path, live.store.source) != (&fact.path, fact.source);
        live.store = fact.clone();
        live.record.store_path.clone_from(&fact.path);
        live.record.store_source = fact.source;
        changed
    };
    if place_changed {
        let kept = store::set_place(&core.db, id, fact.path.as_deref(), fact.source).await;
        if let Err(error) = kept {
            tracing::warn!(%error, "models folder of an instance not kept");
        }
    }
    publish(core, id).await;
}

/// The folder above the blob that a Modelfile names. Any model will do.
async fn told_by_server(
    core: &Core,
    id: InstanceId,
    client: &Arc<dyn OllamaApi>,
) -> Option<String> {
    let known = store::any_model(&core.db, id).await.ok().flatten();
    let name = match known {
        Some(name) => name,
        None => {
            let tags = client.tags().await.ok()?;
            tags.models.into_iter().find(|model| model.remote_host.is_none())?.name
        }
    };
    let path = client.show(&name).await.ok()?.from_path?;
    let (folder, _) = path.rsplit_once(['/', '\\'])?;
    let folder = folder.strip_suffix("blobs")?.trim_end_matches(['/', '\\']);
    (!folder.is_empty()).then(|| folder.to_owned())
}

/// The folder by the process' environment, the server's log, or the kind's default.
pub(super) fn guess(machine: &dyn Machine, runner: Runner, server: Option<&Server>) -> Place {
    let set = server.and_then(|server| server.environment.get("OLLAMA_MODELS"));
    let set = set.map(|path| path.trim().trim_matches(['"', '\''])).filter(|path| !path.is_empty());
    if let Some(path) = set {
        return Some((path.to_owned(), StoreSource::Environment));
    }
    if let Some(path) = by_log(machine) {
        return Some((path, StoreSource::Log));
    }
    Some((usual(machine, runner, server)?, StoreSource::Default))
}

fn by_log(machine: &dyn Machine) -> Option<String> {
    let file = match machine.system() {
        System::Linux => return None,
        System::MacOs => {
            System::MacOs.path(&machine.variable("HOME")?, &[".ollama", "logs", "server.log"])
        }
        System::Windows => {
            System::Windows.path(&machine.variable("LOCALAPPDATA")?, &["Ollama", "server.log"])
        }
    };
    models_in_log(&machine.head(&file)?)
}

/// `msg="server config" env="map[… OLLAMA_MODELS:/path with spaces OLLAMA_NEXT:… ]"`
fn models_in_log(text: &str) -> Option<String> {
    let line = text.lines().rev().find(|line| line.contains("server config"))?;
    let (_, rest) = line.split_once("OLLAMA_MODELS:")?;
    let end = [" OLLAMA_", "]", "\""].iter().filter_map(|end| rest.find(end)).min();
    let path = rest[..end.unwrap_or(rest.len())].trim().replace(r"\\", r"\");
    (!path.is_empty()).then_some(path)
}

fn usual(machine: &dyn Machine, runner: Runner, server: Option<&Server>) -> Option<String> {
    let system = machine.system();
    let variable = if system == System::Windows { "USERPROFILE" } else { "HOME" };
    let of_process = server.and_then(|server| server.environment.get(variable).cloned());
    let home = match of_process {
        Some(home) => home,
        // The user that the install script makes.
        None if runner == Runner::Systemd => "/usr/share/ollama".to_owned(),
        None => machine.variable(variable)?,
    };
    Some(system.path(&home, &[".ollama", "models"]).to_string_lossy().into_owned())
}

/// Asks the disk. What is not there is neither writable nor has room.
fn look(machine: &dyn Machine, place: Place) -> StoreFact {
    let Some((path, source)) = place else { return UNKNOWN };
    let folder = PathBuf::from(&path);
    if !machine.exists(&folder) {
        return StoreFact { path: Some(path), source, ..UNKNOWN };
    }
    let blobs = folder.join("blobs");
    let target = if machine.exists(&blobs) { blobs } else { folder };
    let space = machine.space(&target);
    StoreFact {
        path: Some(path),
        source,
        writable: Some(machine.writable(&target)),
        free: space.map(|space| space.free),
        total: space.map(|space| space.total),
    }
}

#[cfg(test)]
mod tests {
    use super::models_in_log;

    #[test]
    fn finds_the_folder_in_the_newest_start_of_a_log() {
        let line = |path: &str| {
            format!(
                "time=x level=INFO source=routes.go:1 msg=\"server config\" \
                 env=\"map[HOME:/h OLLAMA_HOST:http://x OLLAMA_MODELS:{path} OLLAMA_NOPRUNE:false]\"\n"
            )
        };
        let log = format!("{}noise\n{}", line("/old"), line("/my models"));
        assert_eq!(models_in_log(&log).as_deref(), Some("/my models"));
        let windows = line(r"D:\\models");
        assert_eq!(models_in_log(&windows).as_deref(), Some(r"D:\models"));
        assert_eq!(models_in_log("nothing"), None);
    }
}
