//! One question to a registry: with what lets us in, and once more with what it then asks for.

use std::{collections::HashSet, time::Instant};

use corral_contract::{ErrorCode, WireError, registries::ProxyMode};
use reqwest::{Client, RequestBuilder, Response, StatusCode, header};
use tokio::time::timeout;
use url::Url;

use super::{
    Failure, Registries, Repository,
    address::{Route, authority},
    challenge,
    health::counts,
    redirect,
};
use crate::http;

/// How long an address may take while there is another one to ask.
const IMPATIENCE: std::time::Duration = std::time::Duration::from_secs(4);

impl Registries {
    /// Asks each address of a repository until one answers something that holds.
    pub(super) async fn each<T, F>(
        &self,
        repository: &Repository,
        shunned: &HashSet<String>,
        question: impl Fn(Route) -> F,
    ) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let mut said: Option<(bool, Failure)> = None;
        let mut routes = self.routes(repository, shunned).map_err(Failure::of)?.into_iter();
        while let Some(route) = routes.next() {
            let (own, address) = (route.own, route.address.clone());
            let began = Instant::now();
            let answer = if routes.len() == 0 {
                question(route).await
            } else {
                // One that hangs may not cost what the next one would have answered by then.
                timeout(IMPATIENCE, question(route)).await.unwrap_or_else(|_| Err(late(&address)))
            };
            match answer {
                Ok(answer) => {
                    self.health().answered(&address, began.elapsed());
                    return Ok(answer);
                }
                Err(failure) => {
                    if counts(failure.error.code, own) {
                        self.health().failed(&address, &failure.error, false);
                    }
                    // What the registry itself says for good is final; one that stands for it may
                    // lack anything.
                    if own && !failure.elsewhere {
                        return Err(failure);
                    }
                    tracing::debug!(address, error = %failure.error, "another address is asked");
                    if own || said.as_ref().is_none_or(|(own, _)| !own) {
                        said = Some((own, failure));
                    }
                }
            }
        }
        let nobody = || Failure::of(WireError::new(ErrorCode::RegistryUnreachable));
        Err(said.map_or_else(nobody, |(_, failure)| failure))
    }

    /// The answer to a question, and the `Authorization` it was asked with. A 401 is answered once.
    pub(super) async fn ask(
        &self,
        route: &Route,
        base: &Url,
        url: &Url,
        request: impl Fn(&Client, &Url) -> RequestBuilder,
    ) -> Result<(Response, Option<String>), Failure> {
        let client = self.client(route, url).await?;
        let known = match self.token(base) {
            Some(token) => Some(token),
            None => self.preset(&route.setup, url).await?,
        };
        let asked = request(&client, url).timeout(self.limit());
        let response = self.send(route, asked, known.as_deref()).await?;
        if response.status() != StatusCode::UNAUTHORIZED {
            return Ok((response, known));
        }
        let wanted = response.headers().get_all(header::WWW_AUTHENTICATE).iter();
        let wanted: Vec<_> =
            wanted.filter_map(|text| challenge::read(text.to_str().ok()?)).collect();
        self.forget_token(base);
        let Some(shown) = self.answer(route, base, &wanted).await? else {
            return Ok((response, known));
        };
        let asked = request(&client, url).timeout(self.limit());
        let response = self.send(route, asked, Some(&shown)).await?;
        if response.status() != StatusCode::UNAUTHORIZED {
            self.keep_token(base, shown.clone());
        }
        Ok((response, Some(shown)))
    }

    /// As [`Registries::ask`], following redirects: what let us in goes to the same host only.
    pub(super) async fn ask_through(
        &self,
        route: &Route,
        base: &Url,
        url: &Url,
        request: impl Fn(&Client, &Url) -> RequestBuilder,
    ) -> Result<Response, Failure> {
        let (mut response, mut shown) = self.ask(route, base, url, &request).await?;
        let mut at = url.clone();
        for _ in 0..redirect::MOST {
            if !response.status().is_redirection() {
                return Ok(response);
            }
            let next = redirect::next(&at, &response)?;
            if authority(&next) != authority(&at) {
                shown = None;
            }
            at = next;
            let client = self.client(route, &at).await?;
            let asked = request(&client, &at).timeout(self.limit());
            response = self.send(route, asked, shown.as_deref()).await?;
        }
        Err(Failure::of(WireError::new(ErrorCode::RedirectLoop)))
    }

    pub(super) async fn client(&self, route: &Route, url: &Url) -> Result<Client, Failure> {
        route.setup.client(url, route.trusted(url)).await.map_err(Failure::of)
    }

    pub(super) async fn send(
        &self,
        route: &Route,
        request: RequestBuilder,
        shown: Option<&str>,
    ) -> Result<Response, Failure> {
        let request = match shown {
            Some(shown) => {
                let mut value = header::HeaderValue::try_from(shown)
                    .map_err(|_| Failure::of(WireError::field("secret", "badHeader")))?;
                value.set_sensitive(true);
                request.header(header::AUTHORIZATION, value)
            }
            None => request,
        };
        match request.send().await {
            Ok(response) if response.status() == StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
                Err(by_proxy("it asks for user and password".to_owned()))
            }
            Ok(response) => Ok(response),
            Err(error) => Err(explain(route, error)),
        }
    }
}

fn late(address: &str) -> Failure {
    let error = WireError::new(ErrorCode::RegistryUnreachable)
        .with("host", address)
        .with("why", ErrorCode::TimedOut.as_str());
    Failure::retry(error)
}

fn by_proxy(text: String) -> Failure {
    Failure::retry(WireError::new(ErrorCode::ProxyFailed).detail(text))
}

/// A connection that was not made: behind a proxy of the user's, by the proxy.
fn explain(route: &Route, error: reqwest::Error) -> Failure {
    let proxy = &route.setup.proxy;
    let through = proxy.mode == ProxyMode::Own
        && error.is_connect()
        && error.url().is_none_or(|url| !http::is_loopback(url));
    let failure = unreachable(error);
    let why = failure.error.params.get("why").map(String::as_str);
    // Names are looked up here for socks5 alone; a certificate is the other side's either way.
    let elsewhere = match &proxy.address {
        Some(url) if url.scheme() == "socks5" => why == Some(ErrorCode::DnsFailed.as_str()),
        _ => false,
    };
    if through && !elsewhere && why != Some(ErrorCode::TlsFailed.as_str()) {
        return by_proxy(failure.error.detail.unwrap_or_default());
    }
    failure
}

/// A question that says on whose behalf it comes.
pub(super) fn request(client: &Client, url: &Url, repository: &Repository) -> RequestBuilder {
    let version = repository.server_version.as_deref().unwrap_or("0.0.0");
    client.get(url.clone()).header(header::USER_AGENT, agent(version))
}

/// As Ollama's own client names itself, and us behind it.
pub(super) fn agent(version: &str) -> String {
    let arch = std::env::consts::ARCH;
    format!("ollama/{version} ({arch} {}) Corral", std::env::consts::OS)
}

/// The bytes of an answer.
///
/// # Errors
/// `ANSWER_TOO_LARGE` above `limit`; what became of the connection.
pub(super) async fn whole(mut response: Response, limit: usize) -> Result<Vec<u8>, Failure> {
    let too_large = || Failure::of(WireError::new(ErrorCode::AnswerTooLarge).with("limit", limit));
    if response.content_length().is_some_and(|length| length > limit as u64) {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        if bytes.len() + chunk.len() > limit {
            return Err(too_large());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// What became of a connection, from the registry's side.
pub(crate) fn unreachable(error: reqwest::Error) -> Failure {
    let host = error.url().and_then(Url::host_str).unwrap_or_default().to_owned();
    let failed = http::failed(error);
    let reason = failed.code;
    let error = WireError::new(ErrorCode::RegistryUnreachable)
        .with("host", host)
        .with("why", reason.as_str());
    let error = WireError { detail: failed.detail, ..error };
    Failure { elsewhere: true, ..Failure::of(error) }
}
