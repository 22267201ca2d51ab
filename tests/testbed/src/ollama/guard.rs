//! Who may ask: the server's Host and Origin checks, and a proxy's password in front of it.

use std::net::IpAddr;

use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;

use super::respond;
use super::shared::Shared;
use crate::patience::lock;

const SCHEMES: [&str; 5] = ["app://", "file://", "tauri://", "vscode-webview://", "vscode-file://"];

/// The refusal of a request that may not pass.
pub(crate) fn check(shared: &Shared, parts: &Parts) -> Option<Response> {
    let wanted = lock(&shared.knobs).authorization.clone();
    if wanted.is_some_and(|wanted| text(parts, header::AUTHORIZATION) != Some(wanted.as_str())) {
        let page = "<html><head><title>401 Authorization Required</title></head></html>";
        let mut response = respond::with(StatusCode::UNAUTHORIZED, "text/html", page);
        let realm = HeaderValue::from_static("Basic realm=\"models\"");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, realm);
        return Some(response);
    }
    let host = text(parts, header::HOST).unwrap_or_default();
    let origin = text(parts, header::ORIGIN);
    // A server that listens beyond this machine does not look at the name it is called by.
    let allowed = (shared.everywhere || host_allowed(host)) && origin.is_none_or(origin_allowed);
    (!allowed).then(|| respond::empty(StatusCode::FORBIDDEN))
}

/// Echoes an allowed origin, as browsers need it.
pub(crate) fn allow_origin(parts: &Parts, response: &mut Response) {
    if let Some(origin) = parts.headers.get(header::ORIGIN) {
        let headers = response.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.insert(header::VARY, HeaderValue::from_static("Origin"));
    }
}

fn text(parts: &Parts, name: header::HeaderName) -> Option<&str> {
    parts.headers.get(name).and_then(|value| value.to_str().ok())
}

fn host_allowed(host: &str) -> bool {
    let bare = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    if let Ok(address) = bare.parse::<IpAddr>() {
        return match address {
            IpAddr::V4(v4) => v4.is_loopback() || v4.is_private() || v4.is_unspecified(),
            IpAddr::V6(v6) => v6.is_loopback() || v6.is_unspecified() || v6.is_unique_local(),
        };
    }
    let bare = bare.to_lowercase();
    bare == "localhost"
        || [".localhost", ".local", ".internal"].iter().any(|suffix| bare.ends_with(suffix))
}

fn origin_allowed(origin: &str) -> bool {
    if SCHEMES.iter().any(|scheme| origin.starts_with(scheme)) {
        return true;
    }
    let rest = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    let host = rest.and_then(|rest| rest.split(':').next());
    host.is_some_and(|host| ["localhost", "127.0.0.1", "0.0.0.0"].contains(&host))
}
