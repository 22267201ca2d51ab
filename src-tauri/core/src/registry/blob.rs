//! Where the bytes of a blob are, and parts of them.

use std::ops::Range;

use corral_contract::{ErrorCode, WireError};
use reqwest::{Response, StatusCode, header};
use url::Url;

use super::{
    Failure, Registries, Repository,
    address::{authority, below},
    ask, refusal,
};
use crate::http;

/// Redirects followed before it counts as a loop.
const REDIRECTS: usize = 5;

/// Where the bytes of a blob are to be had for now. No `Debug`: the address may be signed.
#[derive(Clone, PartialEq, Eq)]
pub struct Place {
    url: Url,
    /// Only for the registry's own host.
    token: Option<String>,
}

impl Registries {
    /// Bytes `range` of a blob, all of them in memory: for small parts such as a header.
    ///
    /// # Errors
    /// As [`Registries::open`].
    pub async fn read_at(
        &self,
        repository: &Repository,
        place: &Place,
        range: Range<u64>,
    ) -> Result<Vec<u8>, Failure> {
        let length = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
        let mut response = self.open(repository, place, range).await?;
        let mut bytes = Vec::with_capacity(length);
        while let Some(chunk) = response.chunk().await.map_err(ask::unreachable)? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() >= length {
                break;
            }
        }
        bytes.truncate(length);
        Ok(bytes)
    }

    /// Asks the registry where a blob is, and follows where that leads.
    ///
    /// # Errors
    /// `NOT_FOUND` when the registry does not have it any more; `REDIRECT_BLOCKED` when it leads
    /// from https to http; `REDIRECT_LOOP`; `SIGN_IN_NEEDED`, `REGISTRY_UNREACHABLE`.
    pub async fn place(&self, repository: &Repository, digest: &str) -> Result<Place, Failure> {
        self.each(repository, |base| self.place_at(base, repository, digest)).await
    }

    async fn place_at(
        &self,
        base: Url,
        repository: &Repository,
        digest: &str,
    ) -> Result<Place, Failure> {
        let own = below(&base, &format!("blobs/{digest}")).map_err(Failure::of)?;
        // Nothing of the body is read; a range keeps a registry that answers with the bytes
        // themselves from sending many of them.
        let request =
            |url: &Url| ask::request(self, url, repository).header(header::RANGE, "bytes=0-0");
        let (response, token) = self.ask(&base, &own, request).await?;
        if response.status().is_redirection() {
            let next = next(&own, &response)?;
            let token = token.filter(|_| authority(&next) == authority(&own));
            return Ok(Place { url: next, token });
        }
        // An empty blob has no first byte.
        let empty = response.status() == StatusCode::RANGE_NOT_SATISFIABLE;
        if response.status().is_success() || empty {
            return Ok(Place { url: own, token });
        }
        Err(refusal::blob(response).await)
    }

    /// Opens bytes `range` of a blob; the answer carries exactly these, except that it carries all
    /// of the blob, with status 200, where the other side knows no ranges.
    ///
    /// # Errors
    /// As [`Registries::place`]; `BAD_ANSWER` when other bytes come than were asked for.
    pub async fn open(
        &self,
        repository: &Repository,
        place: &Place,
        range: Range<u64>,
    ) -> Result<Response, Failure> {
        let mut place = place.clone();
        for _ in 0..REDIRECTS {
            let mut request = ask::request(self, &place.url, repository)
                .header(header::RANGE, format!("bytes={}-{}", range.start, range.end - 1))
                .header(header::ACCEPT_ENCODING, "identity");
            if let Some(token) = &place.token {
                request = request.bearer_auth(token);
            }
            let response = request.send().await.map_err(ask::unreachable)?;
            if response.status().is_redirection() {
                let next = next(&place.url, &response)?;
                if authority(&next) != authority(&place.url) {
                    place.token = None;
                }
                place.url = next;
                continue;
            }
            if !response.status().is_success() {
                return Err(refusal::blob(response).await);
            }
            return checked(response, &range);
        }
        Err(Failure::of(WireError::new(ErrorCode::RedirectLoop)))
    }
}

/// Where a redirect leads.
fn next(from: &Url, response: &Response) -> Result<Url, Failure> {
    let wrong =
        |what: &str| Failure::of(WireError::new(ErrorCode::RegistryIncompatible).detail(what));
    let location = response.headers().get(header::LOCATION).and_then(|text| text.to_str().ok());
    let location = location.ok_or_else(|| wrong("a redirect leads nowhere"))?;
    let next = from.join(location).map_err(|error| wrong(&error.to_string()))?;
    let falls = from.scheme() == "https" && next.scheme() != "https";
    // What lies on this very machine is not for an outside server to ask about.
    let inwards = http::is_loopback(&next) && !http::is_loopback(from);
    if falls || inwards || !matches!(next.scheme(), "http" | "https") {
        let error = WireError::new(ErrorCode::RedirectBlocked)
            .with("host", next.host_str().unwrap_or_default());
        return Err(Failure::of(error));
    }
    Ok(next)
}

/// Holds what is about to come against what was asked for.
fn checked(response: Response, range: &Range<u64>) -> Result<Response, Failure> {
    let bad = |what: String| {
        Err(Failure {
            elsewhere: true,
            ..Failure::of(WireError::new(ErrorCode::BadAnswer).detail(what))
        })
    };
    let headers = response.headers();
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(encoding) = text(header::CONTENT_ENCODING).filter(|each| *each != "identity") {
        return bad(format!("the bytes come packed as {encoding}"));
    }
    if text(header::CONTENT_TYPE).is_some_and(|kind| kind.starts_with("text/html")) {
        return bad("a page for people came instead of a model".to_owned());
    }
    if response.status() != StatusCode::PARTIAL_CONTENT {
        return Ok(response);
    }
    let named = text(header::CONTENT_RANGE).unwrap_or_default();
    let wanted = format!("bytes {}-{}/", range.start, range.end - 1);
    if named.starts_with(&wanted) {
        return Ok(response);
    }
    bad(format!("asked for {wanted} and got {named}"))
}
