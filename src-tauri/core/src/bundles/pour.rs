//! Bytes from one place to another, hashed on the way: one thread reads, one hashes, and the caller
//! writes, so that the slowest of the three decides and not their sum.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
    path::PathBuf,
    sync::{
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread,
};

use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

/// Bytes that move at once; between two of them a cancellation is heard.
const BLOCK: usize = 1 << 20;
/// Blocks under way.
const BLOCKS: usize = 8;
/// Bytes after which the disk is asked to take what was written, so that little is left at the end.
const SETTLE: u64 = 256 << 20;

/// Where the bytes of a layer are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) file: PathBuf,
    /// First byte in that file.
    pub(crate) offset: u64,
    pub(crate) size: u64,
}

/// Why it ended early.
#[derive(Debug)]
pub(crate) enum Stop {
    Cancelled,
    /// The source cannot be read, or ends too early.
    Read(io::Error),
    Write(io::Error),
}

/// Who is told, and who may stop it.
pub(crate) struct Way<'a> {
    pub(crate) token: &'a CancellationToken,
    /// Bytes that are done.
    pub(crate) done: &'a AtomicU64,
}

impl Way<'_> {
    /// Bytes that need not be moved.
    pub(crate) fn skip(&self, bytes: u64) {
        self.done.fetch_add(bytes, Ordering::Relaxed);
    }

    /// What was done counts no more.
    pub(crate) fn back(&self, bytes: u64) {
        self.done.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// The digest of a source. Blocks.
///
/// # Errors
/// See [`Stop`].
pub(crate) fn digest(source: &Source, way: &Way<'_>) -> Result<[u8; 32], Stop> {
    pour(source, 0, None, Sha256::new(), way).map(|sum| sum.finalize().into())
}

/// Moves what follows the first `skip` bytes of a source to where `out` stands, and feeds `sum` with
/// it. Without `out` it is only hashed. Blocks.
///
/// # Errors
/// See [`Stop`].
pub(crate) fn pour(
    source: &Source,
    skip: u64,
    mut out: Option<&mut File>,
    mut sum: Sha256,
    way: &Way<'_>,
) -> Result<Sha256, Stop> {
    let mut file = File::open(&source.file).map_err(Stop::Read)?;
    file.seek(SeekFrom::Start(source.offset + skip)).map_err(Stop::Read)?;
    let left = source.size.saturating_sub(skip);
    if left <= BLOCK as u64 {
        // Threads would take longer than the work.
        let mut block = vec![0; usize::try_from(left).unwrap_or(BLOCK)];
        file.read_exact(&mut block).map_err(Stop::Read)?;
        sum.update(&block);
        if let Some(out) = out {
            out.write_all(&block).map_err(Stop::Write)?;
        }
        way.skip(left);
        return if way.token.is_cancelled() { Err(Stop::Cancelled) } else { Ok(sum) };
    }
    let (empty, empties) = mpsc::channel();
    for _ in 0..BLOCKS {
        // The other end is held below.
        let _ = empty.send(vec![0; BLOCK]);
    }
    let (filled, blocks) = mpsc::sync_channel(BLOCKS);
    let (written, to_hash) = mpsc::sync_channel::<Vec<u8>>(BLOCKS);
    thread::scope(|scope| {
        scope.spawn(move || read(file, left, &empties, &filled));
        let hasher = scope.spawn(move || {
            for block in to_hash {
                sum.update(&block);
                // The reader may be done.
                let _ = empty.send(block);
            }
            sum
        });
        let mut settled = Settled::default();
        let mut moved = 0_u64;
        let mut ended = Ok(());
        for block in blocks {
            let step = block.map_err(Stop::Read).and_then(|block| {
                if way.token.is_cancelled() {
                    return Err(Stop::Cancelled);
                }
                if let Some(out) = out.as_deref_mut() {
                    out.write_all(&block).map_err(Stop::Write)?;
                    moved += block.len() as u64;
                    settled.look(out, moved, scope);
                }
                way.skip(block.len() as u64);
                Ok(block)
            });
            match step {
                // It only ends when this end of it does.
                Ok(block) => drop(written.send(block)),
                Err(stop) => {
                    ended = Err(stop);
                    break;
                }
            }
        }
        drop(written);
        // It does nothing that can panic.
        let sum = hasher.join().map_err(|_| Stop::Read(io::Error::other("hashing ended")))?;
        ended.map(|()| sum)
    })
}

fn read(
    mut file: File,
    mut left: u64,
    empties: &mpsc::Receiver<Vec<u8>>,
    filled: &mpsc::SyncSender<io::Result<Vec<u8>>>,
) {
    while left > 0 {
        let Ok(mut block) = empties.recv() else { return };
        block.resize(BLOCK.min(usize::try_from(left).unwrap_or(BLOCK)), 0);
        left -= block.len() as u64;
        let read = file.read_exact(&mut block).map(|()| block);
        let over = read.is_err();
        if filled.send(read).is_err() || over {
            return;
        }
    }
}

/// Has the disk take what was written, now and then, on a thread of its own. Nobody relies on it.
#[derive(Default)]
struct Settled {
    at: u64,
}

impl Settled {
    fn look<'scope>(&mut self, out: &File, moved: u64, scope: &'scope thread::Scope<'scope, '_>) {
        if moved - self.at < SETTLE {
            return;
        }
        self.at = moved;
        if let Ok(same) = out.try_clone() {
            scope.spawn(move || {
                // What it says comes again when the file is closed.
                let _ = same.sync_data();
            });
        }
    }
}
