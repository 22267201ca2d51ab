//! From a name to the addresses it is asked at.

use corral_contract::{ErrorCode, WireError};
use url::Url;

use super::{Registries, Repository};
use crate::Result;

impl Registries {
    /// Where a repository can be asked for, best first. Each ends without a slash.
    ///
    /// # Errors
    /// `INVALID_INPUT` when the host of the name is none.
    pub(super) fn bases(&self, repository: &Repository) -> Result<Vec<Url>> {
        let name = &repository.name;
        let scheme = if repository.insecure { "http" } else { "https" };
        let bad = |error: url::ParseError| {
            WireError::field("name", "malformed").detail(error.to_string())
        };
        let own = Url::parse(&format!("{scheme}://{}", name.host)).map_err(bad)?;
        let host = name.host.to_ascii_lowercase();
        let mirrors = self.0.config.mirrors.get(&host).map(Vec::as_slice).unwrap_or_default();
        let mut bases = Vec::with_capacity(mirrors.len() + 1);
        let itself = (mirrors.is_empty() || !self.0.config.mirrors_only).then_some(&own);
        for root in mirrors.iter().chain(itself) {
            let mut base = root.clone();
            let path = base.path().trim_end_matches('/').to_owned();
            base.set_path(&format!("{path}/v2/{}/{}", name.namespace, name.model));
            bases.push(base);
        }
        Ok(bases)
    }
}

/// `base` with more of a path.
///
/// # Errors
/// `INTERNAL`: what comes in was checked before.
pub(super) fn below(base: &Url, path: &str) -> Result<Url> {
    let text = format!("{base}/{path}");
    Url::parse(&text).map_err(|error| WireError::new(ErrorCode::Internal).detail(error.to_string()))
}

/// Host and port, as `realm` and redirects are compared by.
pub(super) fn authority(url: &Url) -> Option<(&str, u16)> {
    Some((url.host_str()?, url.port_or_known_default()?))
}
