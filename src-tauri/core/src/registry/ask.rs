//! One question to a registry: with the token that is known, and once more with a new one.

use corral_contract::{ErrorCode, WireError};
use reqwest::{RequestBuilder, Response, StatusCode, header};
use url::Url;

use super::{Failure, Registries, Repository, challenge};
use crate::http;

impl Registries {
    /// Asks each address of a repository until one answers something that holds.
    pub(super) async fn each<T, F>(
        &self,
        repository: &Repository,
        question: impl Fn(Url) -> F,
    ) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let mut last = None;
        for base in self.bases(repository).map_err(Failure::of)? {
            match question(base).await {
                Err(failure) if failure.elsewhere => last = Some(failure),
                answer => return answer,
            }
        }
        Err(last.unwrap_or_else(|| Failure::of(WireError::new(ErrorCode::RegistryUnreachable))))
    }

    /// The answer to `request`, and the token it was asked with. A 401 fetches a token once.
    pub(super) async fn ask(
        &self,
        base: &Url,
        url: &Url,
        request: impl Fn(&Url) -> RequestBuilder,
    ) -> Result<(Response, Option<String>), Failure> {
        let known = self.token(base);
        let asked = request(url).timeout(self.limit());
        let response = send(asked, known.as_deref()).await?;
        if response.status() != StatusCode::UNAUTHORIZED {
            return Ok((response, known));
        }
        let wanted = response.headers().get(header::WWW_AUTHENTICATE);
        let Some(wanted) = wanted.and_then(|text| challenge::read(text.to_str().ok()?)) else {
            return Ok((response, known));
        };
        self.forget_token(base);
        let token = self.fetch_token(base, &wanted).await?;
        let asked = request(url).timeout(self.limit());
        let response = send(asked, Some(&token)).await?;
        if response.status() != StatusCode::UNAUTHORIZED {
            self.keep_token(base, token.clone());
        }
        Ok((response, Some(token)))
    }
}

async fn send(request: RequestBuilder, token: Option<&str>) -> Result<Response, Failure> {
    let request = match token {
        Some(token) => request.bearer_auth(token),
        None => request,
    };
    request.send().await.map_err(unreachable)
}

/// A question that says on whose behalf it comes.
pub(super) fn request(
    registries: &Registries,
    url: &Url,
    repository: &Repository,
) -> RequestBuilder {
    let version = repository.server_version.as_deref().unwrap_or("0.0.0");
    let arch = std::env::consts::ARCH;
    let agent = format!("ollama/{version} ({arch} {}) Corral", std::env::consts::OS);
    registries.client(url).get(url.clone()).header(header::USER_AGENT, agent)
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
