//! Downloads of blobs: shared between pulls, paced by the test, resumable.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::layer::Layer;
use super::shared::Shared;
use super::store::Blob;
use crate::patience::lock;

/// Blobs up to this many bytes arrive at once and emit no progress, as under 60 ms in reality.
pub const INSTANT_BYTES: u64 = 65_536;

/// How often a running download is told about.
pub(crate) const TICK: Duration = Duration::from_millis(60);

/// How fast blobs arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// At once.
    Instant,
    /// Bytes per second, in steps of 60 ms.
    Rate(u64),
    /// Only as far as the test releases bytes.
    Gated,
}

#[derive(Debug)]
struct Gate {
    pace: Pace,
    released: u64,
}

/// What a waiting pull sees of a download.
#[derive(Clone, Debug, Default)]
pub(crate) struct Progress {
    pub(crate) completed: u64,
    pub(crate) finished: bool,
}

#[derive(Debug)]
struct Download {
    digest: String,
    total: u64,
    progress: watch::Sender<Progress>,
    cancel: CancellationToken,
}

/// A running download as a test sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Active {
    /// 64 hex digits.
    pub digest: String,
    pub total: u64,
    pub completed: u64,
    /// Pulls waiting for it.
    pub waiters: usize,
}

#[derive(Debug)]
pub(crate) struct Downloads {
    gate: watch::Sender<Gate>,
    running: Mutex<HashMap<String, Weak<Download>>>,
    dying: Mutex<HashSet<String>>,
}

impl Downloads {
    pub(crate) fn new(pace: Pace) -> Self {
        let gate = watch::Sender::new(Gate { pace, released: 0 });
        Self { gate, running: Mutex::default(), dying: Mutex::default() }
    }

    pub(crate) fn set_pace(&self, pace: Pace) {
        self.gate.send_modify(|gate| gate.pace = pace);
    }

    pub(crate) fn release(&self, bytes: u64) {
        self.gate.send_modify(|gate| gate.released = gate.released.saturating_add(bytes));
    }

    pub(crate) fn active(&self) -> Vec<Active> {
        let running = lock(&self.running);
        let mut active: Vec<Active> = running
            .values()
            .filter_map(Weak::upgrade)
            .map(|download| Active {
                digest: download.digest.clone(),
                total: download.total,
                completed: download.progress.borrow().completed,
                // This very look holds one reference of its own.
                waiters: Arc::strong_count(&download).saturating_sub(1),
            })
            .collect();
        active.sort_by(|left, right| left.digest.cmp(&right.digest));
        active
    }

    /// Takes back `bytes` of every running download, as a failed part does.
    pub(crate) fn roll_back(&self, bytes: u64) {
        for download in lock(&self.running).values().filter_map(Weak::upgrade) {
            download.progress.send_modify(|progress| {
                progress.completed = progress.completed.saturating_sub(bytes);
            });
        }
    }

    /// True once after a cancelled download that is still "winding down".
    pub(crate) fn take_dying(&self, digest: &str) -> bool {
        lock(&self.dying).remove(digest)
    }

    /// Joins the download of a layer, starting it when nobody else has.
    pub(crate) fn join(&self, shared: &Arc<Shared>, layer: &Layer) -> Ticket {
        let mut running = lock(&self.running);
        if let Some(download) = running.get(&layer.digest).and_then(Weak::upgrade) {
            drop(running);
            shared.changes.note();
            return Ticket::new(shared, download);
        }
        let completed = lock(&shared.store).partials.get(&layer.digest).copied().unwrap_or(0);
        let download = Arc::new(Download {
            digest: layer.digest.clone(),
            total: layer.size,
            progress: watch::Sender::new(Progress { completed, finished: false }),
            cancel: CancellationToken::new(),
        });
        running.insert(layer.digest.clone(), Arc::downgrade(&download));
        drop(running);
        let driver = Driver {
            progress: download.progress.clone(),
            gate: self.gate.subscribe(),
            release: self.gate.clone(),
            total: layer.size,
        };
        let (cancel, layer) = (download.cancel.clone(), layer.clone());
        let owner = Arc::downgrade(shared);
        tokio::spawn(async move {
            let blob = Blob { size: layer.size, data: layer.data.clone() };
            tokio::select! {
                () = cancel.cancelled() => {}
                () = driver.run(&owner) => {
                    if let Some(shared) = owner.upgrade() {
                        lock(&shared.store).add_blob(&layer.digest, blob);
                        lock(&shared.downloads.running).remove(&layer.digest);
                        shared.changes.note();
                    }
                    driver.progress.send_modify(|progress| progress.finished = true);
                }
            }
        });
        shared.changes.note();
        Ticket::new(shared, download)
    }
}

/// Advances one download.
struct Driver {
    progress: watch::Sender<Progress>,
    gate: watch::Receiver<Gate>,
    release: watch::Sender<Gate>,
    total: u64,
}

impl Driver {
    async fn run(&self, shared: &Weak<Shared>) {
        let mut gate = self.gate.clone();
        loop {
            let missing = self.total.saturating_sub(self.progress.borrow().completed);
            if missing == 0 {
                return;
            }
            let pace = if self.total <= INSTANT_BYTES { Pace::Instant } else { gate.borrow().pace };
            let step = match pace {
                Pace::Instant => missing,
                Pace::Rate(rate) => {
                    tokio::time::sleep(TICK).await;
                    (rate * 60 / 1000).max(1).min(missing)
                }
                Pace::Gated => {
                    let open = gate.wait_for(|gate| gate.pace != Pace::Gated || gate.released > 0);
                    if open.await.is_err() {
                        return std::future::pending().await;
                    }
                    let mut taken = 0;
                    self.release.send_if_modified(|gate| {
                        taken = gate.released.min(missing);
                        gate.released -= taken;
                        false
                    });
                    taken
                }
            };
            if step > 0 {
                self.progress.send_modify(|progress| progress.completed += step);
                if let Some(shared) = shared.upgrade() {
                    shared.changes.note();
                }
            }
        }
    }
}

/// One pull's share in a download; the last one dropped cancels it and keeps its progress.
#[derive(Debug)]
pub(crate) struct Ticket {
    shared: Arc<Shared>,
    download: Option<Arc<Download>>,
    pub(crate) progress: watch::Receiver<Progress>,
}

impl Ticket {
    fn new(shared: &Arc<Shared>, download: Arc<Download>) -> Self {
        let progress = download.progress.subscribe();
        Self { shared: Arc::clone(shared), download: Some(download), progress }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let Some(download) = self.download.take() else { return };
        // Whoever takes the last reference out cleans up, however many leave at once.
        let mut running = lock(&self.shared.downloads.running);
        let Some(download) = Arc::into_inner(download) else {
            drop(running);
            return self.shared.changes.note();
        };
        let progress = download.progress.borrow().clone();
        if !progress.finished && progress.completed < download.total {
            running.remove(&download.digest);
            download.cancel.cancel();
            let lost = lock(&self.shared.knobs).lost_on_cancel;
            let kept = progress.completed.saturating_sub(lost);
            lock(&self.shared.store).partials.insert(download.digest.clone(), kept);
            if lock(&self.shared.knobs).linger_after_cancel {
                lock(&self.shared.downloads.dying).insert(download.digest);
            }
        }
        drop(running);
        self.shared.changes.note();
    }
}
