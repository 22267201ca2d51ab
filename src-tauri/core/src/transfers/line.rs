//! One connection: takes pieces from the board and brings their bytes, until nothing is left or it
//! breaks.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use corral_contract::{ErrorCode, WireError};
use reqwest::{Response, StatusCode, header};
use tokio::{
    sync::mpsc,
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    Timers,
    board::{LineId, Piece},
    brake::Brake,
    disk::{Chunk, Ground},
};
use crate::registry::{Failure, Place, Registries, Repository};

/// Bytes that go to the disk at once, and into one claim: what a crash costs each connection.
const CHUNK: u64 = 512 * 1024;
/// Least and most bytes of one request.
const LEAST: u64 = 4 << 20;
const MOST: u64 = 16 << 20;
/// A request is to take about this long, so that the way there and back does not count.
const PIECE_TIME: f64 = 4.0;
/// Between two measurements of the own speed.
const MEASURE: Duration = Duration::from_millis(500);

/// What all connections of a blob work with.
pub(super) struct Shared {
    pub(super) registries: Registries,
    pub(super) repository: Repository,
    pub(super) size: u64,
    pub(super) ground: Arc<Ground>,
    pub(super) chunks: mpsc::Sender<Chunk>,
    pub(super) brake: Brake,
    pub(super) timers: Timers,
    /// Bytes that came, over all connections.
    pub(super) came: AtomicU64,
}

/// Why a connection ended.
#[derive(Debug)]
pub(super) enum End {
    /// Nothing is left to take.
    Idle,
    /// The other side sends all or nothing: one connection alone has to bring the blob.
    NoRanges,
    Failed(Failure),
    Stopped,
}

/// How fast a connection is, told to whoever looks for slow ones.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// Bytes since it was opened.
    pub(super) came: AtomicU64,
}

/// Brings pieces until nothing is left. Ends at once when `token` is cancelled; what it has got by
/// then still goes to the disk.
pub(super) async fn bring(
    shared: &Shared,
    place: &Place,
    line: LineId,
    pace: &Pace,
    token: &CancellationToken,
) -> End {
    let mut longest = LEAST;
    let end = loop {
        let piece = shared.ground.board().take(line, longest);
        let Some(piece) = piece else { break End::Idle };
        let began = Instant::now();
        let work = fetch(shared, place, line, &piece, pace);
        let fetched = tokio::select! {
            biased;
            () = token.cancelled() => break End::Stopped,
            fetched = work => fetched,
        };
        match fetched {
            Ok(Fetched::Piece(bytes)) => {
                let speed = bytes as f64 / began.elapsed().as_secs_f64().max(0.001);
                shared.ground.board().measured(line, speed as u64);
                longest = ((speed * PIECE_TIME) as u64).clamp(LEAST, MOST);
            }
            Ok(Fetched::NoRanges) => break End::NoRanges,
            Err(failure) => break End::Failed(failure),
        }
    };
    shared.ground.board().give_back(line);
    end
}

enum Fetched {
    Piece(u64),
    NoRanges,
}

async fn fetch(
    shared: &Shared,
    place: &Place,
    line: LineId,
    piece: &Piece,
    pace: &Pace,
) -> Result<Fetched, Failure> {
    let range = piece.start..piece.end();
    let opened = shared.registries.open(&shared.repository, place, range.clone());
    let limit = shared.timers.first_byte;
    let response = timeout(limit, opened).await.map_err(|_| silent(limit))??;
    same_size(&response, shared.size)?;
    let whole = range == (0..shared.size);
    if response.status() != StatusCode::PARTIAL_CONTENT && !whole {
        return Ok(Fetched::NoRanges);
    }
    let expected = range.end - range.start;
    if response.content_length().is_some_and(|length| length != expected) {
        return Err(wrong(format!("{:?} bytes instead of {expected}", response.content_length())));
    }
    let bytes = receive(shared, response, line, piece, pace).await?;
    Ok(Fetched::Piece(bytes))
}

/// Takes the bytes of an answer up to the end of the piece, which may come closer meanwhile.
async fn receive(
    shared: &Shared,
    mut response: Response,
    line: LineId,
    piece: &Piece,
    pace: &Pace,
) -> Result<u64, Failure> {
    let mut packer = Packer { at: piece.start, start: piece.start, pieces: Vec::new(), bytes: 0 };
    let (mut since, mut before) = (Instant::now(), piece.start);
    let ended = loop {
        if packer.at >= piece.end() {
            break Ok(());
        }
        let chunk = match timeout(shared.timers.stall, response.chunk()).await {
            Err(_) => break Err(silent(shared.timers.stall)),
            Ok(Err(error)) => break Err(crate::registry::unreachable(error)),
            Ok(Ok(None)) => break Err(wrong("the answer ended early".to_owned())),
            Ok(Ok(Some(chunk))) => chunk,
        };
        let came = chunk.len();
        shared.came.fetch_add(came as u64, Ordering::Relaxed);
        pace.came.fetch_add(came as u64, Ordering::Relaxed);
        if packer.add(shared, line, chunk, piece.end()).await.is_none() {
            // Nobody writes any more: the ground says why.
            return Ok(0);
        }
        shared.brake.take(came).await;
        if since.elapsed() >= MEASURE {
            let speed = (packer.at - before) as f64 / since.elapsed().as_secs_f64();
            shared.ground.board().measured(line, speed as u64);
            (since, before) = (Instant::now(), packer.at);
        }
    };
    // What came before it broke is worth keeping.
    let _ = packer.flush(shared, line).await;
    ended.map(|()| packer.at - piece.start)
}

/// Collects what comes until it is worth a write.
struct Packer {
    at: u64,
    start: u64,
    pieces: Vec<Bytes>,
    bytes: u64,
}

impl Packer {
    async fn add(
        &mut self,
        shared: &Shared,
        line: LineId,
        mut chunk: Bytes,
        end: u64,
    ) -> Option<()> {
        {
            // Under the lock nobody moves the end: what is counted as received stays this line's.
            let mut board = shared.ground.board();
            let end = board.end_of(line).unwrap_or(end);
            let left = end.saturating_sub(self.at);
            if chunk.len() as u64 > left {
                chunk.truncate(left as usize);
            }
            self.at += chunk.len() as u64;
            board.received(line, self.at);
        }
        self.bytes += chunk.len() as u64;
        if !chunk.is_empty() {
            self.pieces.push(chunk);
        }
        if self.bytes >= CHUNK { self.flush(shared, line).await } else { Some(()) }
    }

    async fn flush(&mut self, shared: &Shared, line: LineId) -> Option<()> {
        if self.bytes == 0 {
            return Some(());
        }
        // Before the chunk is on its way: a line that is stopped while it waits for the disk loses
        // it, and it is fetched again.
        let place = shared.chunks.reserve().await.ok()?;
        shared.ground.board().passed(line, self.at);
        let chunk = Chunk { offset: self.start, pieces: std::mem::take(&mut self.pieces) };
        self.start += self.bytes;
        self.bytes = 0;
        place.send(chunk);
        Some(())
    }
}

/// Brings a whole blob over one connection, for other sides that know no ranges. What is there
/// already is passed over.
pub(super) async fn bring_all(shared: &Shared, place: &Place, line: LineId) -> Result<(), Failure> {
    let piece = shared.ground.board().take_all(line);
    let work = async {
        let opened = shared.registries.open(&shared.repository, place, 0..shared.size);
        let limit = shared.timers.first_byte;
        let response = timeout(limit, opened).await.map_err(|_| silent(limit))??;
        receive(shared, response, line, &piece, &Pace::default()).await
    };
    let received = work.await;
    // Whatever became of it: otherwise nobody would ever fetch the rest.
    shared.ground.board().give_back(line);
    received.map(|_| ())
}

/// Whether the other side still speaks of a blob of this size.
pub(super) fn same_size(response: &Response, size: u64) -> Result<(), Failure> {
    let range = response.headers().get(header::CONTENT_RANGE).and_then(|text| text.to_str().ok());
    let total = range.and_then(|text| text.rsplit_once('/')?.1.parse::<u64>().ok());
    match total {
        Some(total) if total != size => {
            Err(wrong(format!("it has {total} bytes there, and should have {size}")))
        }
        _ => Ok(()),
    }
}

pub(super) fn silent(limit: Duration) -> Failure {
    let text = format!("no byte for {} s", limit.as_secs());
    Failure::retry(WireError::new(ErrorCode::TimedOut).detail(text))
}

pub(super) fn wrong(text: String) -> Failure {
    Failure::retry(WireError::new(ErrorCode::DownloadInterrupted).detail(text))
}
