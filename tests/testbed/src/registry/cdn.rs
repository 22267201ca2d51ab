//! The CDN: ranges of blobs at a given speed, and all its ways to fail.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{Method, StatusCode, header};
use axum::response::Response;
use futures_util::stream;
use tokio::sync::mpsc;

use super::front::{note, plain, set};
use super::{Shared, Trouble};
use crate::content::Content;
use crate::patience::lock;
use crate::wire::Cutter;

const PIECE: usize = 32_768;

/// What is to be sent.
pub(super) struct Delivery {
    pub(super) content: Content,
    /// First and last byte.
    pub(super) range: Option<(u64, u64)>,
    pub(super) trouble: Trouble,
    pub(super) head: bool,
}

pub(super) async fn serve(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(cutter): ConnectInfo<Cutter>,
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    note(&shared, &parts, true);
    if parts.headers.contains_key(header::AUTHORIZATION) {
        // As object stores do when an address is signed already.
        return plain(StatusCode::BAD_REQUEST, "Only one auth mechanism allowed");
    }
    let head = parts.method == Method::HEAD;
    let digest = parts.uri.path().strip_prefix("/data/").unwrap_or_default();
    let (content, current, trouble) = {
        let mut book = lock(&shared.book);
        let scripted = if head { None } else { book.script.pop_front() };
        let trouble = scripted.or_else(|| book.always.clone()).unwrap_or(Trouble::None);
        let current = format!("signature={}", book.generation);
        (book.contents.get(digest).cloned(), current, trouble)
    };
    if parts.uri.query() != Some(&current) || trouble == Trouble::Expired {
        let body = "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>";
        return plain(StatusCode::FORBIDDEN, body);
    }
    let Some(content) = content else {
        return plain(StatusCode::NOT_FOUND, "<Error><Code>NoSuchKey</Code></Error>");
    };
    let asked = parts.headers.get(header::RANGE).and_then(|value| value.to_str().ok());
    let range = asked.and_then(|text| parse_range(text, content.size));
    if asked.is_some() && range.is_none() {
        let mut response = plain(StatusCode::RANGE_NOT_SATISFIABLE, "");
        set(&mut response, header::CONTENT_RANGE, &format!("bytes */{}", content.size));
        return response;
    }
    deliver(&shared, Delivery { content, range, trouble, head }, cutter).await
}

fn parse_range(text: &str, size: u64) -> Option<(u64, u64)> {
    let (first, last) = text.strip_prefix("bytes=")?.split_once('-')?;
    let first: u64 = first.parse().ok()?;
    let last = if last.is_empty() { size } else { last.parse::<u64>().ok()? };
    let last = last.min(size.checked_sub(1)?);
    (first <= last).then_some((first, last))
}

pub(super) async fn deliver(shared: &Arc<Shared>, delivery: Delivery, cutter: Cutter) -> Response {
    let Delivery { content, range, trouble, head } = delivery;
    match &trouble {
        Trouble::RetryLater { status, seconds } => {
            let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
            let mut response = plain(status, "slow down");
            set(&mut response, header::RETRY_AFTER, &seconds.to_string());
            return response;
        }
        Trouble::Status(status, body) => {
            let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::BAD_GATEWAY);
            return plain(status, body.clone());
        }
        _ => {}
    }
    let range = range.filter(|_| trouble != Trouble::IgnoreRange);
    let (first, end) = range.map_or((0, content.size), |(first, last)| (first, last + 1));
    let size = content.size;
    let body = if head {
        Body::empty()
    } else {
        let sending = Sending { content, trouble: trouble.clone(), first, end, cutter };
        sending.start(shared)
    };
    let mut response = plain(StatusCode::OK, body);
    set(&mut response, header::CONTENT_LENGTH, &(end - first).to_string());
    set(&mut response, header::ACCEPT_RANGES, "bytes");
    set(&mut response, header::CONTENT_TYPE, "application/octet-stream");
    if trouble == Trouble::Packed {
        set(&mut response, header::CONTENT_ENCODING, "gzip");
    }
    if range.is_some() {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        let shift = u64::from(trouble == Trouble::WrongContentRange);
        let size = size + u64::from(trouble == Trouble::OtherSize);
        let text = format!("bytes {}-{}/{size}", first + shift, end - 1 + shift);
        set(&mut response, header::CONTENT_RANGE, &text);
    }
    response
}

struct Sending {
    content: Content,
    trouble: Trouble,
    first: u64,
    end: u64,
    cutter: Cutter,
}

impl Sending {
    fn start(self, shared: &Arc<Shared>) -> Body {
        let (pieces, receiver) = mpsc::channel::<Bytes>(2);
        let shared = Arc::clone(shared);
        // A client that has gone ends the sending; there is nothing to tell anybody.
        tokio::spawn(async move { self.send(&shared, &pieces).await });
        Body::from_stream(stream::unfold(receiver, |mut receiver| async move {
            receiver.recv().await.map(|piece| (Ok::<_, Infallible>(piece), receiver))
        }))
    }

    async fn send(&self, shared: &Shared, pieces: &mpsc::Sender<Bytes>) -> Option<()> {
        let mut hold = shared.hold.subscribe();
        let stop = match self.trouble {
            Trouble::ResetAfter(bytes)
            | Trouble::CloseAfter(bytes)
            | Trouble::LapseAfter(bytes)
            | Trouble::BlackHoleAfter(bytes) => self.end.min(self.first + bytes),
            _ => self.end,
        };
        let mut at = self.first;
        while at < stop {
            // Dropping the sender while held would end the body early; the client's going ends it.
            tokio::select! {
                held = hold.wait_for(|held| !held) => drop(held.ok()?),
                () = pieces.closed() => return None,
            }
            let longest = if matches!(self.trouble, Trouble::Drip(_)) { 1 } else { PIECE };
            let left = usize::try_from(stop - at).unwrap_or(longest);
            let mut piece = self.content.piece(at, longest.min(left));
            if self.trouble == Trouble::WrongBytes {
                piece.iter_mut().for_each(|byte| *byte ^= 1);
            }
            let length = piece.len() as u64;
            pieces.send(Bytes::from(piece)).await.ok()?;
            *lock(&shared.book).sent.entry(self.content.digest.clone()).or_default() += length;
            shared.changes.note();
            at += length;
            self.pause(shared, length).await;
        }
        if at < self.end {
            self.give_up(shared, pieces).await;
        }
        Some(())
    }

    async fn pause(&self, shared: &Shared, length: u64) {
        if let Trouble::Drip(pause) = self.trouble {
            tokio::time::sleep(pause).await;
        }
        let rate = lock(&shared.book).rate.filter(|rate| *rate > 0);
        if let Some(rate) = rate {
            tokio::time::sleep(Duration::from_secs_f64(length as f64 / rate as f64)).await;
        }
    }

    async fn give_up(&self, shared: &Shared, pieces: &mpsc::Sender<Bytes>) {
        if let Trouble::BlackHoleAfter(_) = self.trouble {
            return pieces.closed().await;
        }
        if pieces.reserve_many(pieces.max_capacity()).await.is_ok() {
            // Taken is not yet written: nothing tells when the socket has it.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        if let Trouble::LapseAfter(_) = self.trouble {
            lock(&shared.book).generation += 1;
        }
        match self.trouble {
            Trouble::ResetAfter(_) => self.cutter.reset(),
            _ => self.cutter.close(),
        }
        pieces.closed().await;
    }
}
