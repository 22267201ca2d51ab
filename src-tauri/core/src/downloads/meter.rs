//! The live figures of one job: written by its fetch from any thread, read by whoever shows them.

use std::sync::{Mutex, MutexGuard, PoisonError};

use corral_contract::{
    JobId, ModelId,
    progress::{LayerProgress, Phase, Progress},
};
use tokio::time::Instant;

use super::{
    bar::Bar,
    fetch::{LayerReport, Plan},
    speed::Speed,
};

/// Figures of one job.
#[derive(Debug)]
pub(super) struct Meter {
    job: JobId,
    model: ModelId,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    bar: Bar,
    speed: Speed,
    /// Of the bytes that no other job counts.
    own_speed: Speed,
    phase: Phase,
    /// Changed since it was last told, since it was last stored.
    untold: bool,
    unsaved: bool,
    /// Bytes moved when somebody last asked for the difference.
    counted: u64,
    by_server: bool,
}

/// What the database keeps of it.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) done: u64,
    pub(super) total: Option<u64>,
    pub(super) again: u64,
    pub(super) layers: Vec<LayerProgress>,
}

impl Inner {
    fn clear_speed(&mut self) {
        self.speed.clear();
        self.own_speed.clear();
    }
}

impl Meter {
    pub(super) fn new(job: JobId, model: ModelId, phase: Phase, bar: Bar) -> Meter {
        let inner = Inner {
            counted: bar.own(),
            bar,
            speed: Speed::default(),
            own_speed: Speed::default(),
            phase,
            untold: false,
            unsaved: false,
            by_server: false,
        };
        Meter { job, model, inner: Mutex::new(inner) }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the server's own puller moves the bytes.
    pub(super) fn by_server(&self) -> bool {
        self.inner().by_server
    }

    pub(super) fn set_by_server(&self, by_server: bool) {
        self.inner().by_server = by_server;
    }

    /// A new attempt begins.
    pub(super) fn begin(&self) {
        let mut inner = self.inner();
        inner.bar.begin();
        inner.clear_speed();
    }

    pub(super) fn plan(&self, plan: &Plan) {
        if let Some(layers) = &plan.layers {
            let mut inner = self.inner();
            inner.bar.plan(layers);
            inner.untold = true;
            inner.unsaved = true;
        }
    }

    pub(super) fn report(&self, report: LayerReport<'_>) {
        let mut inner = self.inner();
        let changed = inner.bar.report(report);
        inner.untold |= changed;
        inner.unsaved |= changed;
        let (now, moved, own) = (Instant::now(), inner.bar.moved(), inner.bar.own());
        inner.speed.moved(now, moved);
        inner.own_speed.moved(now, own);
    }

    /// Everything is there.
    pub(super) fn finish(&self) {
        let mut inner = self.inner();
        inner.bar.finish();
        inner.unsaved = true;
    }

    /// Says what the job does now. Speed is forgotten where nothing moves.
    pub(super) fn set_phase(&self, phase: Phase) {
        let mut inner = self.inner();
        inner.untold |= inner.phase != phase;
        inner.phase = phase;
        if phase != Phase::Fetching {
            inner.clear_speed();
        }
    }

    pub(super) fn phase(&self) -> Phase {
        self.inner().phase
    }

    /// The furthest it came, in bytes.
    pub(super) fn done(&self) -> u64 {
        self.inner().bar.done()
    }

    /// Bytes still to be moved; `None` while the size is unknown.
    pub(super) fn left(&self) -> Option<u64> {
        self.inner().bar.left()
    }

    /// Bytes per second of what no other job counts.
    pub(super) fn own_speed(&self) -> Option<u64> {
        let inner = self.inner();
        let fetching = inner.phase == Phase::Fetching;
        fetching.then(|| inner.own_speed.per_second(Instant::now())).flatten()
    }

    /// Bytes that moved since this was last asked and that no other job counts.
    pub(super) fn take_moved(&self) -> u64 {
        let mut inner = self.inner();
        let moved = inner.bar.own();
        let new = moved - inner.counted;
        inner.counted = moved;
        new
    }

    /// The figures as windows see them.
    pub(super) fn view(&self) -> Progress {
        self.view_of(&self.inner())
    }

    /// The figures, if they changed since the last time. While bytes should flow they count as
    /// changed: a stall shows in the speed.
    pub(super) fn untold(&self) -> Option<Progress> {
        let mut inner = self.inner();
        if !inner.untold && inner.phase != Phase::Fetching {
            return None;
        }
        inner.untold = false;
        Some(self.view_of(&inner))
    }

    fn view_of(&self, inner: &Inner) -> Progress {
        let speed = match inner.phase {
            Phase::Fetching => inner.speed.per_second(Instant::now()),
            _ => None,
        };
        let left = inner.bar.left().zip(speed.filter(|speed| *speed > 0));
        Progress {
            job: self.job,
            model: self.model,
            phase: inner.phase,
            done: inner.bar.done(),
            total: inner.bar.total(),
            speed,
            left_seconds: left.map(|(left, speed)| left.div_ceil(speed)),
            again: inner.bar.again(),
            shown: inner.bar.percent(),
            layers: inner.bar.layers(),
        }
    }

    /// What is to be stored, if it changed since the last time.
    pub(super) fn unsaved(&self) -> Option<Kept> {
        let mut inner = self.inner();
        std::mem::take(&mut inner.unsaved).then(|| kept(&inner.bar))
    }

    /// What was taken by [`Meter::unsaved`] could not be stored.
    pub(super) fn save_again(&self) {
        self.inner().unsaved = true;
    }
}

fn kept(bar: &Bar) -> Kept {
    Kept { done: bar.done(), total: bar.total(), again: bar.again(), layers: bar.layers() }
}
