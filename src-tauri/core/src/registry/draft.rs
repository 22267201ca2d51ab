//! What somebody wants set up, held against what can be: an error names the field, the reason and,
//! where one of several addresses is meant, which.

use std::path::Path;

use corral_contract::{
    WireError,
    name::ModelName,
    registries::{Login, MOST_MIRRORS, MirrorDraft, ProxyDraft, ProxyMode, RegistryDraft},
};
use url::Url;

use super::{
    address::{named, own_root, shown},
    site::{Mirror, Proxy, Root, Secret, Site, canonical},
};
use crate::{Result, http};

/// Longest secret, in bytes.
const LONGEST_SECRET: usize = 8 * 1024;
const LONGEST_USER: usize = 256;

/// The site of a draft. A secret that the draft leaves as it is comes from `old`.
pub(super) fn site(draft: RegistryDraft, old: Option<&Site>) -> Result<Site> {
    let host = host(&draft.host)?;
    let mirrors = mirrors(&draft.mirrors)?;
    if draft.mirrors_only && mirrors.is_empty() {
        return Err(WireError::field("mirrorsOnly", "noMirrors"));
    }
    let custom_ca = match draft.custom_ca {
        None => old.and_then(|old| old.custom_ca.clone()),
        Some(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
    };
    // Refuses what is no certificate.
    http::for_outside(http::Through::Nothing, custom_ca.as_deref())?;
    let user = draft.user.trim().to_owned();
    let user = if draft.login == Login::Basic { user } else { String::new() };
    if draft.login == Login::Basic {
        if user.is_empty() {
            return Err(WireError::field("user", "empty"));
        }
        // The colon ends the user's name on the wire.
        if user.contains(':') || user.chars().any(char::is_control) {
            return Err(WireError::field("user", "malformed"));
        }
        if user.len() > LONGEST_USER {
            return Err(WireError::field("user", "tooLong"));
        }
    }
    let kept = old.filter(|old| old.login == draft.login && old.user == user);
    let secret = match draft.login {
        Login::None => None,
        login => Some(secret(draft.secret, login, old, kept)?),
    };
    let realm = match draft.realm.trim() {
        _ if draft.login == Login::None => String::new(),
        "" => String::new(),
        text => named_host(text).ok_or_else(|| WireError::field("realm", "badHost"))?,
    };
    Ok(Site {
        host,
        mirrors,
        mirrors_only: draft.mirrors_only,
        plain_http: draft.plain_http,
        login: draft.login,
        user,
        secret,
        realm,
        custom_ca,
    })
}

fn secret(
    new: Option<String>,
    login: Login,
    old: Option<&Site>,
    kept: Option<&Site>,
) -> Result<Secret> {
    match new.filter(|text| !text.is_empty()) {
        Some(text) => {
            let text = if login == Login::Bearer { text.trim().to_owned() } else { text };
            checked_secret(&text, login == Login::Bearer)?;
            Ok(Secret::Plain(text))
        }
        None => match kept.and_then(|kept| kept.secret.clone()) {
            Some(secret) => Ok(secret),
            None if old.is_some_and(|old| old.secret.is_some()) => {
                Err(WireError::field("secret", "secretAgain"))
            }
            None => Err(WireError::field("secret", "empty")),
        },
    }
}

fn checked_secret(text: &str, token: bool) -> Result<()> {
    if text.len() > LONGEST_SECRET {
        return Err(WireError::field("secret", "tooLong"));
    }
    let fits = |char: char| if token { char.is_ascii_graphic() } else { !char.is_control() };
    if text.is_empty() || !text.chars().all(fits) {
        return Err(WireError::field("secret", "malformed"));
    }
    Ok(())
}

/// The name under which a host is kept: as model names carry it, whatever was pasted.
pub(super) fn host(text: &str) -> Result<String> {
    if text.trim().is_empty() {
        return Err(WireError::field("host", "empty"));
    }
    let bad = || WireError::field("host", "badHost");
    let host = named_host(text.trim()).ok_or_else(bad)?;
    // It must fit into a model's name, or it would never be asked.
    ModelName::parse(&format!("{host}/a/b:c")).map_err(|_| bad())?;
    Ok(canonical(&host))
}

/// `host[:port]` of what was typed, with or without a scheme.
fn named_host(text: &str) -> Option<String> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let rest = rest.unwrap_or(text).trim_end_matches('/');
    let url = own_root(rest, false).ok()?;
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    (bare && url.username().is_empty() && url.password().is_none()).then(|| named(&url)).flatten()
}

fn mirrors(drafts: &[MirrorDraft]) -> Result<Vec<Mirror>> {
    if drafts.len() > MOST_MIRRORS {
        return Err(WireError::field("mirrors", "tooMany").with("max", MOST_MIRRORS));
    }
    let mut mirrors: Vec<Mirror> = Vec::with_capacity(drafts.len());
    for (place, draft) in drafts.iter().enumerate() {
        let which = |error: WireError| error.with("place", place);
        let root = root_of(draft).map_err(which)?;
        if mirrors.iter().any(|each| each.root == root) {
            return Err(which(WireError::field("mirrors", "twice")));
        }
        let address = match &root {
            Root::Web(url) => shown(url),
            // It was made from such an address or path just now.
            Root::Folder(path) => Url::from_file_path(path)
                .map_or_else(|()| draft.address.clone(), |url| url.to_string()),
        };
        mirrors.push(Mirror { address, plain_http: draft.plain_http, root });
    }
    Ok(mirrors)
}

/// Where a mirror is.
///
/// # Errors
/// `INVALID_INPUT` with the reason.
pub(super) fn root_of(draft: &MirrorDraft) -> Result<Root> {
    let bad = |reason: &str| WireError::field("mirrors", reason);
    let text = draft.address.trim();
    if text.is_empty() {
        return Err(bad("empty"));
    }
    if Path::new(text).is_absolute() {
        return Ok(Root::Folder(text.into()));
    }
    let url = if text.contains("://") || text.starts_with("file:") {
        Url::parse(text)
    } else {
        Url::parse(&format!("{}://{text}", if draft.plain_http { "http" } else { "https" }))
    };
    let url = url.map_err(|_| bad("badMirror"))?;
    match url.scheme() {
        "file" => url.to_file_path().map(Root::Folder).map_err(|()| bad("badFolder")),
        "http" if !draft.plain_http => Err(bad("notEncrypted")),
        "http" | "https" => {
            if !url.username().is_empty() || url.password().is_some() {
                return Err(bad("credentialsInAddress"));
            }
            if url.query().is_some() || url.fragment().is_some() {
                return Err(bad("badMirror"));
            }
            Ok(Root::Web(url))
        }
        _ => Err(bad("badMirror")),
    }
}

/// The proxy of a draft. A password that the draft leaves as it is comes from `old`, for the same
/// address and user only.
pub(super) fn proxy(draft: ProxyDraft, old: &Proxy) -> Result<Proxy> {
    if draft.mode != ProxyMode::Own {
        return Ok(Proxy { mode: draft.mode, ..Proxy::default() });
    }
    let bad = |reason: &str| WireError::field("address", reason);
    let text = draft.address.trim();
    if text.is_empty() {
        return Err(bad("empty"));
    }
    let url =
        if text.contains("://") { Url::parse(text) } else { Url::parse(&format!("http://{text}")) };
    let url = url.map_err(|_| bad("badProxy"))?;
    if !matches!(url.scheme(), "http" | "https" | "socks5" | "socks5h") {
        return Err(bad("badProxy"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(bad("credentialsInAddress"));
    }
    let bare = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
    if url.host_str().is_none_or(str::is_empty) || !bare {
        return Err(bad("badProxy"));
    }
    let user = draft.user.trim().to_owned();
    if user.len() > LONGEST_USER || user.contains(':') || user.chars().any(char::is_control) {
        return Err(WireError::field("user", "malformed"));
    }
    let secret = match draft.secret.filter(|text| !text.is_empty()) {
        _ if user.is_empty() => None,
        Some(text) => {
            checked_secret(&text, false)?;
            Some(Secret::Plain(text))
        }
        None if old.secret.is_none() => None,
        None if old.address.as_ref() == Some(&url) && old.user == user => old.secret.clone(),
        None => return Err(WireError::field("secret", "secretAgain")),
    };
    http::for_outside(http::Through::Proxy(&url), None)?;
    Ok(Proxy { mode: draft.mode, address: Some(url), user, secret })
}

#[cfg(test)]
#[path = "draft_test.rs"]
mod tests;
