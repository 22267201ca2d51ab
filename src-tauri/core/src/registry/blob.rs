//! Where the bytes of a blob are, and parts of them.

use std::{collections::HashSet, ops::Range, path::PathBuf};

use corral_contract::{ErrorCode, WireError};
use reqwest::{Client, Response, StatusCode, header};
use url::Url;

use super::{
    Failure, Registries, Repository,
    address::{Route, authority, base, below},
    ask, folder,
    plain::plain_url,
    redirect, refusal,
    site::Root,
};

/// Where the bytes of a blob are to be had for now. No `Debug`: the address may be signed.
#[derive(Clone)]
pub struct Place {
    at: At,
    /// What led here.
    route: Route,
}

#[derive(Clone)]
enum At {
    Web {
        url: Url,
        /// `Authorization`, only for the registry's own host.
        shown: Option<String>,
    },
    File(PathBuf),
}

impl Place {
    /// The address that was asked for it, as health names it.
    pub(crate) fn address(&self) -> &str {
        &self.route.address
    }

    /// Whether it stands for the registry instead of being it.
    pub(crate) fn is_mirror(&self) -> bool {
        !self.route.own
    }
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
        self.place_beside(repository, digest, &HashSet::new()).await
    }

    /// As [`Registries::place`], at none of these addresses as long as there are others.
    ///
    /// # Errors
    /// As [`Registries::place`].
    pub(crate) async fn place_beside(
        &self,
        repository: &Repository,
        digest: &str,
        shunned: &HashSet<String>,
    ) -> Result<Place, Failure> {
        self.each(repository, shunned, |route| self.place_at(route, repository, digest)).await
    }

    async fn place_at(
        &self,
        route: Route,
        repository: &Repository,
        digest: &str,
    ) -> Result<Place, Failure> {
        let root = match &route.root {
            Root::Web(root) => root.clone(),
            Root::Folder(root) => {
                let file = match &repository.file {
                    Some(path) => folder::plain(root, path).await?,
                    None => folder::blob(root, digest).await?,
                };
                return Ok(Place { at: At::File(file), route });
            }
        };
        let (base, own) = match &repository.file {
            Some(path) => {
                let url = plain_url(&root, path).map_err(Failure::of)?;
                (url.clone(), url)
            }
            None => {
                let base = base(&root, repository);
                let own = below(&base, &format!("blobs/{digest}")).map_err(Failure::of)?;
                (base, own)
            }
        };
        // Nothing of the body is read; a range keeps a registry that answers with the bytes
        // themselves from sending many of them.
        let request = |client: &Client, url: &Url| {
            ask::request(client, url, repository).header(header::RANGE, "bytes=0-0")
        };
        let (response, shown) = self.ask(&route, &base, &own, request).await?;
        if response.status().is_redirection() {
            let url = redirect::next(&own, &response)?;
            let shown = shown.filter(|_| authority(&url) == authority(&own));
            return Ok(Place { at: At::Web { url, shown }, route });
        }
        // An empty blob has no first byte.
        let empty = response.status() == StatusCode::RANGE_NOT_SATISFIABLE;
        if response.status().is_success() || empty {
            return Ok(Place { at: At::Web { url: own, shown }, route });
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
        let Place { at, route } = place;
        let (mut url, mut shown) = match at.clone() {
            At::File(file) => return folder::open(&file, range).await,
            At::Web { url, shown } => (url, shown),
        };
        for _ in 0..redirect::MOST {
            let client = self.client(route, &url).await?;
            let request = ask::request(&client, &url, repository)
                .header(header::RANGE, format!("bytes={}-{}", range.start, range.end - 1))
                .header(header::ACCEPT_ENCODING, "identity");
            let response = self.send(route, request, shown.as_deref()).await?;
            if response.status().is_redirection() {
                let next = redirect::next(&url, &response)?;
                if authority(&next) != authority(&url) {
                    shown = None;
                }
                url = next;
                continue;
            }
            if !response.status().is_success() {
                return Err(refusal::blob(response).await);
            }
            return checked(response, &range);
        }
        Err(Failure::of(WireError::new(ErrorCode::RedirectLoop)))
    }

    /// Bytes from a place did not come. Answers whether to go elsewhere: its address comes last for
    /// a while, and there is another one.
    pub(crate) fn leaves(
        &self,
        repository: &Repository,
        place: &Place,
        problem: &WireError,
    ) -> bool {
        // What is in the way of every address speaks against none.
        if matches!(problem.code, ErrorCode::ProxyFailed | ErrorCode::SecretsLocked) {
            return false;
        }
        self.health().failed(&place.route.address, problem, true);
        self.has_choice(repository)
    }

    /// What came from an address was wrong.
    pub(crate) fn blame(&self, address: &str, problem: &WireError) {
        self.health().failed(address, problem, true);
    }

    /// What came from an address was right.
    pub(crate) fn praise(&self, address: &str) {
        self.health().brought(address);
    }
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
