//! The queue in memory: order, whose turn it is, what windows were told.

use std::collections::{BTreeMap, HashMap, VecDeque};

use corral_contract::{
    InstanceId, JobId, ModelId,
    downloads::{JobState, JobView, QueueMetrics},
};
use tokio::time::Instant;

use super::{
    job::{Entry, Job, is_open},
    traffic::Traffic,
};

/// Waits that the mean is taken of.
pub(super) const WAITS: u32 = 50;

/// Every job that is shown. Changed only under its lock, which also orders the events about it.
#[derive(Default)]
pub(super) struct Queue {
    pub(super) entries: BTreeMap<JobId, Entry>,
    /// What windows know of each job.
    pub(super) told: HashMap<JobId, JobView>,
    pub(super) told_metrics: QueueMetrics,
    /// How long the last started jobs waited, in ms, newest last.
    pub(super) waits: VecDeque<u64>,
    pub(super) traffic: Traffic,
    /// Bytes per second of one job when it was last measured.
    pub(super) usual_speed: Option<u64>,
    /// Corral ends: nothing is started any more.
    pub(super) closing: bool,
}

/// Whose turn it is.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Turn {
    /// To be started now, in this order.
    pub(super) start: Vec<JobId>,
    /// Waiting although their instance does not answer, and not marked so yet.
    pub(super) offline: Vec<JobId>,
    /// Marked as waiting for their instance, which answers.
    pub(super) online: Vec<JobId>,
    /// When somebody's pause is over.
    pub(super) next: Option<Instant>,
}

impl Queue {
    /// The unfinished or failed job of a model.
    pub(super) fn of_model(&self, model: ModelId) -> Option<JobId> {
        let mine = |entry: &&Entry| {
            entry.job.model == model && (entry.job.is_open() || entry.job.state == JobState::Failed)
        };
        self.entries.values().find(mine).map(|entry| entry.job.id)
    }

    /// All jobs as they are shown: running, waiting and paused in queue order, then failed, done
    /// and cancelled ones, newest first.
    pub(super) fn shown(&self) -> Vec<&Entry> {
        let mut entries: Vec<&Entry> = self.entries.values().collect();
        entries.sort_by(|left, right| {
            let (left, right) = (&left.job, &right.job);
            group(left.state).cmp(&group(right.state)).then_with(|| {
                if is_open(left.state) {
                    left.order().cmp(&right.order())
                } else {
                    (right.finished_at, right.id).cmp(&(left.finished_at, left.id))
                }
            })
        });
        entries
    }

    /// Place of every running and waiting job, from 1.
    pub(super) fn positions(&self) -> HashMap<JobId, u32> {
        let counts =
            |entry: &&Entry| matches!(entry.job.state, JobState::Running | JobState::Queued);
        let mine = self.shown().into_iter().filter(counts);
        mine.zip(1..).map(|(entry, place)| (entry.job.id, place)).collect()
    }

    /// Whose turn it is with `parallel` jobs at once on each instance.
    pub(super) fn turn(
        &self,
        parallel: u32,
        now: Instant,
        online: impl Fn(InstanceId) -> bool,
    ) -> Turn {
        let mut turn = Turn::default();
        if self.closing {
            return turn;
        }
        let mut busy: HashMap<InstanceId, u32> = HashMap::new();
        for entry in self.entries.values().filter(|entry| entry.run.is_some()) {
            *busy.entry(entry.job.instance).or_default() += 1;
        }
        let mut waiting: Vec<&Entry> =
            self.entries.values().filter(|entry| entry.job.state == JobState::Queued).collect();
        waiting.sort_by_key(|entry| entry.job.order());
        for entry in waiting {
            let id = entry.job.id;
            if !online(entry.job.instance) {
                if !waits_for_instance(&entry.job) {
                    turn.offline.push(id);
                }
                continue;
            }
            if let Some(until) = entry.not_before.filter(|until| *until > now) {
                turn.next = Some(turn.next.map_or(until, |next| next.min(until)));
                continue;
            }
            let busy = busy.entry(entry.job.instance).or_default();
            // An attempt that was told to stop may still hold on to the job.
            if *busy < parallel && entry.run.is_none() {
                *busy += 1;
                turn.start.push(id);
            } else if waits_for_instance(&entry.job) {
                turn.online.push(id);
            }
        }
        turn
    }

    /// The order of one priority after `id` was put before `before`, or at the end. `None` when
    /// they cannot stand together.
    pub(super) fn moved(&self, id: JobId, before: Option<JobId>) -> Option<Vec<JobId>> {
        let mover = &self.entries.get(&id).filter(|entry| entry.job.is_open())?.job;
        let mut peers: Vec<&Job> = self
            .entries
            .values()
            .map(|entry| &entry.job)
            .filter(|job| job.is_open() && job.priority == mover.priority && job.id != id)
            .collect();
        peers.sort_by_key(|job| job.order());
        let mut order: Vec<JobId> = peers.into_iter().map(|job| job.id).collect();
        let place = match before {
            Some(before) => order.iter().position(|each| *each == before)?,
            None => order.len(),
        };
        order.insert(place, id);
        Some(order)
    }

    /// Remembers how long a job waited for its turn.
    pub(super) fn waited(&mut self, ms: u64) {
        self.waits.push_back(ms);
        if self.waits.len() > WAITS as usize {
            self.waits.pop_front();
        }
    }
}

fn waits_for_instance(job: &Job) -> bool {
    job.wait == Some(corral_contract::progress::WaitReason::Offline)
}

fn group(state: JobState) -> u8 {
    match state {
        JobState::Running => 0,
        JobState::Queued | JobState::Paused => 1,
        JobState::Failed => 2,
        JobState::Done | JobState::Cancelled => 3,
    }
}

#[cfg(test)]
#[path = "queue_test.rs"]
mod tests;
