//! Plain files of a site, such as the archives of a release: asked for as blobs are, over the same
//! mirrors, logins and proxy, which the user set up for their host.

use std::collections::HashSet;

use corral_contract::{ErrorCode, WireError, name::ModelName};
use reqwest::{StatusCode, header};
use url::Url;

use super::{
    Failure, Registries, Repository,
    address::{Route, below, named},
    ask, folder, redirect, refusal,
    site::Root,
};
impl Repository {
    /// A file at an address of http or https.
    ///
    /// # Errors
    /// `INVALID_INPUT` for another address.
    pub fn plain(url: &Url) -> crate::Result<Repository> {
        let host = named(url).filter(|_| matches!(url.scheme(), "http" | "https"));
        let host = host.ok_or_else(|| WireError::field("address", "malformed"))?;
        Ok(Repository {
            name: ModelName {
                host,
                namespace: String::new(),
                model: String::new(),
                tag: String::new(),
            },
            insecure: url.scheme() == "http",
            server_version: None,
            file: Some(url.path().trim_start_matches('/').to_owned()),
        })
    }
}

impl Registries {
    /// All of a small file.
    ///
    /// # Errors
    /// `NOT_FOUND`, `ANSWER_TOO_LARGE` above `limit` bytes; as [`Registries::place`].
    pub(crate) async fn document(
        &self,
        file: &Repository,
        limit: usize,
    ) -> Result<Vec<u8>, Failure> {
        self.each(file, &HashSet::new(), |route| self.document_at(route, file, limit)).await
    }

    async fn document_at(
        &self,
        route: Route,
        file: &Repository,
        limit: usize,
    ) -> Result<Vec<u8>, Failure> {
        let path = file.file.as_deref().unwrap_or_default();
        let root = match &route.root {
            Root::Web(root) => root.clone(),
            Root::Folder(root) => {
                return folder::small(&folder::plain(root, path).await?, limit).await;
            }
        };
        let url = plain_url(&root, path).map_err(Failure::of)?;
        let response = self
            .ask_through(&route, &url, &url, |client, url| ask::request(client, url, file))
            .await?;
        if !response.status().is_success() {
            return Err(refusal::blob(response).await);
        }
        ask::whole(response, limit).await
    }

    /// Where an address leads that only points elsewhere.
    ///
    /// # Errors
    /// `REGISTRY_INCOMPATIBLE` when it does not; as [`Registries::place`].
    pub(crate) async fn leads(&self, file: &Repository) -> Result<Url, Failure> {
        self.each(file, &HashSet::new(), |route| self.leads_at(route, file)).await
    }

    async fn leads_at(&self, route: Route, file: &Repository) -> Result<Url, Failure> {
        let nowhere = || Failure::retry(WireError::new(ErrorCode::RegistryIncompatible));
        let Root::Web(root) = &route.root else { return Err(nowhere()) };
        let path = file.file.as_deref().unwrap_or_default();
        let url = plain_url(root, path).map_err(Failure::of)?;
        let (response, _) =
            self.ask(&route, &url, &url, |client, url| ask::request(client, url, file)).await?;
        if response.status().is_redirection() {
            return redirect::next(&url, &response);
        }
        if response.status().is_success() {
            return Err(nowhere());
        }
        Err(refusal::blob(response).await)
    }

    /// How large a file is, in bytes; `None` where the other side does not tell.
    ///
    /// # Errors
    /// As [`Registries::place`].
    pub(crate) async fn length(&self, file: &Repository) -> Result<Option<u64>, Failure> {
        self.each(file, &HashSet::new(), |route| self.length_at(route, file)).await
    }

    async fn length_at(&self, route: Route, file: &Repository) -> Result<Option<u64>, Failure> {
        let path = file.file.as_deref().unwrap_or_default();
        let root = match &route.root {
            Root::Web(root) => root.clone(),
            Root::Folder(root) => {
                let file = folder::plain(root, path).await?;
                return Ok(tokio::fs::metadata(file).await.ok().map(|facts| facts.len()));
            }
        };
        let url = plain_url(&root, path).map_err(Failure::of)?;
        let response = self
            .ask_through(&route, &url, &url, |client, url| {
                ask::request(client, url, file).header(header::RANGE, "bytes=0-0")
            })
            .await?;
        if !response.status().is_success() {
            return Err(refusal::blob(response).await);
        }
        if response.status() != StatusCode::PARTIAL_CONTENT {
            return Ok(response.content_length());
        }
        let range = response.headers().get(header::CONTENT_RANGE);
        let range = range.and_then(|text| text.to_str().ok());
        Ok(range.and_then(|text| text.rsplit_once('/')?.1.parse().ok()))
    }
}

/// Where a file is below a root.
///
/// # Errors
/// `INTERNAL`: what comes in was checked before.
pub(super) fn plain_url(root: &Url, path: &str) -> crate::Result<Url> {
    let mut base = root.clone();
    let folder = base.path().trim_end_matches('/').to_owned();
    base.set_path(&folder);
    let text = base.as_str().trim_end_matches('/');
    let base = Url::parse(text)
        .map_err(|error| WireError::new(ErrorCode::Internal).detail(error.to_string()))?;
    if folder.is_empty() {
        base.join(&format!("/{path}"))
            .map_err(|error| WireError::new(ErrorCode::Internal).detail(error.to_string()))
    } else {
        below(&base, path)
    }
}
