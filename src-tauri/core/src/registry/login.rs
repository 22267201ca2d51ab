//! What is shown to be let in, and to whom: the login of a host goes to that host, and to a giver
//! of tokens that is the same host, the same service, or was named by the user. To nobody else.

use base64::{Engine, engine::general_purpose::STANDARD};
use corral_contract::registries::Login;
use url::Url;

use super::{
    Failure, Registries,
    address::{Route, authority, named},
    challenge::Wanted,
    site::{Setup, Site, canonical},
};

impl Registries {
    /// What is shown to an address without being asked for: a token that was set up for its host.
    pub(super) async fn preset(&self, setup: &Setup, url: &Url) -> Result<Option<String>, Failure> {
        match setup.of_url(url) {
            Some(site) if site.login == Login::Bearer && may_see(site, url) => {
                authorization(setup, site).await
            }
            _ => Ok(None),
        }
    }

    /// What answers a refusal: a token from where it says, or the user's login itself.
    pub(super) async fn answer(
        &self,
        route: &Route,
        base: &Url,
        wanted: &[Wanted],
    ) -> Result<Option<String>, Failure> {
        for each in wanted {
            match each {
                Wanted::Token(challenge) => {
                    let token = self.fetch_token(route, base, challenge).await?;
                    return Ok(Some(format!("Bearer {token}")));
                }
                Wanted::Password => {
                    let site = route.setup.of_url(base);
                    let site =
                        site.filter(|site| site.login == Login::Basic && may_see(site, base));
                    if let Some(site) = site {
                        return authorization(&route.setup, site).await;
                    }
                }
            }
        }
        Ok(None)
    }
}

/// Whether the login of a site may go to an address of it: never in the clear, unless the user
/// chose that for this host.
fn may_see(site: &Site, url: &Url) -> bool {
    url.scheme() == "https" || site.plain_http
}

/// The value of `Authorization`; `None` where there is nothing to show.
async fn authorization(setup: &Setup, site: &Site) -> Result<Option<String>, Failure> {
    let secret = setup.opened(&Site::purpose(&site.host), site.secret.as_ref()).await;
    let secret = secret.map_err(Failure::of)?;
    Ok(match site.login {
        Login::None => None,
        Login::Bearer if secret.is_empty() => None,
        Login::Bearer => Some(format!("Bearer {secret}")),
        Login::Basic => {
            Some(format!("Basic {}", STANDARD.encode(format!("{}:{secret}", site.user))))
        }
    })
}

/// How far a giver of tokens is trusted.
pub(super) enum Realm {
    /// The registry's own host, or the same service.
    Same,
    /// The user named it.
    Named,
    Foreign,
}

/// Who the realm of a challenge is to the registry that named it.
pub(super) fn realm_of(route: &Route, base: &Url, realm: &Url) -> Realm {
    if realm.scheme() == base.scheme() && authority(realm) == authority(base) {
        return Realm::Same;
    }
    let (Some(there), Some(here)) = (named(realm), named(base)) else { return Realm::Foreign };
    if realm.scheme() == "https" && canonical(&there) == canonical(&here) {
        return Realm::Same;
    }
    match route.setup.of_url(base) {
        Some(site) if site.realm.eq_ignore_ascii_case(&there) && may_see(site, realm) => {
            Realm::Named
        }
        _ => Realm::Foreign,
    }
}

/// What is shown to a realm that is trusted.
pub(super) async fn shown_to_realm(
    route: &Route,
    base: &Url,
    realm: &Url,
) -> Result<Option<String>, Failure> {
    match route.setup.of_url(base) {
        Some(site) if may_see(site, realm) => authorization(&route.setup, site).await,
        _ => Ok(None),
    }
}
