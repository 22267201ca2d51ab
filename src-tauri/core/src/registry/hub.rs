//! What hf.co tells beside manifests: which repositories there are and which files they have. Its
//! mirrors, logins and the proxy hold here as for its models.

use corral_contract::{ErrorCode, WireError, name::ModelName};
use reqwest::{Client, header};
use url::Url;

use super::{Failure, Registries, Repository, address::Route, ask, refusal, site::Root};

/// Largest answer that is read, in bytes.
const LARGEST: usize = 4 * 1024 * 1024;
/// Its name in the settings of registries.
const HOST: &str = "huggingface.co";

impl Registries {
    /// The answer to `GET /api/<path>`. `path` has no query of its own.
    ///
    /// # Errors
    /// As a manifest; `MODEL_UNKNOWN` for what is not there.
    pub(crate) async fn hub(&self, path: &str, query: &[(&str, &str)]) -> Result<Vec<u8>, Failure> {
        let name = ModelName {
            host: HOST.to_owned(),
            namespace: "api".to_owned(),
            model: "models".to_owned(),
            tag: "latest".to_owned(),
        };
        let repository = Repository { name, insecure: false, server_version: None, file: None };
        let nobody = Default::default();
        self.each(&repository, &nobody, |route| self.hub_at(route, &repository, path, query)).await
    }

    async fn hub_at(
        &self,
        route: Route,
        repository: &Repository,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<Vec<u8>, Failure> {
        let Root::Web(root) = &route.root else {
            // A folder holds models and answers no questions.
            return Err(Failure::retry(WireError::new(ErrorCode::RegistryUnreachable)));
        };
        let mut base = root.clone();
        base.set_path(root.path().trim_end_matches('/'));
        let plain = base.as_str().trim_end_matches('/').to_owned();
        let mut url = Url::parse(&format!("{plain}/api/{path}")).map_err(|error| {
            Failure::of(WireError::new(ErrorCode::Internal).detail(error.to_string()))
        })?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let request = |client: &Client, url: &Url| {
            ask::request(client, url, repository).header(header::ACCEPT, "application/json")
        };
        let response = self.ask_through(&route, &base, &url, request).await?;
        if !response.status().is_success() {
            let failure = refusal::read(response).await;
            let code = match failure.error.code {
                ErrorCode::NotFound => ErrorCode::ModelUnknown,
                code => code,
            };
            let error = WireError { code, hint: code.usual_advice(), ..failure.error };
            return Err(Failure { error: error.with("name", path), ..failure });
        }
        ask::whole(response, LARGEST).await
    }
}
