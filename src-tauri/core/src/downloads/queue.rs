//! The queue in memory: order, whose turn it is, what windows were told.

use std::collections::{BTreeMap, HashMap, VecDeque};

use corral_contract::{
    InstanceId, JobId, ModelId,
    downloads::{JobState, JobView, Priority, QueueMetrics},
    progress::WaitReason,
};
use tokio::time::Instant;

use super::{
    conditions::is_hold,
    hours::Tally,
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
    /// What happened since it was last stored.
    pub(super) hour: Tally,
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
    /// Running, and to let go because of this.
    pub(super) stop: Vec<(JobId, WaitReason)>,
    /// Waiting because of this, and not marked so yet.
    pub(super) mark: Vec<(JobId, WaitReason)>,
    /// Marked as waiting for something that is over.
    pub(super) clear: Vec<JobId>,
    /// When somebody's pause is over.
    pub(super) next: Option<Instant>,
}

impl Turn {
    /// Whether a window would see a difference.
    pub(super) fn changes(&self) -> bool {
        !(self.start.is_empty()
            && self.stop.is_empty()
            && self.mark.is_empty()
            && self.clear.is_empty())
    }
}

/// Jobs at once.
#[derive(Debug, Clone, Copy)]
pub(super) struct Places {
    pub(super) per_instance: u32,
    pub(super) in_all: u32,
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

    /// Whose turn it is with so many places. `hold` is why none may move at all, except those that
    /// somebody insists on.
    pub(super) fn turn(
        &self,
        places: Places,
        now: Instant,
        hold: Option<&WaitReason>,
        online: impl Fn(InstanceId) -> bool,
    ) -> Turn {
        let mut turn = Turn::default();
        if self.closing {
            return turn;
        }
        let mut busy: HashMap<InstanceId, u32> = HashMap::new();
        let mut in_all = 0;
        for entry in self.entries.values().filter(|entry| entry.run.is_some()) {
            *busy.entry(entry.job.instance).or_default() += 1;
            in_all += 1;
            if let Some(hold) = hold
                && entry.job.state == JobState::Running
                && !entry.insists
            {
                turn.stop.push((entry.job.id, hold.clone()));
            }
        }
        let mut waiting: Vec<&Entry> =
            self.entries.values().filter(|entry| entry.job.state == JobState::Queued).collect();
        waiting.sort_by_key(|entry| entry.job.order());
        for entry in waiting {
            let id = entry.job.id;
            let hold = hold.filter(|_| !entry.insists);
            let offline = (!online(entry.job.instance)).then_some(&WaitReason::Offline);
            if let Some(reason) = offline.or(hold) {
                if entry.job.wait.as_ref() != Some(reason) {
                    turn.mark.push((id, reason.clone()));
                }
                continue;
            }
            if let Some(until) = entry.not_before.filter(|until| *until > now) {
                turn.next = Some(turn.next.map_or(until, |next| next.min(until)));
                continue;
            }
            let busy = busy.entry(entry.job.instance).or_default();
            // An attempt that was told to stop may still hold on to the job.
            let free = *busy < places.per_instance && in_all < places.in_all;
            if free && entry.run.is_none() {
                *busy += 1;
                in_all += 1;
                turn.start.push(id);
            } else if is_over(&entry.job) {
                turn.clear.push(id);
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

    /// Places of jobs that are to come before everything that waits: their priority and position,
    /// in the order given. Those that are over are left out.
    pub(super) fn first(&self, ids: &[JobId]) -> Vec<(JobId, Priority, i64)> {
        let open = || self.entries.values().map(|entry| &entry.job).filter(|job| job.is_open());
        let others = open().filter(|job| job.state != JobState::Running && !ids.contains(&job.id));
        let Some(ahead) = others.min_by_key(|job| job.order()) else { return Vec::new() };
        let least = open().map(|job| job.position).min().unwrap_or(0);
        let movers = ids.iter().filter(|id| open().any(|job| job.id == **id)).copied();
        let movers: Vec<JobId> = movers.collect();
        let first = least.saturating_sub(i64::try_from(movers.len()).unwrap_or(i64::MAX));
        movers.into_iter().zip(first..).map(|(id, place)| (id, ahead.priority, place)).collect()
    }

    /// Remembers how long a job waited for its turn.
    pub(super) fn waited(&mut self, ms: u64) {
        self.waits.push_back(ms);
        if self.waits.len() > WAITS as usize {
            self.waits.pop_front();
        }
    }
}

/// Whether it is marked as waiting for its instance or a better moment, of which neither is
/// missing.
fn is_over(job: &Job) -> bool {
    job.wait.as_ref().is_some_and(|wait| *wait == WaitReason::Offline || is_hold(wait))
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
