//! Getting a token from the realm that a registry names.

use std::time::{SystemTime, UNIX_EPOCH};

use corral_contract::{ErrorCode, WireError};
use serde_json::Value;
use url::Url;

use super::{
    Failure, Registries,
    address::Route,
    ask,
    challenge::Challenge,
    key::Key,
    login::{Realm, realm_of, shown_to_realm},
};

/// Largest answer of a realm, in bytes.
const LARGEST: usize = 256 * 1024;
/// Base64 of the hex digits of SHA-256 of nothing: the body of a request without one.
const EMPTY_BODY: &str =
    "ZTNiMGM0NDI5OGZjMWMxNDlhZmJmNGM4OTk2ZmI5MjQyN2FlNDFlNDY0OWI5MzRjYTQ5NTk5MWI3ODUyYjg1NQ==";

impl Registries {
    /// A token for what the challenge of `base` is about: shown is the login that the user gave
    /// for `base`; without one, Ollama's key signs the request where there is one.
    ///
    /// # Errors
    /// `REALM_MISMATCH` when the realm is on another host: it would get to see the signature.
    /// `SIGN_IN_NEEDED` when it gives none.
    pub(super) async fn fetch_token(
        &self,
        route: &Route,
        base: &Url,
        challenge: &Challenge,
    ) -> Result<String, Failure> {
        let realm = Url::parse(&challenge.realm).map_err(|error| {
            Failure::of(WireError::new(ErrorCode::RegistryIncompatible).detail(error.to_string()))
        })?;
        let trust = realm_of(route, base, &realm);
        if matches!(trust, Realm::Foreign) {
            let error = WireError::new(ErrorCode::RealmMismatch)
                .with("host", base.host_str().unwrap_or_default())
                .with("realm", realm.host_str().unwrap_or_default());
            return Err(Failure::of(error));
        }
        let login = shown_to_realm(route, base, &realm).await?;
        // The key is for registries that know Ollama; a host named for a login is none by itself.
        let signs = login.is_none() && matches!(trust, Realm::Same);
        let key = match self.config().key.clone().filter(|_| signs) {
            Some(file) => {
                tokio::task::spawn_blocking(move || Key::read(&file)).await.ok().flatten()
            }
            None => None,
        };
        let url = question(realm, challenge, key.is_some());
        let shown = login.or_else(|| Some(key?.authorization(&signed(url.as_str()))));
        let client = self.client(route, &url).await?;
        let request = client.get(url.clone()).timeout(self.limit());
        let response = self.send(route, request, shown.as_deref()).await?;
        if !response.status().is_success() {
            let error = WireError::new(ErrorCode::SignInNeeded)
                .with("host", base.host_str().unwrap_or_default())
                .with("status", response.status().as_u16());
            return Err(Failure::of(error));
        }
        let bytes = ask::whole(response, LARGEST).await?;
        let answer: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        let token = ["token", "access_token"].iter().find_map(|name| answer.get(name)?.as_str());
        token.filter(|token| !token.is_empty()).map(str::to_owned).ok_or_else(|| {
            Failure::of(WireError::new(ErrorCode::SignInNeeded).detail("the realm gave no token"))
        })
    }
}

fn question(mut realm: Url, challenge: &Challenge, signed: bool) -> Url {
    {
        let mut query = realm.query_pairs_mut();
        if let Some(service) = &challenge.service {
            query.append_pair("service", service);
        }
        for scope in &challenge.scopes {
            query.append_pair("scope", scope);
        }
        if signed {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            query.append_pair("ts", &since.as_secs().to_string());
            // Makes every signature one of a kind; it need not be secret.
            query.append_pair("nonce", &format!("{:032x}", since.as_nanos()));
        }
    }
    realm
}

/// What Ollama signs of a request.
pub(super) fn signed(url: &str) -> String {
    format!("GET,{url},{EMPTY_BODY}")
}
