//! The registry: manifests, tokens, and where a blob is to be had.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, header};
use axum::response::Response;
use serde_json::json;

use super::cdn::{self, Delivery};
use super::{Access, Asked, Handover, Shared, Trouble};
use crate::key;
use crate::patience::lock;
use crate::wire::Cutter;

const TOKEN: &str = "opens-everything";

pub(super) async fn serve(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(cutter): ConnectInfo<Cutter>,
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    note(&shared, &parts, false);
    let path = parts.uri.path();
    if path == "/token" {
        return token(&shared, &parts);
    }
    if let Some(refusal) = locked(&shared, &parts) {
        return refusal;
    }
    if path.starts_with("/api/") {
        return hub(&shared, path);
    }
    let rest = path.strip_prefix("/v2/").unwrap_or_default();
    if let Some((name, tag)) = rest.split_once("/manifests/") {
        return manifest(&shared, path, &format!("{name}:{tag}"));
    }
    match rest.split_once("/blobs/sha256:") {
        Some((_, digest)) => blob(&shared, &parts, digest, cutter).await,
        None => plain(StatusCode::NOT_FOUND, "404 page not found"),
    }
}

pub(super) fn note(shared: &Shared, parts: &Parts, cdn: bool) {
    let text = |name| parts.headers.get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
    let asked = Asked {
        cdn,
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        range: text(header::RANGE),
        user_agent: text(header::USER_AGENT),
        authorized: parts.headers.contains_key(header::AUTHORIZATION),
        shown: text(header::AUTHORIZATION),
    };
    lock(&shared.book).asked.push(asked);
    shared.changes.note();
}

/// A response with a text body; headers follow.
pub(super) fn plain(status: StatusCode, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response
}

pub(super) fn set(response: &mut Response, name: header::HeaderName, value: &str) {
    if let Ok(value) = value.parse() {
        response.headers_mut().insert(name, value);
    }
}

/// The token endpoint wants a signature of its own address, unless it takes guests.
fn token(shared: &Shared, parts: &Parts) -> Response {
    let header = |name| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let url = format!("http://{}{}", header(header::HOST).unwrap_or_default(), parts.uri);
    let shown = header(header::AUTHORIZATION);
    let access = lock(&shared.book).access.clone();
    if let Access::Login { value, .. } = &access {
        return match shown == Some(value) {
            true => plain(StatusCode::OK, json!({ "access_token": TOKEN }).to_string()),
            false => plain(StatusCode::UNAUTHORIZED, "{\"error\":\"unauthorized\"}"),
        };
    }
    let guests = access == Access::Guests;
    if !guests && !shown.is_some_and(|shown| key::signs(shown, &url)) {
        return plain(StatusCode::UNAUTHORIZED, "{\"error\":\"unauthorized\"}");
    }
    plain(StatusCode::OK, json!({ "token": TOKEN }).to_string())
}

fn locked(shared: &Shared, parts: &Parts) -> Option<Response> {
    let access = lock(&shared.book).access.clone();
    let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let shown = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let realm = match access {
        Access::Public => return None,
        Access::Token | Access::Guests | Access::Login { .. }
            if shown == Some(&format!("Bearer {TOKEN}")) =>
        {
            return None;
        }
        Access::Exactly { value, .. } if shown == Some(&value) => return None,
        Access::Exactly { scheme, .. } => {
            let mut response = plain(StatusCode::UNAUTHORIZED, "");
            set(&mut response, header::WWW_AUTHENTICATE, &format!("{scheme} realm=\"lab\""));
            return Some(response);
        }
        Access::Login { realm, .. } => realm.unwrap_or_else(|| host.unwrap_or_default().to_owned()),
        Access::Token | Access::Guests | Access::Denied => host.unwrap_or_default().to_owned(),
        Access::ForeignRealm(host) => host,
    };
    let mut response =
        plain(StatusCode::UNAUTHORIZED, "{\"errors\":[{\"code\":\"UNAUTHORIZED\"}]}");
    let challenge = format!(
        "Bearer realm=\"http://{realm}/token\",service=\"registry\",scope=\"repository:lab:pull\""
    );
    set(&mut response, header::WWW_AUTHENTICATE, &challenge);
    Some(response)
}

fn manifest(shared: &Shared, path: &str, name: &str) -> Response {
    let book = lock(&shared.book);
    if let Some((status, root)) = &book.manifest_redirect {
        let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::BAD_GATEWAY);
        let mut response = plain(status, "");
        set(&mut response, header::LOCATION, &format!("{root}{path}"));
        return response;
    }
    if let Some((status, body)) = &book.manifest_status {
        let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::BAD_GATEWAY);
        return plain(status, body.clone());
    }
    let Some(manifest) = book.manifests.get(name) else {
        let body =
            "{\"errors\":[{\"code\":\"MANIFEST_UNKNOWN\",\"message\":\"manifest unknown\"}]}";
        return plain(StatusCode::NOT_FOUND, body);
    };
    let mut response = plain(StatusCode::OK, manifest.clone());
    let kind = "application/vnd.docker.distribution.manifest.v2+json";
    set(&mut response, header::CONTENT_TYPE, kind);
    if let Some(at) = book.pushed {
        let name = header::HeaderName::from_static("ollama-push-time");
        set(&mut response, name, &at.to_string());
    }
    response
}

fn hub(shared: &Shared, path: &str) -> Response {
    let book = lock(&shared.book);
    match book.hub.get(path) {
        Some((status, body)) => {
            plain(StatusCode::from_u16(*status).unwrap_or(StatusCode::BAD_GATEWAY), body.clone())
        }
        None => plain(StatusCode::NOT_FOUND, "{\"error\":\"Repository not found\"}"),
    }
}

async fn blob(shared: &Arc<Shared>, parts: &Parts, digest: &str, cutter: Cutter) -> Response {
    let (content, handover, generation) = {
        let book = lock(&shared.book);
        (book.contents.get(digest).cloned(), book.handover.clone(), book.generation)
    };
    let Some(content) = content else {
        return plain(StatusCode::NOT_FOUND, "{\"errors\":[{\"code\":\"BLOB_UNKNOWN\"}]}");
    };
    let mut root = format!("http://{}", shared.cdn_host());
    let status = match handover {
        Handover::Direct => {
            let head = parts.method == Method::HEAD;
            let delivery = Delivery { content, range: None, trouble: Trouble::None, head };
            return cdn::deliver(shared, delivery, cutter).await;
        }
        Handover::Redirect => StatusCode::TEMPORARY_REDIRECT,
        Handover::Found => StatusCode::FOUND,
        Handover::To(status, to) => {
            root = to;
            StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY)
        }
    };
    let mut response = plain(status, "");
    let location = format!("{root}/data/{digest}?signature={generation}");
    set(&mut response, header::LOCATION, &location);
    response
}
