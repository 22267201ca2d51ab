//! What was set up of registries, while Corral runs.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use corral_contract::{
    ErrorCode, WireError,
    registries::{Login, ProxyMode},
};
use reqwest::Client;
use url::Url;

use super::address::named;
use crate::{Result, http, secrets::Secrets};

/// Hosts that are one service: a login for the first is one for the others.
const SAME: &[&[&str]] = &[&["hf.co", "huggingface.co"]];

/// Every name of a service, the one under which it is set up first.
pub(super) fn family(host: &str) -> Vec<&str> {
    SAME.iter().find(|family| family.contains(&host)).map_or_else(|| vec![host], |it| it.to_vec())
}

/// The name under which a host is set up.
pub(super) fn canonical(host: &str) -> String {
    let host = host.to_ascii_lowercase();
    let family = SAME.iter().find(|family| family.contains(&host.as_str()));
    family.map_or(host, |family| family[0].to_owned())
}

/// Where bytes are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Root {
    Web(Url),
    /// Laid out as Ollama's store.
    Folder(PathBuf),
}

/// An address that stands for a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mirror {
    /// As it is shown.
    pub(super) address: String,
    pub(super) plain_http: bool,
    pub(super) root: Root,
}

/// A password or token. No `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Secret {
    Sealed(String),
    /// Of a draft that is only tried.
    Plain(String),
}

/// What was set up of one registry. No `Debug`.
#[derive(Clone, Default)]
pub(super) struct Site {
    pub(super) host: String,
    pub(super) mirrors: Vec<Mirror>,
    pub(super) mirrors_only: bool,
    pub(super) plain_http: bool,
    pub(super) login: Login,
    pub(super) user: String,
    pub(super) secret: Option<Secret>,
    /// Another host that may give tokens; empty = none.
    pub(super) realm: String,
    pub(super) custom_ca: Option<String>,
}

impl Site {
    /// What the secret of this site is bound to.
    pub(super) fn purpose(host: &str) -> String {
        format!("registry:{host}")
    }
}

/// The proxy that was set. No `Debug`.
#[derive(Clone, Default)]
pub(super) struct Proxy {
    pub(super) mode: ProxyMode,
    /// Without user and password; only where the mode is `own`.
    pub(super) address: Option<Url>,
    pub(super) user: String,
    pub(super) secret: Option<Secret>,
}

/// What the password of the proxy is bound to.
pub(super) const PROXY: &str = "proxy";

/// Everything that was set up; replaced as a whole when something changes, so that what is under
/// way ends as it began.
#[derive(Default)]
pub(super) struct Setup {
    pub(super) sites: HashMap<String, Site>,
    pub(super) proxy: Proxy,
    pub(super) secrets: Option<Secrets>,
    /// By whether they stay on this machine, and the authority they trust besides the usual ones.
    clients: Mutex<HashMap<(bool, Option<String>), Client>>,
}

impl Setup {
    pub(super) fn new(
        sites: HashMap<String, Site>,
        proxy: Proxy,
        secrets: Option<Secrets>,
    ) -> Setup {
        Setup { sites, proxy, secrets, clients: Mutex::default() }
    }

    /// What was set up for the host of a name.
    pub(super) fn of_host(&self, host: &str) -> Option<&Site> {
        self.sites.get(&canonical(host))
    }

    /// What was set up for the host of an address.
    pub(super) fn of_url(&self, url: &Url) -> Option<&Site> {
        self.of_host(&named(url)?)
    }

    pub(super) async fn opened(&self, purpose: &str, secret: Option<&Secret>) -> Result<String> {
        match (secret, &self.secrets) {
            (None, _) => Ok(String::new()),
            (Some(Secret::Plain(text)), _) => Ok(text.clone()),
            (Some(Secret::Sealed(sealed)), Some(secrets)) => secrets.open(purpose, sealed).await,
            (Some(Secret::Sealed(_)), None) => Err(WireError::new(ErrorCode::SecretsLocked)),
        }
    }

    /// The client that may speak to an address.
    pub(super) async fn client(&self, url: &Url, trusted: Option<&str>) -> Result<Client> {
        let local = http::is_loopback(url);
        let key = (local, trusted.map(str::to_owned));
        if let Some(client) = self.clients().get(&key) {
            return Ok(client.clone());
        }
        let own;
        let through = match (local, self.proxy.mode, &self.proxy.address) {
            (true, ..) | (_, ProxyMode::None, _) => http::Through::Nothing,
            (_, ProxyMode::Own, Some(_)) => {
                own = self.proxy_url().await?;
                http::Through::Proxy(&own)
            }
            _ => http::Through::System,
        };
        let client = http::for_outside(through, trusted)?;
        self.clients().insert(key, client.clone());
        Ok(client)
    }

    /// The proxy's address with what lets us in.
    async fn proxy_url(&self) -> Result<Url> {
        let mut url =
            self.proxy.address.clone().ok_or_else(|| WireError::new(ErrorCode::Internal))?;
        if !self.proxy.user.is_empty() {
            let password = self.opened(PROXY, self.proxy.secret.as_ref()).await?;
            let refused = |()| WireError::field("user", "malformed");
            url.set_username(&self.proxy.user).map_err(refused)?;
            url.set_password(Some(&password)).map_err(refused)?;
        }
        Ok(url)
    }

    fn clients(&self) -> std::sync::MutexGuard<'_, HashMap<(bool, Option<String>), Client>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
