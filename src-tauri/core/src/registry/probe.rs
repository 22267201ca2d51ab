//! Trying addresses before they are kept.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use corral_contract::{ErrorCode, WireError, registries::Tested};
use futures_util::future::join_all;
use reqwest::{Client, StatusCode, header};
use tokio::time::timeout;
use url::Url;

use super::{
    Failure, Registries,
    address::{Route, own_root, shown},
    ask, folder,
    health::{counts, milliseconds},
    refusal,
    site::{Root, Setup, Site},
};
use crate::Result;

/// How long one address may take.
const LIMIT: Duration = Duration::from_secs(10);

impl Registries {
    /// Asks every address of a site, all at once, as if it were set up.
    ///
    /// # Errors
    /// `INVALID_INPUT` when the host is none.
    pub(super) async fn try_site(&self, site: Site) -> Result<Vec<Tested>> {
        let now = self.setup();
        let mut sites = now.sites.clone();
        sites.insert(site.host.clone(), site.clone());
        let setup = Arc::new(Setup::new(sites, now.proxy.clone(), now.secrets.clone()));
        let route = |address: String, root: Root, own: bool| Route {
            address,
            root,
            own,
            host: site.host.clone(),
            setup: setup.clone(),
        };
        let mut routes: Vec<Route> = site
            .mirrors
            .iter()
            .map(|each| route(each.address.clone(), each.root.clone(), false))
            .collect();
        if !site.mirrors_only {
            let own = own_root(&site.host, site.plain_http)?;
            routes.push(route(shown(&own), Root::Web(own), true));
        }
        Ok(join_all(routes.into_iter().map(|route| self.try_route(route))).await)
    }

    async fn try_route(&self, route: Route) -> Tested {
        let began = Instant::now();
        let answer = match timeout(LIMIT, self.look_at(&route)).await {
            Ok(answer) => answer,
            Err(_) => Err(Failure::retry(
                WireError::new(ErrorCode::RegistryUnreachable)
                    .with("host", &route.address)
                    .with("why", ErrorCode::TimedOut.as_str()),
            )),
        };
        let took = began.elapsed();
        let Route { address, own, .. } = route;
        match answer {
            Ok(()) => {
                self.health().answered(&address, took);
                Tested { address, latency_ms: Some(milliseconds(took)), problem: None }
            }
            Err(failure) => {
                if counts(failure.error.code, own) {
                    self.health().failed(&address, &failure.error, false);
                }
                Tested { address, latency_ms: None, problem: Some(failure.error) }
            }
        }
    }

    async fn look_at(&self, route: &Route) -> std::result::Result<(), Failure> {
        let root = match &route.root {
            Root::Web(root) => root,
            Root::Folder(path) => return folder::look(path).await,
        };
        let mut base = root.clone();
        let path = base.path().trim_end_matches('/').to_owned();
        base.set_path(&format!("{path}/v2/"));
        // A token of an earlier look says nothing about this draft's login.
        self.forget_token(&base);
        let request = |client: &Client, url: &Url| {
            client.get(url.clone()).header(header::USER_AGENT, ask::agent("0.0.0"))
        };
        let response = self.ask_through(route, &base, &base, request).await;
        self.forget_token(&base);
        let response = response?;
        let status = response.status();
        let html = response.headers().get(header::CONTENT_TYPE);
        let html = html.and_then(|kind| kind.to_str().ok());
        if html.is_some_and(|kind| kind.starts_with("text/html")) {
            let error = WireError::new(ErrorCode::RegistryIncompatible)
                .detail("a page for people came instead of a registry's answer");
            return Err(Failure::retry(error));
        }
        // Registries that serve models alone do not know this address, and say so.
        if status.is_success() || status == StatusCode::NOT_FOUND {
            return Ok(());
        }
        Err(refusal::read(response).await)
    }
}
