//! From a request to its handler, with the server's own refusals on the way.

use std::sync::Arc;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, header};
use axum::response::Response;
use serde_json::json;

use super::fault::{self, Fault, StreamFault, redirect};
use super::generate::Kind;
use super::request::Fields;
use super::respond::{self, Refusal};
use super::shared::{Recorded, Shared};
use super::{blobs, create, generate, guard, list, manage, pull, show};
use crate::patience::lock;
use crate::wire::Cutter;

const MOST_RECORDED: usize = 20_000;

const ROUTES: &[(&str, &str)] = &[
    ("/", "GET, HEAD"),
    ("/api/version", "GET, HEAD"),
    ("/api/status", "GET"),
    ("/api/tags", "GET, HEAD"),
    ("/api/ps", "GET"),
    ("/api/show", "POST"),
    ("/api/pull", "POST"),
    ("/api/push", "POST"),
    ("/api/create", "POST"),
    ("/api/copy", "POST"),
    ("/api/delete", "DELETE"),
    ("/api/blobs", "HEAD, POST"),
    ("/api/generate", "POST"),
    ("/api/chat", "POST"),
    ("/api/embed", "POST"),
    ("/api/me", "POST"),
    ("/api/signout", "POST"),
    ("/v1/models", "GET"),
];

pub(crate) async fn serve(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(cutter): ConnectInfo<Cutter>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let (route, digest) = match path.strip_prefix("/api/blobs/") {
        Some(digest) => ("/api/blobs", digest),
        None => (path.as_str(), ""),
    };
    // Uploads are streamed; everything else is small and read whole.
    let (whole, mut upload) = if route == "/api/blobs" {
        (Bytes::new(), Some(body))
    } else {
        (to_bytes(body, 64 << 20).await.unwrap_or_default(), None)
    };
    record(&shared, &parts, &whole);
    let latency = lock(&shared.knobs).latency.get(route).copied();
    if let Some(latency) = latency {
        tokio::time::sleep(latency).await;
    }
    if let Some(refusal) = guard::check(&shared, &parts) {
        return refusal;
    }
    lock(&shared.store).take_up(shared.clock.now());
    let planned = lock(&shared.knobs).faults.take(parts.method.as_str(), route);
    let stream_fault = match planned {
        None => None,
        Some(fault) => {
            if let (Some(body), Fault::Status(..) | Fault::Foreign { .. }) = (&mut upload, &fault) {
                // A client that is still sending might not hear it.
                let _ = to_bytes(std::mem::take(body), usize::MAX).await;
            }
            match fault::answer(fault, &path, &cutter).await {
                Ok(response) => return response,
                Err(stream_fault) => Some(stream_fault),
            }
        }
    };
    let mut response = match unroutable(&shared, &parts.method, &path, route) {
        Some(refusal) => refusal,
        None => {
            let call = Call { shared, cutter, route, digest, head: parts.method == Method::HEAD };
            call.answer(&whole, upload, stream_fault).await
        }
    };
    guard::allow_origin(&parts, &mut response);
    response
}

fn record(shared: &Shared, parts: &Parts, body: &Bytes) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let headers = &parts.headers;
    let recorded = Recorded {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().map(str::to_owned),
        headers: headers
            .iter()
            .map(|(name, value)| (name.to_string(), text(value.as_bytes())))
            .collect(),
        body: text(body.get(..body.len().min(65_536)).unwrap_or_default()),
    };
    let mut knobs = lock(&shared.knobs);
    if knobs.requests.len() >= MOST_RECORDED {
        // A demonstration may run for days; a test never gets here.
        knobs.requests.drain(..MOST_RECORDED / 2);
    }
    knobs.requests.push(recorded);
    drop(knobs);
    shared.changes.note();
}

/// 404, 405 and the redirect of a trailing slash.
fn unroutable(shared: &Shared, method: &Method, path: &str, route: &str) -> Option<Response> {
    let known = |route: &str| ROUTES.iter().find(|(known, _)| *known == route);
    let gone = route == "/api/status" && !lock(&shared.knobs).version.has_status();
    match known(route).filter(|_| !gone) {
        Some((_, methods)) if methods.split(", ").any(|one| one == method.as_str()) => None,
        Some((_, methods)) => {
            let status = StatusCode::METHOD_NOT_ALLOWED;
            let mut response = respond::with(status, "text/plain", "405 method not allowed");
            if let Ok(methods) = methods.parse() {
                response.headers_mut().insert(header::ALLOW, methods);
            }
            Some(response)
        }
        None => {
            let short = path.strip_suffix('/').filter(|short| known(short).is_some());
            Some(match short {
                Some(short) if method == Method::GET => {
                    let body = format!("<a href=\"{short}\">Moved Permanently</a>.\n\n");
                    redirect(StatusCode::MOVED_PERMANENTLY, short, &body)
                }
                Some(short) => redirect(StatusCode::TEMPORARY_REDIRECT, short, ""),
                None => respond::with(StatusCode::NOT_FOUND, "text/plain", "404 page not found"),
            })
        }
    }
}

struct Call<'a> {
    shared: Arc<Shared>,
    cutter: Cutter,
    route: &'a str,
    digest: &'a str,
    head: bool,
}

impl Call<'_> {
    async fn answer(
        &self,
        body: &Bytes,
        upload: Option<Body>,
        fault: Option<StreamFault>,
    ) -> Response {
        self.dispatch(body, upload, fault).await.unwrap_or_else(|refusal| refusal.response())
    }

    async fn dispatch(
        &self,
        body: &Bytes,
        upload: Option<Body>,
        fault: Option<StreamFault>,
    ) -> Result<Response, Refusal> {
        let shared = &self.shared;
        let fields = |structure| Fields::decode(structure, body);
        match self.route {
            "/" => {
                let text = "Ollama is running";
                Ok(respond::with(StatusCode::OK, "text/plain; charset=utf-8", text))
            }
            "/api/version" => {
                let version = lock(&shared.knobs).version.text.clone();
                Ok(respond::ok(&json!({ "version": version })))
            }
            "/api/status" => Ok(respond::ok(&lock(&shared.knobs).status)),
            "/api/tags" => Ok(list::tags(shared)),
            "/api/ps" => Ok(list::loaded(shared)),
            "/v1/models" => Ok(list::compatible(shared)),
            "/api/show" => show::show(shared, &fields("ShowRequest")?),
            "/api/pull" => pull::pull(shared, &self.cutter, fault, &fields("PullRequest")?).await,
            "/api/push" => manage::push(shared, &fields("PushRequest")?),
            "/api/create" => create::create(shared, &self.cutter, &fields("CreateRequest")?).await,
            "/api/copy" => manage::copy(shared, &fields("CopyRequest")?),
            "/api/delete" => manage::delete(shared, &fields("DeleteRequest")?),
            "/api/generate" | "/api/chat" => {
                let (kind, structure) = match self.route {
                    "/api/chat" => (Kind::Chat, "ChatRequest"),
                    _ => (Kind::Generate, "GenerateRequest"),
                };
                let fields = fields(structure)?;
                generate::generate(shared, &self.cutter, fault, kind, &fields).await
            }
            "/api/embed" => generate::embed(shared, &fields("EmbedRequest")?).await,
            "/api/me" => manage::account(shared),
            "/api/signout" => manage::sign_out(shared),
            _ if self.head => blobs::head(shared, self.digest),
            _ => blobs::upload(shared, self.digest, upload.unwrap_or_default()).await,
        }
    }
}
