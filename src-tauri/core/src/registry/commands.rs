use corral_contract::{
    ErrorCode, WireError,
    command::Nothing,
    name::DEFAULT_HOST,
    registries::{
        AddressHealth, AddressState, MirrorView, ProxyDraft, ProxyMode, ProxyView, RegistryDraft,
        RegistryList, RegistryRef, RegistryView, TestReport, call,
    },
};

use super::{
    address::{own_root, shown},
    draft,
    recovery::reload,
    site::{PROXY, Proxy, Secret, Setup, Site},
    store,
};
use crate::{Core, Result, router::Handle};

/// Registries that everybody knows, shown before anything was set up.
const KNOWN: [&str; 2] = [DEFAULT_HOST, "hf.co"];

impl Handle<call::List> for Core {
    async fn handle(&self, _: Nothing) -> Result<RegistryList> {
        Ok(list(self).await)
    }
}

impl Handle<call::Save> for Core {
    async fn handle(&self, draft: RegistryDraft) -> Result<RegistryView> {
        let site = checked(self, draft)?;
        let purpose = Site::purpose(&site.host);
        let secret = sealed(self, &purpose, site.secret.as_ref()).await?;
        store::save(&self.db, &site, secret.as_deref()).await?;
        reload(self).await?;
        view(self, &self.registries.setup(), &site.host)
    }
}

impl Handle<call::Remove> for Core {
    async fn handle(&self, RegistryRef { host }: RegistryRef) -> Result<RegistryList> {
        let host = draft::host(&host)?;
        if !store::remove(&self.db, &host).await? {
            return Err(WireError::new(ErrorCode::NotFound).with("name", host));
        }
        reload(self).await?;
        Ok(list(self).await)
    }
}

impl Handle<call::Test> for Core {
    async fn handle(&self, draft: RegistryDraft) -> Result<TestReport> {
        let site = checked(self, draft)?;
        Ok(TestReport { items: self.registries.try_site(site).await? })
    }
}

impl Handle<call::SetProxy> for Core {
    async fn handle(&self, draft: ProxyDraft) -> Result<ProxyView> {
        let proxy = draft::proxy(draft, &self.registries.setup().proxy)?;
        let secret = sealed(self, PROXY, proxy.secret.as_ref()).await?;
        store::set_proxy(&self.db, &proxy, secret.as_deref()).await?;
        reload(self).await?;
        Ok(proxy_view(&self.registries.setup().proxy))
    }
}

fn checked(core: &Core, draft: RegistryDraft) -> Result<Site> {
    let setup = core.registries.setup();
    let old = draft::host(&draft.host).ok().and_then(|host| setup.sites.get(&host));
    draft::site(draft, old)
}

async fn sealed(core: &Core, purpose: &str, secret: Option<&Secret>) -> Result<Option<String>> {
    match secret {
        None => Ok(None),
        Some(Secret::Sealed(sealed)) => Ok(Some(sealed.clone())),
        Some(Secret::Plain(text)) => core.secrets().seal(purpose, text).await.map(Some),
    }
}

async fn list(core: &Core) -> RegistryList {
    let setup = core.registries.setup();
    let stored = setup.sites.keys().map(String::as_str);
    let mut others: Vec<&str> = stored.filter(|host| !KNOWN.contains(host)).collect();
    others.sort_unstable();
    let hosts = KNOWN.into_iter().chain(others);
    RegistryList {
        items: hosts.filter_map(|host| view(core, &setup, host).ok()).collect(),
        proxy: proxy_view(&setup.proxy),
        secrets: core.secrets().fact().await,
    }
}

fn view(core: &Core, setup: &Setup, host: &str) -> Result<RegistryView> {
    let stored = setup.sites.get(host);
    let site = stored.cloned().unwrap_or_default();
    let mirrors = site.mirrors.iter().map(|each| MirrorView {
        address: each.address.clone(),
        plain_http: each.plain_http,
        health: health(core, &each.address),
    });
    Ok(RegistryView {
        host: host.to_owned(),
        stored: stored.is_some(),
        mirrors: mirrors.collect(),
        mirrors_only: site.mirrors_only,
        health: own_health(core, host, site.plain_http)?,
        login: site.login,
        user: site.user,
        has_secret: site.secret.is_some(),
        realm: site.realm,
        has_custom_ca: site.custom_ca.is_some(),
        plain_http: site.plain_http,
    })
}

/// How the registry itself is, under whichever of its names it was asked.
fn own_health(core: &Core, host: &str, plain: bool) -> Result<AddressHealth> {
    let names = super::site::family(host);
    let mut known = AddressHealth::default();
    for name in names {
        let seen = health(core, &shown(&own_root(name, plain)?));
        if seen.state != AddressState::Unknown {
            known = seen;
        }
    }
    Ok(known)
}

/// Ollama's own registry, and how it answered when it was last asked for something.
pub(crate) fn seen(core: &Core) -> (String, AddressHealth) {
    let host = corral_contract::name::DEFAULT_HOST;
    (host.to_owned(), own_health(core, host, false).unwrap_or_default())
}

fn health(core: &Core, address: &str) -> AddressHealth {
    core.registries.health().view(address, core.now())
}

fn proxy_view(proxy: &Proxy) -> ProxyView {
    let own = proxy.mode == ProxyMode::Own;
    ProxyView {
        mode: proxy.mode,
        address: proxy.address.as_ref().filter(|_| own).map(shown).unwrap_or_default(),
        user: proxy.user.clone(),
        has_password: proxy.secret.is_some(),
    }
}
