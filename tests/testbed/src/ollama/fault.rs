//! Misbehaviour on demand.

use std::collections::HashMap;

use axum::body::Bytes;
use axum::http::{StatusCode, header};
use axum::response::Response;
use tokio::sync::mpsc;

use super::respond::{self, Refusal};
use crate::wire::Cutter;

/// How a route goes wrong.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// This status with `{"error": text}`.
    Status(u16, String),
    /// This status with a body of this content type, as a proxy would send it.
    Foreign { status: u16, content_type: String, body: String },
    /// 200 with an HTML sign-in page.
    Html,
    /// 200 and JSON that ends in the middle, with a proper length.
    TruncatedJson,
    /// 200 and half of the announced bytes, then the connection closes.
    CutBody,
    /// 200 and a JSON list that never gets to the point before this many bytes.
    HugeBody(u64),
    /// A stream line that does not end.
    EndlessLine,
    /// TCP reset before any answer.
    Reset,
    /// No answer until the client gives up.
    Hang,
    /// Streams: this error line once the given share (0 to 1) of the job is done.
    ErrorInStream { text: String, at: f64 },
    /// Streams: the connection closes once the given share (0 to 1) of the job is done.
    CloseMidPull { at: f64 },
    /// Streams: the stream ends in good order, but without its last line.
    EndEarly { at: f64 },
    /// A redirect to itself.
    RedirectLoop,
}

/// Where a stream fault strikes.
#[derive(Clone, Debug)]
pub(crate) struct StreamFault {
    pub(crate) at: f64,
    pub(crate) kind: StreamEnd,
}

#[derive(Clone, Debug)]
pub(crate) enum StreamEnd {
    Error(String),
    Close,
    Early,
}

/// Faults waiting for their route, with or without its method before it; `*` is every route.
#[derive(Debug, Default)]
pub(crate) struct Faults(HashMap<String, Planned>);

#[derive(Clone, Debug)]
struct Planned {
    fault: Fault,
    once: bool,
    /// Requests that go well before.
    passes: u32,
}

impl Faults {
    pub(crate) fn plan(&mut self, route: &str, fault: Fault, once: bool) {
        self.0.insert(route.to_owned(), Planned { fault, once, passes: 0 });
    }

    pub(crate) fn plan_after(&mut self, route: &str, passes: u32, fault: Fault) {
        self.0.insert(route.to_owned(), Planned { fault, once: false, passes });
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn take(&mut self, method: &str, route: &str) -> Option<Fault> {
        let keys = [format!("{method} {route}"), route.to_owned(), "*".to_owned()];
        let key = keys.into_iter().find(|key| self.0.contains_key(key))?;
        let planned = self.0.get_mut(&key)?;
        if planned.passes > 0 {
            planned.passes -= 1;
            return None;
        }
        let Planned { fault, once, .. } = planned.clone();
        if once {
            self.0.remove(&key);
        }
        Some(fault)
    }
}

/// The answer of a fault, or `Err` with a stream fault for the handler to carry out.
pub(crate) async fn answer(
    fault: Fault,
    path: &str,
    cutter: &Cutter,
) -> Result<Response, StreamFault> {
    let cut_short = r#"{"models":[{"name":"llama3.2:3b","model":"llama3.2:3b","modif"#;
    Ok(match fault {
        Fault::Status(code, text) => Refusal::new(status(code), text).response(),
        Fault::Foreign { status: code, content_type, body } => {
            respond::with(status(code), &content_type, body)
        }
        Fault::Html => respond::html_page(),
        Fault::TruncatedJson => respond::with(StatusCode::OK, respond::JSON, cut_short),
        Fault::CutBody => cut_body(cut_short, cutter.clone()),
        Fault::HugeBody(bytes) => huge_body(bytes),
        Fault::EndlessLine => endless_line(),
        Fault::Reset => {
            cutter.reset();
            std::future::pending().await
        }
        Fault::Hang => std::future::pending().await,
        Fault::ErrorInStream { text, at } => {
            return Err(StreamFault { at, kind: StreamEnd::Error(text) });
        }
        Fault::CloseMidPull { at } => return Err(StreamFault { at, kind: StreamEnd::Close }),
        Fault::EndEarly { at } => return Err(StreamFault { at, kind: StreamEnd::Early }),
        Fault::RedirectLoop => redirect(StatusCode::TEMPORARY_REDIRECT, path, ""),
    })
}

fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

pub(crate) fn redirect(status: StatusCode, to: &str, body: &str) -> Response {
    let mut response = respond::with(status, "text/html; charset=utf-8", body.to_owned());
    if let Ok(to) = to.parse() {
        response.headers_mut().insert(header::LOCATION, to);
    }
    response
}

fn cut_body(text: &'static str, cutter: Cutter) -> Response {
    let (pieces, receiver) = mpsc::channel(1);
    tokio::spawn(async move {
        if pieces.send(Bytes::from_static(text.as_bytes())).await.is_ok() {
            // The second place in the channel is free only after the first piece was taken.
            let _ = pieces.reserve().await;
            cutter.close();
        }
    });
    let mut response = respond::piecewise(respond::JSON, receiver);
    response.headers_mut().insert(header::CONTENT_LENGTH, (text.len() * 2).into());
    response
}

fn huge_body(bytes: u64) -> Response {
    let (pieces, receiver) = mpsc::channel(2);
    tokio::spawn(async move {
        let blank = Bytes::from(vec![b' '; 65_536]);
        let mut left = bytes;
        let mut piece = Bytes::from_static(b"{\"models\":[");
        while pieces.send(piece.clone()).await.is_ok() && left > 0 {
            piece = blank.slice(..usize::try_from(left.min(65_536)).unwrap_or(65_536));
            left -= piece.len() as u64;
        }
        let _ = pieces.send(Bytes::from_static(b"]}")).await;
    });
    respond::piecewise(respond::JSON, receiver)
}

fn endless_line() -> Response {
    let (pieces, receiver) = mpsc::channel(2);
    tokio::spawn(async move {
        let filler = Bytes::from(vec![b'x'; 65_536]);
        let mut piece = Bytes::from_static(b"{\"status\":\"");
        while pieces.send(piece).await.is_ok() {
            piece = filler.clone();
        }
    });
    respond::piecewise("application/x-ndjson", receiver)
}
