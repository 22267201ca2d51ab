//! Moving blobs: each blob into a place on this machine, once, whoever needs it.
//!
//! A blob grows in a staging folder, over several connections, from the front; its hash follows.
//! What an earlier attempt left is claimed by a journal and proved by its bytes. Whoever joins a
//! transfer shares it; it ends when the last one leaves. The queue, retrying over minutes, and
//! what becomes of a finished blob are the business of `downloads`.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicU32, atomic::Ordering},
    time::Duration,
};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::registry::{Registries, Repository};

mod adopt;
mod board;
mod brake;
mod disk;
mod failed;
mod growth;
mod journal;
mod line;
mod ranges;
mod run;
mod small;
mod sources;
mod staging;
pub mod throttle;

pub use adopt::{Adopted, adopt};
use brake::{Brake, Paces};
pub use failed::{Failed, Why};
use sources::Sources;
use staging::Staged;
pub(crate) use staging::readable_by_all;
use throttle::Throttle;

/// A blob that is wanted.
#[derive(Debug, Clone)]
pub struct Order {
    pub repository: Repository,
    /// `sha256:` and 64 hex digits.
    pub digest: String,
    /// The same as bytes.
    sum: [u8; 32],
    /// Bytes.
    pub size: u64,
    /// Where it grows.
    pub folder: PathBuf,
    /// Most connections; 0 = as many as are worth it.
    connections: Arc<AtomicU32>,
}

impl Order {
    /// `None` when the digest is none.
    #[must_use]
    pub fn new(
        repository: Repository,
        digest: &str,
        size: u64,
        folder: impl Into<PathBuf>,
    ) -> Option<Order> {
        let sum = sum_of(digest)?;
        let (digest, folder) = (digest.to_owned(), folder.into());
        Some(Order { repository, digest, sum, size, folder, connections: Arc::default() })
    }

    fn connections(&self) -> u32 {
        match self.connections.load(Ordering::Relaxed) {
            0 => growth::MOST,
            most => most,
        }
    }
}

/// How far a transfer is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    /// Bytes that are there. Falls when something that was there before turns out to be damaged.
    pub done: u64,
    pub connections: u32,
}

/// How long is waited for others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timers {
    /// Until the first byte of an answer; then the connection is opened anew.
    pub first_byte: Duration,
    /// Between two pieces of it; the same.
    pub stall: Duration,
    /// How long another copy of Corral, or an attempt that is being stopped, may hold the files.
    pub lock: Duration,
}

impl Default for Timers {
    fn default() -> Self {
        Timers {
            first_byte: Duration::from_secs(30),
            stall: Duration::from_secs(15),
            lock: Duration::from_secs(10),
        }
    }
}

/// All transfers of this process.
#[derive(Clone)]
pub struct Transfers(Arc<Inner>);

struct Inner {
    registries: Registries,
    live: Mutex<HashMap<Key, Arc<Live>>>,
    throttle: Arc<Throttle>,
    timers: Timers,
}

type Key = (PathBuf, String);

/// A transfer that somebody wants.
struct Live {
    standing: watch::Receiver<Standing>,
    outcome: watch::Receiver<Option<Result<Arc<Whole>, Failed>>>,
    token: CancellationToken,
    users: AtomicU32,
    /// Number of the share that counts the bytes, from 1; 0 = nobody's at the moment.
    leader: AtomicU32,
    /// Number of the share that came last.
    numbered: AtomicU32,
    paces: Arc<Paces>,
    connections: Arc<AtomicU32>,
}

/// A blob of which every byte is there and proved, still in its staging folder.
#[derive(Debug)]
pub struct Whole(Mutex<Option<Kept>>);

/// How its bytes lie there.
#[derive(Debug)]
enum Kept {
    /// Grown in place, with a journal.
    Grown(Staged),
    /// Written at once.
    Small(tempfile::NamedTempFile),
}

impl Whole {
    /// Moves it to its place; [`settle`] the folder after the last one. Once it was moved, or discarded, this changes nothing. Blocks.
    ///
    /// # Errors
    /// `DISK_FULL`, `STORE_PERMISSION`, `FILE_SYSTEM`; its bytes are then fetched again.
    pub fn publish(&self, place: &Path) -> Result<(), Failed> {
        match self.take() {
            Some(Kept::Grown(staged)) => staged.publish(place),
            Some(Kept::Small(file)) => small::publish(file, place),
            None => Ok(()),
        }
        .map_err(failed::of_disk)
    }

    /// Where its bytes can be read; `None` when they were moved.
    #[must_use]
    pub fn path(&self) -> Option<PathBuf> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let path = kept.as_ref().map(|kept| match kept {
            Kept::Grown(staged) => staged.path(),
            Kept::Small(file) => file.path(),
        });
        path.map(Path::to_owned)
    }

    /// Removes it: it is somewhere else by now. Blocks.
    pub fn discard(&self) {
        // A small one goes with its handle.
        if let Some(Kept::Grown(staged)) = self.take() {
            staged.discard();
        }
    }

    fn take(&self) -> Option<Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Forces to disk that published blobs lie in a folder. Blocks.
///
/// # Errors
/// `STORE_PERMISSION`, `FILE_SYSTEM`.
pub fn settle(folder: &Path) -> Result<(), Failed> {
    staging::sync_folder(folder).map_err(failed::of_disk)
}

/// Bytes that an earlier attempt says it left of a blob; `None` when there was none. Blocks.
#[must_use]
pub fn left_of(folder: &Path, digest: &str, size: u64) -> Option<u64> {
    Staged::peek(folder, &sum_of(digest)?, size)
}

/// Whether an earlier attempt set room aside for a blob. Blocks.
#[must_use]
pub fn is_begun(folder: &Path, digest: &str) -> bool {
    sum_of(digest).is_some_and(|sum| Staged::is_there(folder, &sum))
}

/// Whether somebody works on a blob, or another copy of Corral does. Blocks.
#[must_use]
pub fn is_held(folder: &Path, digest: &str) -> bool {
    sum_of(digest).is_some_and(|sum| Staged::is_held(folder, &sum))
}

/// Whether the server seems to be fetching into one of the files of a partial download. Blocks.
#[must_use]
pub fn is_active(files: &[PathBuf], now: std::time::SystemTime) -> bool {
    files.iter().any(|file| adopt::is_active(file, now))
}

/// Removes what an earlier attempt left of a blob. `false` while somebody works on it. Blocks.
#[must_use]
pub fn discard(folder: &Path, digest: &str) -> bool {
    sum_of(digest).is_none_or(|sum| Staged::remove(folder, &sum))
}

/// The bytes of a digest, `sha256:` and 64 hex digits; `None` when it is none.
pub(crate) fn sum_of(digest: &str) -> Option<[u8; 32]> {
    let hex = digest.strip_prefix("sha256:").filter(|hex| hex.len() == 64)?;
    let mut sum = [0; 32];
    for (place, byte) in sum.iter_mut().enumerate() {
        *byte = u8::from_str_radix(hex.get(place * 2..place * 2 + 2)?, 16).ok()?;
    }
    Some(sum)
}

impl Transfers {
    #[must_use]
    pub fn new(registries: Registries) -> Transfers {
        Transfers::with(registries, Timers::default())
    }

    /// With other limits of time.
    #[must_use]
    pub fn with(registries: Registries, timers: Timers) -> Transfers {
        let (live, throttle) = (Mutex::default(), Arc::default());
        Transfers(Arc::new(Inner { registries, live, throttle, timers }))
    }

    /// What all transfers together may bring.
    #[must_use]
    pub fn throttle(&self) -> &Throttle {
        &self.0.throttle
    }

    /// Joins the transfer of a blob, or begins it.
    #[must_use]
    pub fn join(&self, order: Order) -> Share {
        let key = (order.folder.clone(), order.digest.clone());
        let mut all = self.live();
        if let Some(live) = all.get(&key)
            && !live.token.is_cancelled()
            && !matches!(*live.outcome.borrow(), Some(Err(_)))
        {
            live.users.fetch_add(1, Ordering::Relaxed);
            let number = live.numbered.fetch_add(1, Ordering::Relaxed) + 1;
            live.paces.set(number, Arc::default());
            return Share { live: live.clone(), number, key, all: self.clone() };
        }
        let (standing, seen) = watch::channel(Standing::default());
        let (outcome, ended) = watch::channel(None);
        let token = CancellationToken::new();
        let paces = Arc::new(Paces::default());
        paces.set(1, Arc::default());
        let live = Arc::new(Live {
            standing: seen,
            outcome: ended,
            token: token.clone(),
            users: AtomicU32::new(1),
            leader: AtomicU32::new(1),
            numbered: AtomicU32::new(1),
            paces: paces.clone(),
            connections: order.connections.clone(),
        });
        all.insert(key.clone(), live.clone());
        let means = run::Means {
            registries: self.0.registries.clone(),
            brake: Brake { own: paces, all: self.0.throttle.clone() },
            timers: self.0.timers,
            standing,
            token,
            sources: Sources::default(),
        };
        tokio::spawn(async move {
            let brought = if order.size <= small::LARGEST {
                small::run(&order, &means).await.map(Kept::Small)
            } else {
                run::run(&order, &means).await.map(Kept::Grown)
            };
            let whole = brought.map(|kept| Arc::new(Whole(Mutex::new(Some(kept)))));
            outcome.send_replace(Some(whole));
        });
        Share { live, number: 1, key, all: self.clone() }
    }

    fn live(&self) -> MutexGuard<'_, HashMap<Key, Arc<Live>>> {
        self.0.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A part in a transfer. When the last one is dropped the transfer lets go of every connection and
/// file; what it has stays to go on from.
pub struct Share {
    live: Arc<Live>,
    number: u32,
    key: Key,
    all: Transfers,
}

impl Share {
    /// How far it is, now and from now on.
    #[must_use]
    pub fn standing(&self) -> watch::Receiver<Standing> {
        self.live.standing.clone()
    }

    /// Whether this one counts the bytes: exactly one of all shares does, as long as there is one.
    #[must_use]
    pub fn leads(&self) -> bool {
        let leader = &self.live.leader;
        let mine = leader.compare_exchange(0, self.number, Ordering::Relaxed, Ordering::Relaxed);
        mine.is_ok() || mine == Err(self.number)
    }

    /// Limits the speed by what whoever has this part also uses elsewhere. Another part without a
    /// limit, or with a higher one, is not held back.
    pub fn pace(&self, pace: Arc<Throttle>) {
        self.live.paces.set(self.number, pace);
    }

    /// Limits the connections; `None` = as many as are worth it. The last word counts.
    pub fn connections(&self, connections: Option<u32>) {
        self.live.connections.store(connections.unwrap_or(0), Ordering::Relaxed);
    }

    /// Waits for the blob.
    ///
    /// # Errors
    /// Why it did not come. All who share it get the same answer.
    pub async fn whole(&self) -> Result<Arc<Whole>, Failed> {
        let mut outcome = self.live.outcome.clone();
        let ended = outcome.wait_for(Option::is_some).await;
        match ended.as_deref() {
            Ok(Some(outcome)) => outcome.clone(),
            // The task was dropped with its runtime.
            _ => Err(failed::stopped()),
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut all = self.all.live();
        self.live.paces.remove(self.number);
        let leader = &self.live.leader;
        let _ = leader.compare_exchange(self.number, 0, Ordering::Relaxed, Ordering::Relaxed);
        if self.live.users.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.live.token.cancel();
            if all.get(&self.key).is_some_and(|live| Arc::ptr_eq(live, &self.live)) {
                all.remove(&self.key);
            }
        }
    }
}
