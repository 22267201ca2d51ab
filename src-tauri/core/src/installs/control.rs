//! Corral's own server, as everything steers servers.

use std::collections::BTreeMap;

use async_trait::async_trait;
use corral_contract::WireError;

use super::{
    child::{self, Places, blocking},
    log, places, publish, run,
    store::{self, Server},
};
use crate::{
    Core, Result, instances,
    steering::{Changes, LogSource, Powers, ServiceControl, Verb},
};

/// Steers the child.
pub(crate) struct Managed(pub(crate) Core);

impl Managed {
    async fn server(&self) -> Result<Server> {
        run::server(&self.0).await
    }
}

/// The variables as the server finds them.
fn variables(server: &Server) -> BTreeMap<String, String> {
    let mut all = server.environment.clone();
    all.insert("OLLAMA_MODELS".to_owned(), server.models.clone());
    let host = || format!("127.0.0.1:{}", server.port);
    all.entry("OLLAMA_HOST".to_owned()).or_insert_with(host);
    all
}

/// What becomes of a server by changes.
fn changed(core: &Core, server: &Server, changes: &Changes) -> Result<Server> {
    let mut new = server.clone();
    for (name, value) in changes {
        let refused = |reason: &str| WireError::field(name, reason);
        if name.is_empty() || name.contains(['=', '\0']) {
            return Err(refused("malformed"));
        }
        // One variable is one line where a change is shown and taken back.
        if value.as_ref().is_some_and(|value| value.contains(['\0', '\n', '\r'])) {
            return Err(refused("malformed"));
        }
        match (name.as_str(), value) {
            ("OLLAMA_MODELS", Some(folder)) => new.models.clone_from(folder),
            ("OLLAMA_MODELS", None) => {
                new.models = Places::of(core).models().to_string_lossy().into_owned();
            }
            ("OLLAMA_HOST", Some(host)) => {
                let (url, _) = instances::listening(Some(host));
                new.port = url.port_or_known_default().unwrap_or(server.port);
                // The usual way to listen is not written down twice.
                if *host == format!("127.0.0.1:{}", new.port) {
                    new.environment.remove(name);
                } else {
                    new.environment.insert(name.clone(), host.clone());
                }
            }
            (_, Some(value)) => {
                new.environment.insert(name.clone(), value.clone());
            }
            (_, None) => {
                new.environment.remove(name);
            }
        }
    }
    Ok(new)
}

fn lines(server: &Server) -> String {
    variables(server).iter().map(|(name, value)| format!("{name}={value}\n")).collect()
}

#[async_trait]
impl ServiceControl for Managed {
    fn powers(&self) -> Powers {
        Powers {
            start: true,
            stop: true,
            environment: true,
            autostart: true,
            ours: true,
            why_not: None,
        }
    }

    fn equivalent(&self, verb: Verb) -> Vec<String> {
        let places = Places::of(&self.0);
        let child = self.0.installs.child();
        let stop = child.as_ref().map(|child| format!("kill {}", child.pid));
        let version = self.0.installs.see(|live| live.active.clone());
        let program = super::platform::executable(&places.version(&version));
        let start = program.map(|program| format!("{} serve", program.display()));
        match verb {
            Verb::Start => start.into_iter().collect(),
            Verb::Stop => stop.into_iter().collect(),
            Verb::Restart => stop.into_iter().chain(start).collect(),
        }
    }

    async fn act(&self, verb: Verb) -> Result<()> {
        match verb {
            Verb::Start => run::start(&self.0).await,
            Verb::Stop => run::stop(&self.0, child::GRACE).await,
            Verb::Restart => {
                run::stop(&self.0, child::GRACE).await?;
                run::start(&self.0).await
            }
        }
    }

    async fn environment(&self) -> Result<BTreeMap<String, String>> {
        Ok(variables(&self.server().await?))
    }

    async fn preview_environment(&self, changes: &Changes) -> Result<(String, String)> {
        let server = self.server().await?;
        let new = changed(&self.0, &server, changes)?;
        Ok((lines(&server), lines(&new)))
    }

    async fn set_environment(&self, changes: &Changes) -> Result<Changes> {
        let _acting = self.0.installs.acting.lock().await;
        let server = self.server().await?;
        let new = changed(&self.0, &server, changes)?;
        if new.models != server.models {
            let models = new.models.clone();
            blocking(move || places::models_folder(models.as_ref())).await?;
        }
        store::put_server(&self.0.db, &new).await?;
        if let (Some(id), true) = (new.instance, new.port != server.port) {
            instances::move_managed(&self.0, id, new.port).await?;
        }
        publish(&self.0).await;
        let before = variables(&server);
        let undo = |name: &String| {
            let written = server.environment.contains_key(name)
                || matches!(name.as_str(), "OLLAMA_MODELS" | "OLLAMA_HOST");
            (name.clone(), before.get(name).filter(|_| written).cloned())
        };
        Ok(changes.keys().map(undo).collect())
    }

    async fn autostart(&self) -> Result<Option<bool>> {
        Ok(Some(self.server().await?.autostart))
    }

    async fn set_autostart(&self, on: bool) -> Result<()> {
        let server = Server { autostart: on, ..self.server().await? };
        store::put_server(&self.0.db, &server).await?;
        publish(&self.0).await;
        Ok(())
    }

    fn log(&self) -> LogSource {
        LogSource::Files(log::files(&Places::of(&self.0).logs))
    }
}
