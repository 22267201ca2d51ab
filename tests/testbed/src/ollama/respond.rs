//! Answers with exactly the content types the real server sends.

use std::convert::Infallible;

use axum::body::{Body, Bytes};
use axum::http::{StatusCode, header};
use axum::response::Response;
use futures_util::stream;
use serde_json::{Value, json};
use tokio::sync::mpsc;

/// Content type of the plain JSON handlers.
pub(crate) const JSON: &str = "application/json; charset=utf-8";
/// Content type of errors raised before a stream and of non-streamed jobs.
pub(crate) const BARE_JSON: &str = "application/json";
const NDJSON: &str = "application/x-ndjson";

/// A failure that becomes a status and `{"error": text}`.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) text: String,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, text: impl Into<String>) -> Self {
        Self { status, text: text.into() }
    }

    pub(crate) fn bad(text: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, text)
    }

    pub(crate) fn missing(text: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, text)
    }

    pub(crate) fn internal(text: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, text)
    }

    pub(crate) fn response(&self) -> Response {
        json_body(self.status, JSON, &json!({ "error": self.text }))
    }

    pub(crate) fn bare_response(&self) -> Response {
        json_body(self.status, BARE_JSON, &json!({ "error": self.text }))
    }
}

pub(crate) fn with(status: StatusCode, content_type: &str, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    if let Ok(value) = content_type.parse() {
        response.headers_mut().insert(header::CONTENT_TYPE, value);
    }
    response
}

pub(crate) fn json_body(status: StatusCode, content_type: &str, value: &Value) -> Response {
    with(status, content_type, value.to_string())
}

pub(crate) fn ok(value: &Value) -> Response {
    json_body(StatusCode::OK, JSON, value)
}

/// A status without a body and without a content type.
pub(crate) fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

pub(crate) fn html_page() -> Response {
    let page = "<!DOCTYPE html><html><head><title>Sign in</title></head><body>Log in</body></html>";
    with(StatusCode::OK, "text/html; charset=utf-8", page)
}

/// A body fed piece by piece through a channel.
pub(crate) fn piecewise(content_type: &str, pieces: mpsc::Receiver<Bytes>) -> Response {
    let pieces = stream::unfold(pieces, |mut pieces| async move {
        pieces.recv().await.map(|piece| (Ok::<_, Infallible>(piece), pieces))
    });
    with(StatusCode::OK, content_type, Body::from_stream(pieces))
}

/// The receiving client went away.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gone;

/// Where the lines of a job go: into a stream, or nowhere when only the end is wanted.
#[derive(Clone, Debug)]
pub(crate) struct Lines(Option<mpsc::Sender<Bytes>>);

impl Lines {
    pub(crate) fn stream() -> (Self, Response) {
        let (sender, receiver) = mpsc::channel(16);
        (Self(Some(sender)), piecewise(NDJSON, receiver))
    }

    pub(crate) fn silent() -> Self {
        Self(None)
    }

    pub(crate) async fn line(&self, value: &Value) -> Result<(), Gone> {
        let Some(sender) = &self.0 else { return Ok(()) };
        sender.send(Bytes::from(format!("{value}\n"))).await.map_err(|_| Gone)
    }

    pub(crate) async fn status(&self, status: &str) -> Result<(), Gone> {
        self.line(&json!({ "status": status })).await
    }

    /// Waits until the connection has taken every line sent so far.
    pub(crate) async fn drained(&self) {
        let Some(sender) = &self.0 else { return };
        if sender.reserve_many(sender.max_capacity()).await.is_ok() {
            // Taken is not yet written: nothing tells when the socket has it.
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }

    /// Completes when the client has gone; never for a silent sink.
    pub(crate) async fn closed(&self) {
        match &self.0 {
            Some(sender) => sender.closed().await,
            None => std::future::pending().await,
        }
    }
}
