//! HTTP clients. One kind talks to Ollama servers, the other to registries and what they point to;
//! neither has a total limit, because loads and downloads take as long as they take. Answers are
//! limited in size, lines in length.

use std::time::Duration;

use corral_contract::{ErrorCode, WireError};
use reqwest::{
    Certificate, Client, ClientBuilder, Proxy,
    header::{HeaderMap, HeaderName, HeaderValue},
    redirect::Policy,
};
use url::{Host, Url};

use crate::Result;

mod failure;

pub(crate) use failure::failed;

/// How long a server may take to accept a connection.
pub const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// Connections to a server that stay open while nobody asks. Each keeps what it read into: 60 KB
/// after many rows were read at once.
const IDLE: usize = 2;
/// How long a registry may take to accept a connection: it lies outside this network.
const OUTSIDE_CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// Redirects followed before it counts as a loop.
const REDIRECTS: usize = 5;

/// Makes sure that rustls has its provider; safe to call often.
pub fn install_tls() {
    // Fails only when one is installed already, which is what is wanted.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

/// A client for one Ollama server. `headers` are name and value, `custom_ca` is PEM text.
///
/// # Errors
/// `INVALID_INPUT` naming the field: a header that HTTP does not allow, a PEM text without a
/// certificate.
pub fn for_server(
    url: &Url,
    headers: &[(String, String)],
    custom_ca: Option<&str>,
) -> Result<Client> {
    install_tls();
    let mut builder = Client::builder()
        .connect_timeout(CONNECT_LIMIT)
        .tcp_keepalive(Duration::from_secs(30))
        .pool_max_idle_per_host(IDLE)
        .redirect(same_host())
        .default_headers(header_map(headers)?);
    if is_loopback(url) {
        // A system proxy would otherwise capture calls to this very machine.
        builder = builder.no_proxy();
    }
    builder = trusting(builder, custom_ca)?;
    builder.build().map_err(|error| WireError::new(ErrorCode::Internal).detail(error.to_string()))
}

/// Trusts the authorities of a PEM text as well.
fn trusting(mut builder: ClientBuilder, custom_ca: Option<&str>) -> Result<ClientBuilder> {
    if let Some(pem) = custom_ca.filter(|pem| !pem.trim().is_empty()) {
        let bad = |error: &dyn std::fmt::Display| {
            WireError::field("customCa", "badCertificate").detail(error.to_string())
        };
        let certificates =
            Certificate::from_pem_bundle(pem.as_bytes()).map_err(|error| bad(&error))?;
        if certificates.is_empty() {
            return Err(bad(&"no certificate in the text"));
        }
        for certificate in certificates {
            builder = builder.add_root_certificate(certificate);
        }
    }
    Ok(builder)
}

/// What lies between a client and the outside.
#[derive(Clone, Copy)]
pub enum Through<'a> {
    Nothing,
    /// What the system and the environment say.
    System,
    /// This proxy, user and password included.
    Proxy(&'a Url),
}

/// A client for registries and what they redirect to. It follows no redirect by itself: whoever
/// asks decides at each one what may go along. `custom_ca` is PEM text.
///
/// # Errors
/// `INVALID_INPUT` for a PEM text without a certificate or an address that is no proxy's;
/// `INTERNAL` when the system's proxy settings cannot be used.
pub fn for_outside(through: Through<'_>, custom_ca: Option<&str>) -> Result<Client> {
    install_tls();
    let mut builder = Client::builder()
        .connect_timeout(OUTSIDE_CONNECT_LIMIT)
        .tcp_keepalive(Duration::from_secs(30))
        .redirect(Policy::none())
        // Bytes are hashed as they are stored: nothing may unpack them on the way, and several
        // connections must be several, not streams of one.
        .http1_only();
    match through {
        Through::Nothing => builder = builder.no_proxy(),
        Through::System => {}
        Through::Proxy(url) => {
            let proxy = Proxy::all(url.as_str()).map_err(|error| {
                WireError::field("address", "badProxy").detail(error.without_url().to_string())
            })?;
            builder = builder.no_proxy().proxy(proxy);
        }
    }
    builder = trusting(builder, custom_ca)?;
    builder.build().map_err(|error| WireError::new(ErrorCode::Internal).detail(error.to_string()))
}

/// Follows redirects to the same host only: the extra headers are secrets of that host, and a
/// server that sends us elsewhere is not the one the user named.
fn same_host() -> Policy {
    Policy::custom(|attempt| {
        let previous = attempt.previous();
        if previous.len() > REDIRECTS {
            return attempt.error("too many redirects");
        }
        let from = previous.last();
        let same = from.is_some_and(|from| {
            from.host_str() == attempt.url().host_str()
                && (from.scheme() == attempt.url().scheme() || attempt.url().scheme() == "https")
        });
        if same { attempt.follow() } else { attempt.stop() }
    })
}

/// Whether an address names this machine.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => {
            name.eq_ignore_ascii_case("localhost")
                || name.to_ascii_lowercase().ends_with(".localhost")
        }
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn header_map(headers: &[(String, String)]) -> Result<HeaderMap> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let bad = || WireError::field("headers", "badHeader").with("header", name);
        let key = HeaderName::try_from(name.as_str()).map_err(|_| bad())?;
        let mut text = HeaderValue::try_from(value.as_str()).map_err(|_| bad())?;
        text.set_sensitive(true);
        map.append(key, text);
    }
    Ok(map)
}
