//! Bringing one blob: from what an earlier attempt left, over as many connections as are worth it,
//! to a file whose SHA-256 is known.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use corral_contract::{ErrorCode, WireError};
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval_at, sleep},
};
use tokio_util::sync::CancellationToken;

use super::{
    Failed, Order, Standing, Timers, Why,
    board::{Board, LineId},
    brake::Brake,
    disk::{self, Ground},
    failed::{of_disk, panicked, stopped},
    growth::{self, Growth},
    line::{self, End, Pace, Shared},
    sources::Sources,
    staging::Staged,
};
use crate::registry::{Failure, Place, Registries};

mod slow;

/// Chunks on their way to the disk.
const UNDERWAY: usize = 8;
/// Failures in a row, without a byte in between, that end an attempt.
pub(super) const FAILURES: u32 = 8;
/// First pause after a failure; doubles.
pub(super) const PAUSE: Duration = Duration::from_millis(200);
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// Looks between two searches for connections that are far slower than the others.
const SLOW_LOOKS: u32 = 12;
/// What the coordinator is told from outside.
pub(super) struct Means {
    pub(super) registries: Registries,
    pub(super) brake: Brake,
    pub(super) timers: Timers,
    pub(super) standing: tokio::sync::watch::Sender<Standing>,
    pub(super) token: CancellationToken,
    pub(super) sources: Sources,
}

/// Brings the blob of an order; answers its files once every byte is there and the digest is the
/// one that was ordered.
pub(super) async fn run(order: &Order, means: &Means) -> Result<Staged, Failed> {
    let mut again = false;
    loop {
        let (staged, digest) = attempt(order, means).await?;
        if digest == order.sum {
            means.sources.praise(&means.registries);
            return Ok(staged);
        }
        let error = WireError::new(ErrorCode::DigestMismatch).with("layer", &order.digest);
        means.sources.doubt(&means.registries, &error);
        // Bytes that are wrong somewhere: nothing says where, so all of them go.
        let (sum, size) = (order.sum, order.size);
        let emptied = blocking(move || {
            let mut staged = staged;
            staged.reset(&sum, size).map(|()| drop(staged))
        });
        emptied.await?;
        if std::mem::replace(&mut again, true) {
            return Err(Failed { why: Why::Final, error, retry_after: None });
        }
        means.standing.send_modify(|standing| standing.done = 0);
    }
}

async fn attempt(order: &Order, means: &Means) -> Result<(Staged, [u8; 32]), Failed> {
    let (staged, claims) = open(order, means).await?;
    let mut board = Board::new(order.size);
    claims.iter().for_each(|claim| board.claim(claim.range()));
    let ground = Ground::new(board);
    let data = staged.data.try_clone().map_err(of_disk)?;
    let settled = staged.data.try_clone().map_err(of_disk)?;
    let settler = disk::settle(ground.clone(), settled, order.size);
    let prover = disk::prove(ground.clone(), data, claims, order.size).map_err(of_disk)?;
    let (chunks, underway) = mpsc::channel(UNDERWAY);
    let writer = disk::write(ground.clone(), staged, underway).map_err(of_disk)?;
    let brought = Crew::new(order, means, ground.clone(), chunks).work().await;
    if brought.is_err() {
        ground.close();
    }
    // The crew's end closed the channel: the writer puts away what it has and gives the files back.
    // None of the threads may hold the file any more: not every system moves one that is open.
    let join = tokio::task::spawn_blocking(move || {
        let _ = settler.map(std::thread::JoinHandle::join);
        (writer.join(), prover.join())
    });
    let (staged, digest) = join.await.map_err(|_| panicked())?;
    let (staged, digest) = (staged.map_err(|_| panicked())?, digest.map_err(|_| panicked())?);
    if let Some(fault) = ground.watch().borrow().fault.clone() {
        return Err(of_disk(io::Error::new(fault.kind(), fault.to_string())));
    }
    brought?;
    Ok((staged, digest.ok_or_else(panicked)?))
}

/// Opens the files; waits a little for whoever still holds them.
async fn open(
    order: &Order,
    means: &Means,
) -> Result<(Staged, Vec<super::journal::Claim>), Failed> {
    let began = Instant::now();
    loop {
        let (folder, sum, size) = (order.folder.clone(), order.sum, order.size);
        match blocking(move || Staged::open(&folder, &sum, size)).await {
            Err(failed) if failed.why == Why::Locked && began.elapsed() < means.timers.lock => {
                tokio::select! {
                    () = means.token.cancelled() => return Err(stopped()),
                    () = sleep(PAUSE) => {}
                }
            }
            opened => return opened,
        }
    }
}

/// The connections of one blob.
struct Crew<'a> {
    order: &'a Order,
    means: &'a Means,
    shared: Arc<Shared>,
    growth: Growth,
    lines: JoinSet<(LineId, End)>,
    open: Vec<(LineId, Arc<Pace>, CancellationToken, u64)>,
    next: u32,
    place: Option<Place>,
    /// First line of the place; what earlier ones meet is about one that was left.
    fresh: u32,
    failures: u32,
    /// Bytes that had come at the last failure.
    came: u64,
    not_before: Instant,
}

impl<'a> Crew<'a> {
    fn new(
        order: &'a Order,
        means: &'a Means,
        ground: Arc<Ground>,
        chunks: mpsc::Sender<disk::Chunk>,
    ) -> Self {
        let shared = Shared {
            registries: means.registries.clone(),
            repository: order.repository.clone(),
            size: order.size,
            ground,
            chunks,
            brake: means.brake.clone(),
            timers: means.timers,
            came: AtomicU64::new(0),
        };
        Crew {
            order,
            means,
            shared: Arc::new(shared),
            growth: Growth::new(order.connections()),
            lines: JoinSet::new(),
            open: Vec::new(),
            next: 0,
            place: None,
            fresh: 0,
            failures: 0,
            came: 0,
            not_before: Instant::now(),
        }
    }

    /// Works until every byte has come to the disk, or it is no use.
    async fn work(mut self) -> Result<(), Failed> {
        let mut ground = self.shared.ground.watch();
        // Not at once: what came by then says nothing about a speed.
        let mut look = interval_at(Instant::now() + growth::LOOK, growth::LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut before, mut since, mut looks) = (0, Instant::now(), 0_u32);
        loop {
            {
                let state = ground.borrow_and_update();
                if state.closed {
                    return Err(stopped());
                }
                let likely = state.likely;
                self.means.standing.send_if_modified(|standing| {
                    std::mem::replace(&mut standing.done, likely) != likely
                });
                if state.done == self.order.size {
                    return Ok(());
                }
            }
            self.hire().await?;
            tokio::select! {
                biased;
                () = self.means.token.cancelled() => return Err(self.rest().await),
                changed = ground.changed() => if changed.is_err() { return Err(stopped()) },
                Some(ended) = self.lines.join_next() => {
                    let Ok((line, end)) = ended else { return Err(panicked()) };
                    self.ended(line, end).await?;
                }
                _ = look.tick() => {
                    let came = self.shared.came.load(Ordering::Relaxed);
                    let took = since.elapsed().as_secs_f64().max(0.001);
                    self.growth.limit(self.most());
                    self.dismiss_surplus();
                    let speed = ((came - before) as f64 / took) as u64;
                    self.growth.look(speed, self.open.len() as u32);
                    (before, since) = (came, Instant::now());
                    looks += 1;
                    if looks.is_multiple_of(SLOW_LOOKS) {
                        self.dismiss_slow();
                    }
                    let connections = self.open.len() as u32;
                    self.means.standing.send_if_modified(|standing| {
                        std::mem::replace(&mut standing.connections, connections) != connections
                    });
                }
            }
        }
    }

    /// Opens connections while there is something for them to do.
    async fn hire(&mut self) -> Result<(), Failed> {
        while (self.open.len() as u32) < self.growth.wanted()
            && Instant::now() >= self.not_before
            && self.shared.ground.board().has_work()
        {
            let Some(place) = self.place().await? else { return Ok(()) };
            let line = LineId(self.next);
            self.next += 1;
            let (pace, token) = (Arc::new(Pace::default()), self.means.token.child_token());
            self.open.push((line, pace.clone(), token.clone(), 0));
            let shared = self.shared.clone();
            self.lines.spawn(async move {
                let end = line::bring(&shared, &place, line, &pace, &token).await;
                (line, end)
            });
        }
        Ok(())
    }

    /// Where the bytes are; asked again after it was found to be wrong.
    async fn place(&mut self) -> Result<Option<Place>, Failed> {
        if let Some(place) = &self.place {
            return Ok(Some(place.clone()));
        }
        let asked = self.means.sources.place(&self.shared.registries, self.order);
        let answer = tokio::select! {
            () = self.means.token.cancelled() => return Err(stopped()),
            answer = asked => answer,
        };
        match answer {
            Ok(place) => {
                self.place = Some(place.clone());
                self.fresh = self.next;
                Ok(Some(place))
            }
            Err(failure) if failure.elsewhere && failure.error.code != ErrorCode::NotFound => {
                self.failed(failure)?;
                Ok(None)
            }
            Err(failure) => Err(failure.into()),
        }
    }

    async fn ended(&mut self, line: LineId, end: End) -> Result<(), Failed> {
        self.open.retain(|(id, ..)| *id != line);
        match end {
            End::Idle | End::Stopped => Ok(()),
            End::NoRanges => self.alone().await,
            End::Failed(_) if line.0 < self.fresh || self.place.is_none() => Ok(()),
            End::Failed(failure) => match failure.error.code {
                // Expired or gone: once is usual, again and again speaks against who handed it out.
                ErrorCode::SignInNeeded | ErrorCode::NotFound => {
                    self.place.take_if(|_| self.failures < 2);
                    let told = self.failed(failure);
                    self.place = None;
                    told
                }
                ErrorCode::RedirectBlocked | ErrorCode::NeedsNewerOllama
                    if !self.shared.registries.has_choice(&self.order.repository) =>
                {
                    Err(failure.into())
                }
                _ => self.failed(failure),
            },
        }
    }

    /// The other side gives all or nothing.
    async fn alone(&mut self) -> Result<(), Failed> {
        for (_, _, token, _) in self.open.drain(..) {
            token.cancel();
        }
        while self.lines.join_next().await.is_some() {}
        let Some(place) = self.place().await? else { return Ok(()) };
        let line = LineId(self.next);
        self.next += 1;
        let shared = self.shared.clone();
        let brought = tokio::select! {
            () = self.means.token.cancelled() => return Err(self.rest().await),
            brought = line::bring_all(&shared, &place, line) => brought,
        };
        match brought {
            Ok(()) => Ok(()),
            Err(failure) => self.failed(failure),
        }
    }

    /// Takes in a failure: a pause first, and the end when too many came in a row.
    fn failed(&mut self, failure: Failure) -> Result<(), Failed> {
        let came = self.shared.came.load(Ordering::Relaxed);
        self.failures = if came > self.came { 1 } else { self.failures + 1 };
        self.came = came;
        let (of, registries) = (&self.order.repository, &self.shared.registries);
        let left = self.place.take_if(|place| registries.leaves(of, place, &failure.error));
        if self.failures >= FAILURES {
            return Err(failure.into());
        }
        let own = PAUSE.saturating_mul(1 << (self.failures - 1).min(6)).min(LONGEST_PAUSE);
        // What one address asks for does not hold for the next.
        let pause = match failure.retry_after.filter(|_| left.is_none()) {
            Some(asked) => {
                self.growth.shrink();
                asked.max(own)
            }
            None => own,
        };
        if pause > LONGEST_PAUSE * 2 {
            // The queue has better things to do than to hold a place for that long.
            return Err(failure.into());
        }
        self.not_before = Instant::now() + pause;
        Ok(())
    }

    /// Lets go of every connection.
    async fn rest(&mut self) -> Failed {
        while self.lines.join_next().await.is_some() {}
        stopped()
    }
}

pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, Failed> {
    tokio::task::spawn_blocking(work).await.map_err(|_| panicked())?.map_err(of_disk)
}
