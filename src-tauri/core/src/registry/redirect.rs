//! Where a redirect may lead.

use corral_contract::{ErrorCode, WireError};
use reqwest::{Response, header};
use url::Url;

use super::Failure;
use crate::http;

/// Redirects followed before it counts as a loop.
pub(super) const MOST: usize = 5;

/// Where a redirect leads.
pub(super) fn next(from: &Url, response: &Response) -> Result<Url, Failure> {
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
