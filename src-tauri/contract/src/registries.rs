//! Where models come from: registries, the addresses that stand for them, how one is let in there,
//! and the proxy on the way. No secret ever comes back: a view only says that there is one.

use serde::{Deserialize, Serialize};

use crate::{Timestamp, WireError, command::Nothing, commands, status::words};

commands! { "registries";
    /// Every registry that is known or was set up, with how its addresses are.
    read List = list(Nothing) -> RegistryList,
    /// Sets up a registry, new or known; what is asked next is asked that way.
    write Save = save(RegistryDraft) -> RegistryView,
    /// Forgets what was set up. Models that came from there stay.
    write Remove = remove(RegistryRef) -> RegistryList,
    /// Asks each address of a draft, with its login, and says what happened.
    read Test = test(RegistryDraft) -> TestReport,
    /// Sets the proxy between Corral and everything beyond this machine's own servers.
    write SetProxy = set_proxy(ProxyDraft) -> ProxyView,
}

/// Most mirrors of one registry.
pub const MOST_MIRRORS: usize = 16;

/// Names a registry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistryRef {
    /// As model names carry it, port included.
    pub host: String,
}

/// The whole section of the settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistryList {
    pub items: Vec<RegistryView>,
    pub proxy: ProxyView,
    pub secrets: SecretsFact,
}

/// A registry as the window shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegistryView {
    pub host: String,
    /// Something was set up; otherwise it is one that everybody knows.
    pub stored: bool,
    /// Best first.
    pub mirrors: Vec<MirrorView>,
    /// The registry itself is never asked.
    pub mirrors_only: bool,
    /// How the registry's own address is.
    pub health: AddressHealth,
    pub login: Login,
    pub user: String,
    /// A password or token is kept.
    pub has_secret: bool,
    /// Another host that may give tokens for this registry; empty = only itself.
    pub realm: String,
    pub has_custom_ca: bool,
    /// Asked without encryption.
    pub plain_http: bool,
}

/// An address that is asked instead of a registry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MirrorView {
    pub address: String,
    pub plain_http: bool,
    pub health: AddressHealth,
}

/// How an address has been since Corral started.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AddressHealth {
    pub state: AddressState,
    /// Of its last answer.
    pub latency_ms: Option<u32>,
    /// In a row.
    pub failures: u32,
    /// Others come before it until then.
    pub rests_until: Option<Timestamp>,
    pub problem: Option<WireError>,
}

words! {
    /// How an address is.
    #[derive(Default)]
    AddressState {
        /// Not asked yet.
        #[default]
        Unknown = "unknown",
        Ok = "ok",
        /// It answers, but late: others come before it.
        Slow = "slow",
        /// It failed last time, and is tried last for a while.
        Failing = "failing",
    }
}

words! {
    /// How one is let in.
    #[derive(Default)]
    Login {
        #[default]
        None = "none",
        /// A user and a password, also where tokens are given out.
        Basic = "basic",
        /// A token that is shown as it is.
        Bearer = "bearer",
    }
}

/// A registry as somebody wants it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RegistryDraft {
    pub host: String,
    /// Best first.
    pub mirrors: Vec<MirrorDraft>,
    pub mirrors_only: bool,
    pub login: Login,
    pub user: String,
    /// Password or token; `None` = the one that is kept.
    pub secret: Option<String>,
    pub realm: String,
    /// PEM text; `None` = the one that is kept, empty = none.
    pub custom_ca: Option<String>,
    pub plain_http: bool,
}

/// An address of a draft: `https://…`, `http://…` if it is marked so, or `file:…` for a folder laid
/// out as Ollama's store.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MirrorDraft {
    pub address: String,
    pub plain_http: bool,
}

/// What asking brought, in the order of the draft, the registry itself last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestReport {
    pub items: Vec<Tested>,
}

/// What asking one address brought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tested {
    pub address: String,
    pub latency_ms: Option<u32>,
    /// `None` = it answers as it should.
    pub problem: Option<WireError>,
}

words! {
    /// Whose proxy is used.
    #[derive(Default)]
    ProxyMode {
        /// What the system and the environment say.
        #[default]
        System = "system",
        None = "none",
        /// The address given here.
        Own = "own",
    }
}

/// The proxy as the window shows it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProxyView {
    pub mode: ProxyMode,
    /// Without user and password.
    pub address: String,
    pub user: String,
    pub has_password: bool,
}

/// The proxy as somebody wants it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ProxyDraft {
    pub mode: ProxyMode,
    /// `http`, `https`, `socks5` or `socks5h`.
    pub address: String,
    pub user: String,
    /// `None` = the one that is kept.
    pub secret: Option<String>,
}

/// Where the key of all secrets is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecretsFact {
    /// `None` = no secret was kept yet.
    pub place: Option<SecretPlace>,
    /// Why secrets cannot be read.
    pub problem: Option<WireError>,
}

words! {
    /// Where a key is kept.
    SecretPlace {
        /// The system's own keychain.
        Keychain = "keychain",
        /// A file of the data folder that only its owner may read.
        File = "file",
    }
}
