//! One store per domain, fed by the core's snapshot and events alone. The reducers are plain
//! structs with `load` and `apply`; only [`feed`] knows where events come from.

use corral_contract::{Timestamp, WireError, app::SnapshotView, event::AppEvent};
use leptos::prelude::*;

pub mod disks;
pub mod downloads;
pub mod feed;
pub mod instances;
pub mod labels;
pub mod models;
pub mod order;
pub mod pending;
pub mod speeds;
pub mod syncs;
pub mod system;
pub mod tasks;
pub mod trials;
pub mod watched;

use disks::Disks;
use downloads::Downloads;
use instances::Instances;
use labels::Labels;
use models::Models;
use pending::Pending;
use speeds::Speeds;
use syncs::Syncs;
use system::System;
use tasks::Tasks;
use trials::Trials;
use watched::Watched;

/// Whether the stores follow the core.
#[derive(Debug, Clone, PartialEq)]
pub enum Link {
    /// The first snapshot is on its way.
    Connecting,
    /// The stores are true.
    Live,
    /// What shows is old; a new snapshot is asked for again and again.
    Lost(WireError),
}

/// Every store of the window.
#[derive(Clone, Copy)]
pub struct Stores {
    pub link: RwSignal<Link>,
    pub instances: RwSignal<Instances>,
    pub models: RwSignal<Models>,
    pub labels: RwSignal<Labels>,
    pub downloads: RwSignal<Downloads>,
    /// Whose files changed.
    pub disks: RwSignal<Disks>,
    /// Speeds of the last minute.
    pub speeds: RwSignal<Speeds>,
    pub tasks: RwSignal<Tasks>,
    pub trials: RwSignal<Trials>,
    pub syncs: RwSignal<Syncs>,
    pub system: RwSignal<System>,
    /// Logs and health that a page looks at.
    pub watched: RwSignal<Watched>,
    /// Operations asked for and not yet seen in an event.
    pub pending: RwSignal<Pending>,
    /// The time, once per second while the window shows.
    pub now: RwSignal<Timestamp>,
}

impl Stores {
    /// Empty stores that wait for a snapshot.
    #[must_use]
    pub fn new(now: Timestamp) -> Stores {
        Stores {
            link: RwSignal::new(Link::Connecting),
            instances: RwSignal::default(),
            models: RwSignal::default(),
            labels: RwSignal::default(),
            downloads: RwSignal::default(),
            disks: RwSignal::default(),
            speeds: RwSignal::default(),
            tasks: RwSignal::default(),
            trials: RwSignal::default(),
            syncs: RwSignal::default(),
            system: RwSignal::default(),
            watched: RwSignal::default(),
            pending: RwSignal::default(),
            now: RwSignal::new(now),
        }
    }

    /// A second has passed.
    pub fn tick(&self, now: Timestamp) {
        self.now.set(now);
        self.downloads.with_untracked(|downloads| {
            self.speeds
                .update(|speeds| speeds.take(now, downloads.metrics.speed, downloads.jobs()));
        });
    }

    /// Replaces everything by a snapshot.
    pub fn load(&self, snapshot: &SnapshotView) {
        self.instances.update(|store| store.load(snapshot));
        self.models.update(|store| store.load(snapshot.seq, &snapshot.counts));
        self.labels.update(|store| store.load(snapshot));
        self.downloads.update(|store| store.load(snapshot));
        self.tasks.update(|store| store.load(snapshot));
        self.syncs.update(|store| store.load(snapshot));
        self.system.update(|store| store.load(snapshot));
        self.disks.update(Disks::load);
        self.watched.update(Watched::load);
        self.pending.update(Pending::clear);
    }

    /// Applies one event; views of stores that it does not change are left alone.
    pub fn apply(&self, seq: u64, event: &AppEvent) {
        self.instances.maybe_update(|store| store.apply(event));
        self.models.maybe_update(|store| store.apply(seq, event));
        self.downloads.maybe_update(|store| store.apply(event));
        self.labels.maybe_update(|store| store.apply(event));
        self.tasks.maybe_update(|store| store.apply(event));
        self.trials.maybe_update(|store| store.apply(event));
        self.syncs.maybe_update(|store| store.apply(event));
        self.system.maybe_update(|store| store.apply(event));
        self.disks.maybe_update(|store| store.apply(event));
        self.watched.maybe_update(|store| store.apply(event));
        self.pending.maybe_update(|store| store.apply(event));
    }
}

/// The stores of this window.
#[must_use]
pub fn use_stores() -> Stores {
    expect_context()
}
