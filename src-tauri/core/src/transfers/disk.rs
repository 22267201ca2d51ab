//! The threads that a blob has beside its connections: one writes what comes, one proves what was
//! claimed and hashes the bytes as soon as they have no gap before them, and a large blob has one
//! that sends them on to the disk. They keep disk and arithmetic away from the threads that serve
//! the network.

use std::{
    fs::File,
    io,
    ops::Range,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
};

use sha2::{Digest, Sha256};
use tokio::sync::{mpsc, watch};

use super::{
    board::Board,
    journal::Claim,
    staging::{Staged, read_at, write_at},
};

/// Bytes after which the system is asked to put them on the disk, so that little is left to do
/// before the blob is published. Nobody waits for it, and nothing relies on it.
const SETTLE: u64 = 128 << 20;
/// Bytes that are read back at once.
const BLOCK: usize = 1 << 20;

/// Bytes that came, in a row, for one place of the file.
#[derive(Debug)]
pub(super) struct Chunk {
    pub(super) offset: u64,
    pub(super) pieces: Vec<bytes::Bytes>,
}

impl Chunk {
    fn range(&self) -> Range<u64> {
        let length: usize = self.pieces.iter().map(bytes::Bytes::len).sum();
        self.offset..self.offset + length as u64
    }
}

/// What connections and threads of one blob share.
#[derive(Debug)]
pub(super) struct Ground {
    board: Mutex<Board>,
    /// Something was written, proved or lost, or the end has come.
    news: Condvar,
    /// Bytes that are there, and what stopped the work.
    state: watch::Sender<GroundState>,
}

/// How the work on the disk stands.
#[derive(Debug, Clone, Default)]
pub(super) struct GroundState {
    pub(super) done: u64,
    /// Those, and what is still to be proved.
    pub(super) likely: u64,
    /// Bytes that were claimed and turned out not to be there.
    pub(super) lost: u64,
    /// Nobody is to go on.
    pub(super) closed: bool,
    pub(super) fault: Option<Arc<io::Error>>,
}

impl Ground {
    #[must_use]
    pub(super) fn new(board: Board) -> Arc<Ground> {
        let likely = board.likely();
        let state = watch::Sender::new(GroundState { likely, ..GroundState::default() });
        Arc::new(Ground { board: Mutex::new(board), news: Condvar::new(), state })
    }

    pub(super) fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[must_use]
    pub(super) fn watch(&self) -> watch::Receiver<GroundState> {
        self.state.subscribe()
    }

    /// Ends both threads soon.
    pub(super) fn close(&self) {
        self.state.send_modify(|state| state.closed = true);
        self.wake();
    }

    /// Whoever looked before the change is waiting by now, because he holds the board until he
    /// does.
    fn wake(&self) {
        drop(self.board());
        self.news.notify_all();
    }

    fn fail(&self, error: io::Error) {
        self.state.send_modify(|state| {
            state.fault.get_or_insert_with(|| Arc::new(error));
            state.closed = true;
        });
        self.wake();
    }

    /// Waits until so many bytes are there; `None` when the blob is whole or nobody goes on.
    fn wait_for_bytes(&self, bytes: u64, size: u64) -> Option<u64> {
        let mut board = self.board();
        loop {
            let done = board.done();
            if done >= size || self.closed() {
                return None;
            }
            if done >= bytes {
                return Some(done);
            }
            board = self.news.wait(board).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn closed(&self) -> bool {
        self.state.borrow().closed
    }

    fn tell(&self, change: impl FnOnce(&mut Board)) {
        let (done, likely) = {
            let mut board = self.board();
            change(&mut board);
            (board.done(), board.likely())
        };
        self.state.send_modify(|state| (state.done, state.likely) = (done, likely));
        self.news.notify_all();
    }
}

/// Writes chunks until the sender is gone, then gives the files back.
///
/// # Errors
/// When the thread cannot be started. What the file system says stops the ground.
pub(super) fn write(
    ground: Arc<Ground>,
    mut staged: Staged,
    mut chunks: mpsc::Receiver<Chunk>,
) -> io::Result<thread::JoinHandle<Staged>> {
    thread::Builder::new().name("blob-writer".to_owned()).spawn(move || {
        while let Some(chunk) = chunks.blocking_recv() {
            if ground.closed() {
                continue;
            }
            // What is there already has been proved, or is about to be: nobody writes over it, or
            // the file would become another than the one that was hashed.
            let missing = ground.board().missing(chunk.range());
            for range in missing {
                match put(&mut staged, &chunk, range.clone()) {
                    Ok(()) => ground.tell(|board| board.wrote(range)),
                    Err(error) => ground.fail(error),
                }
            }
        }
        staged
    })
}

/// Sends what was written on to the disk while more comes; ends with the blob or with the ground.
pub(super) fn settle(ground: Arc<Ground>, data: File, size: u64) -> Option<thread::JoinHandle<()>> {
    if size < 2 * SETTLE {
        return None;
    }
    let work = move || {
        let mut settled = 0;
        while let Some(done) = ground.wait_for_bytes(settled + SETTLE, size) {
            // A disk that refuses will say so again when it counts.
            let _ = data.sync_data();
            settled = done;
        }
    };
    // Without this thread publishing takes a little longer.
    thread::Builder::new().name("blob-settler".to_owned()).spawn(work).ok()
}

/// Writes the part of a chunk that belongs into `range`, and claims it.
fn put(staged: &mut Staged, chunk: &Chunk, range: Range<u64>) -> io::Result<()> {
    let (mut at, mut sum) = (chunk.offset, 0);
    for piece in &chunk.pieces {
        let end = at + piece.len() as u64;
        let (first, last) = (at.max(range.start), end.min(range.end));
        if first < last {
            let part = &piece[(first - at) as usize..(last - at) as usize];
            write_at(&staged.data, part, first)?;
            sum = crc32c::crc32c_append(sum, part);
        }
        at = end;
    }
    let length = u32::try_from(range.end - range.start).map_err(io::Error::other)?;
    staged.claim(Claim { offset: range.start, length, sum })
}

/// Proves the claims, then follows the bytes without a gap; ends with the SHA-256 of the blob, or
/// with `None` when the ground was closed before.
///
/// # Errors
/// When the thread cannot be started. What the file system says stops the ground.
pub(super) fn prove(
    ground: Arc<Ground>,
    data: File,
    claims: Vec<Claim>,
    size: u64,
) -> io::Result<thread::JoinHandle<Option<[u8; 32]>>> {
    thread::Builder::new().name("blob-prover".to_owned()).spawn(move || {
        let mut prover = Prover { data, hash: Sha256::new(), hashed: 0, block: vec![0; BLOCK] };
        match prover.run(&ground, claims, size) {
            Ok(digest) => digest,
            Err(error) => {
                ground.fail(error);
                None
            }
        }
    })
}

struct Prover {
    data: File,
    hash: Sha256,
    /// Bytes from the start that are in the hash.
    hashed: u64,
    block: Vec<u8>,
}

impl Prover {
    fn run(
        &mut self,
        ground: &Ground,
        claims: Vec<Claim>,
        size: u64,
    ) -> io::Result<Option<[u8; 32]>> {
        for claim in claims {
            if ground.closed() {
                return Ok(None);
            }
            let range = claim.range();
            if self.holds(&claim)? {
                ground.tell(|board| board.proved(range));
            } else {
                ground.state.send_modify(|state| state.lost += range.end - range.start);
                ground.tell(|board| board.lost(range));
            }
        }
        while self.hashed < size {
            let Some(reach) = self.wait(ground) else { return Ok(None) };
            let length = (reach - self.hashed).min(BLOCK as u64) as usize;
            let block = &mut self.block[..length];
            read_at(&self.data, block, self.hashed)?;
            self.hash.update(block);
            self.hashed += length as u64;
        }
        Ok(Some(std::mem::take(&mut self.hash).finalize().into()))
    }

    /// Reads what a claim is about. While nothing is missing before it, the same bytes go into the
    /// hash: a blob that was nearly there is read once.
    fn holds(&mut self, claim: &Claim) -> io::Result<bool> {
        let (mut sum, mut at) = (0, claim.offset);
        let end = claim.range().end;
        let follows = at == self.hashed;
        let before = follows.then(|| self.hash.clone());
        while at < end {
            let length = (end - at).min(BLOCK as u64) as usize;
            let block = &mut self.block[..length];
            read_at(&self.data, block, at)?;
            sum = crc32c::crc32c_append(sum, block);
            if follows {
                self.hash.update(block);
            }
            at += length as u64;
        }
        let holds = sum == claim.sum;
        match before {
            Some(_) if holds => self.hashed = end,
            Some(before) => self.hash = before,
            None => {}
        }
        Ok(holds)
    }

    /// Waits until there is more to hash.
    fn wait(&self, ground: &Ground) -> Option<u64> {
        let mut board = ground.board();
        loop {
            let reach = board.reach(self.hashed);
            if reach > self.hashed {
                return Some(reach);
            }
            if ground.closed() {
                return None;
            }
            board = ground.news.wait(board).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

#[cfg(test)]
#[path = "disk_test.rs"]
mod tests;
