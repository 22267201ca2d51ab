//! From a name to the addresses it is asked at.

use std::{collections::HashSet, sync::Arc};

use corral_contract::{ErrorCode, WireError};
use url::Url;

use super::{
    Registries, Repository,
    site::{Root, Setup},
};
use crate::Result;

/// One address of a repository, and what is asked there.
#[derive(Clone)]
pub(super) struct Route {
    /// As health and the window name it.
    pub(super) address: String,
    pub(super) root: Root,
    /// The registry itself, not one that stands for it.
    pub(super) own: bool,
    /// Of the name.
    pub(super) host: String,
    /// What was set up when the question was asked.
    pub(super) setup: Arc<Setup>,
}

impl Route {
    /// The authority trusted besides the usual ones: what the user gave for this very host, for
    /// the address that led here, or for the registry of the name.
    pub(super) fn trusted(&self, url: &Url) -> Option<&str> {
        let of_root = match &self.root {
            Root::Web(root) => self.setup.of_url(root),
            Root::Folder(_) => None,
        };
        [self.setup.of_url(url), of_root, self.setup.of_host(&self.host)]
            .into_iter()
            .flatten()
            .find_map(|site| site.custom_ca.as_deref())
    }
}

impl Registries {
    /// Where a repository can be asked for, best first: in the user's order, those that failed or
    /// are slow after the others. None of `shunned`, as long as there are others.
    ///
    /// # Errors
    /// `INVALID_INPUT` when the host of the name is none.
    pub(super) fn routes(
        &self,
        repository: &Repository,
        shunned: &HashSet<String>,
    ) -> Result<Vec<Route>> {
        let setup = self.setup();
        let mut routes = self.all_routes(repository, &setup)?;
        if routes.iter().any(|route| !shunned.contains(&route.address)) {
            routes.retain(|route| !shunned.contains(&route.address));
        }
        let health = self.health();
        // Stable: equals stay as the user put them.
        routes.sort_by_key(|route| health.rank(&route.address));
        Ok(routes)
    }

    fn all_routes(&self, repository: &Repository, setup: &Arc<Setup>) -> Result<Vec<Route>> {
        let host = repository.name.host.to_ascii_lowercase();
        let site = setup.of_host(&host);
        let plain = repository.insecure || site.is_some_and(|site| site.plain_http);
        let own = own_root(&host, plain)?;
        let route = |address: String, root: Root, own: bool| Route {
            address,
            root,
            own,
            host: host.clone(),
            setup: setup.clone(),
        };
        let mut routes = Vec::new();
        let mut only = false;
        if let Some(site) = site {
            only |= site.mirrors_only;
            let mirrors = site.mirrors.iter();
            routes
                .extend(mirrors.map(|each| route(each.address.clone(), each.root.clone(), false)));
        }
        if let Some(mirrors) = self.config().mirrors.get(&host) {
            only |= self.config().mirrors_only;
            let mirrors = mirrors.iter();
            routes.extend(mirrors.map(|each| route(shown(each), Root::Web(each.clone()), false)));
        }
        if routes.is_empty() || !only {
            routes.push(route(shown(&own), Root::Web(own), true));
        }
        Ok(routes)
    }

    /// Whether the user said of this host that it is asked in the clear. A server that fetches by
    /// itself has to be told so with every pull.
    pub(crate) fn is_plain(&self, host: &str) -> bool {
        self.setup().of_host(&host.to_ascii_lowercase()).is_some_and(|site| site.plain_http)
    }

    /// Whether another address could be asked for a repository.
    pub(crate) fn has_choice(&self, repository: &Repository) -> bool {
        self.all_routes(repository, &self.setup()).is_ok_and(|routes| routes.len() > 1)
    }
}

/// The address of a registry itself.
///
/// # Errors
/// `INVALID_INPUT` when the host is none.
pub(super) fn own_root(host: &str, plain: bool) -> Result<Url> {
    let scheme = if plain { "http" } else { "https" };
    Url::parse(&format!("{scheme}://{host}"))
        .map_err(|error| WireError::field("name", "malformed").detail(error.to_string()))
}

/// Where a repository is below a root. Ends without a slash.
pub(super) fn base(root: &Url, repository: &Repository) -> Url {
    let mut base = root.clone();
    let path = base.path().trim_end_matches('/').to_owned();
    let name = &repository.name;
    base.set_path(&format!("{path}/v2/{}/{}", name.namespace, name.model));
    base
}

/// An address as the window shows it.
pub(super) fn shown(url: &Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}

/// `base` with more of a path.
///
/// # Errors
/// `INTERNAL`: what comes in was checked before.
pub(super) fn below(base: &Url, path: &str) -> Result<Url> {
    let text = format!("{base}/{path}");
    Url::parse(&text).map_err(|error| WireError::new(ErrorCode::Internal).detail(error.to_string()))
}

/// Host and port, as `realm` and redirects are compared by.
pub(super) fn authority(url: &Url) -> Option<(&str, u16)> {
    Some((url.host_str()?, url.port_or_known_default()?))
}

/// The host of an address as model names carry it: with its port, unless it is the usual one.
pub(super) fn named(url: &Url) -> Option<String> {
    let host = url.host_str()?.to_ascii_lowercase();
    Some(url.port().map_or_else(|| host.clone(), |port| format!("{host}:{port}")))
}
