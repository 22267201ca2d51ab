//! Going over to a version: the first one, a newer one, the one before. The old one is what runs
//! again unless the new one answered as what it says to be and loaded a model.

use std::time::Duration;

use corral_contract::{ErrorCode, installs::InstallOllama};
use tokio::time::timeout;

use super::{
    child::{self, Places, blocking},
    places,
    platform::failed,
    run,
    store::{self, Server, Wish},
};
use crate::{
    Core, Result, health, instances,
    ollama::{EmbeddingModel, OllamaApi},
    tasks::Task,
};

/// Models that are tried before it counts as the fault of the version.
const MODELS: usize = 3;
/// How long each of them may take to load.
const LOAD: Duration = Duration::from_secs(180);
/// Ports that are tried when one after the other is taken at the last moment.
const PORTS: u32 = 5;

/// Starts the first version, and registers its server.
///
/// # Errors
/// As [`run::begin`]; nothing is registered then.
pub(super) async fn first(
    core: &Core,
    request: &InstallOllama,
    version: &str,
    task: &Task,
) -> Result<()> {
    task.unmeasured("starting");
    let models = match &request.models {
        Some(models) => models.clone(),
        None => Places::of(core).models().to_string_lossy().into_owned(),
    };
    let folder = models.clone();
    blocking(move || places::models_folder(folder.as_ref())).await?;
    // A start that was interrupted may have written it down already.
    let known = store::server(&core.db).await?;
    let mut server = known.unwrap_or(Server {
        instance: None,
        port: 0,
        models,
        environment: Default::default(),
        active: version.to_owned(),
        previous: None,
        pinned: request.version.is_some(),
        autostart: true,
    });
    let _acting = core.installs.acting.lock().await;
    run::halt(core, child::GRACE).await;
    let mut tried = 0;
    let begun = loop {
        if server.port == 0 || tried > 0 {
            server.port = match request.port {
                Some(port) => port,
                None => instances::free_port(core, server.port).await?,
            };
        }
        store::put_server(&core.db, &server).await?;
        let begun = run::begin(core, &server, version).await;
        tried += 1;
        match &begun {
            // Taken in the last moment: there are others, unless this one was named.
            Err(error)
                if error.code == ErrorCode::PortTaken
                    && request.port.is_none()
                    && tried < PORTS => {}
            _ => break begun,
        }
    };
    let done = async {
        told(version, &begun?)?;
        let id = match server.instance {
            Some(id) => id,
            None => {
                let id = instances::register_managed(core, &request.name, server.port).await?;
                health::look_after(core, id).await?;
                id
            }
        };
        server.instance = Some(id);
        store::put_server(&core.db, &server).await?;
        instances::managed_changed(core, id).await;
        Ok(())
    }
    .await;
    if done.is_err() {
        run::halt(core, child::GRACE).await;
        store::drop_server(&core.db).await?;
    }
    done
}

/// Goes over to another version, and back again if it does not do.
///
/// # Errors
/// As [`run::begin`]; `SERVER_NOT_STARTED` with `otherVersion` or `noModel`. The version before is
/// the active one then, and runs if it ran.
pub(super) async fn over(core: &Core, version: &str, task: &Task) -> Result<()> {
    let _acting = core.installs.acting.lock().await;
    let server = run::server(core).await?;
    if server.active == version {
        task.note("it is the active one already");
        return Ok(());
    }
    let ran = core.installs.child().is_some();
    task.unmeasured("switching");
    run::halt(core, child::GRACE).await;
    core.installs.change(|live| live.back = ran.then(|| server.clone()));
    let tried = async {
        let says = run::begin(core, &server, version).await?;
        told(version, &says)?;
        task.unmeasured("trying");
        try_models(server.port, task).await
    }
    .await;
    core.installs.change(|live| live.back = None);
    if let Err(error) = tried {
        task.warn(format!("{version} does not do: {error}"));
        task.unmeasured("goingBack");
        run::halt(core, child::GRACE).await;
        if ran && let Err(back) = run::begin(core, &server, &server.active).await {
            run::revive(core, back).await;
        }
        return Err(error.with("version", version));
    }
    let previous = Some(server.active.clone());
    let new = Server { active: version.to_owned(), previous, ..server };
    store::put_server(&core.db, &new).await?;
    if !ran {
        run::halt(core, child::GRACE).await;
    }
    task.note(format!("{version} is the active one now"));
    Ok(())
}

/// Puts the version before back when somebody cancelled while another one was tried, or takes the
/// first one away again.
pub(super) async fn settle_after_cancel(core: &Core, wish: &Wish) {
    let back = core.installs.change(|live| live.back.take());
    let _acting = core.installs.acting.lock().await;
    // Corral's own end stops what runs in its own way.
    if core.supervisor.token().is_cancelled() {
        return;
    }
    if let Some(server) = back {
        run::halt(core, child::GRACE).await;
        if let Err(error) = run::begin(core, &server, &server.active).await {
            run::revive(core, error).await;
        }
    } else if matches!(wish, Wish::Install(_)) {
        run::halt(core, child::GRACE).await;
        if let Err(error) = store::drop_server(&core.db).await {
            tracing::warn!(%error, "a server that was not wanted any more stays");
        }
    }
}

/// Whether a server says to be what it was unpacked as.
fn told(version: &str, says: &str) -> Result<()> {
    if version == says {
        return Ok(());
    }
    Err(failed("otherVersion").with("version", says).with("needed", version))
}

/// Loads one of the smallest models. Without any there is nothing to try.
async fn try_models(port: u16, task: &Task) -> Result<()> {
    let client = child::client(port)?;
    let mut models = client.tags().await?.models;
    models.retain(|model| model.remote_host.is_none());
    models.sort_by_key(|model| model.size);
    let mut last = None;
    for model in models.iter().take(MODELS) {
        let embeds = client.show(&model.name).await.is_ok_and(|shown| {
            shown.raw["capabilities"]
                .as_array()
                .is_some_and(|all| all.iter().any(|each| each == "embedding"))
        });
        let kind = if embeds { EmbeddingModel::Yes } else { EmbeddingModel::No };
        task.note(format!("loading {}", model.name));
        match timeout(LOAD, client.try_out(&model.name, kind, None)).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => {
                task.warn(format!("{}: {error}", model.name));
                last = Some(error.to_string());
            }
            Err(_) => last = Some(format!("{} takes longer than {} s", model.name, LOAD.as_secs())),
        }
    }
    last.map_or(Ok(()), |text| Err(failed("noModel").detail(text)))
}
