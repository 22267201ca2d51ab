use std::{collections::HashMap, sync::Arc, time::Duration};

use corral_contract::{
    InstanceId, JobId, ModelId, Timestamp,
    downloads::{JobState, Priority},
    progress::{Phase, WaitReason},
};
use proptest::prelude::*;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Places, Queue};
use crate::downloads::{
    JobOptions,
    bar::Bar,
    job::{Entry, Job},
    meter::Meter,
};

fn entry(id: i64, instance: i64, priority: Priority, position: i64, state: JobState) -> Entry {
    let job = Job {
        id: JobId(id),
        model: ModelId(id),
        instance: InstanceId(instance),
        name: format!("m{id}:latest"),
        priority,
        position,
        state,
        wait: None,
        options: JobOptions::default(),
        attempts: 0,
        problem: None,
        task: None,
        created_at: Timestamp(0),
        queued_at: Timestamp(0),
        started_at: None,
        finished_at: None,
        retry_at: None,
    };
    let meter = Arc::new(Meter::new(job.id, job.model, Phase::Waiting, Bar::default()));
    let mut entry = Entry::new(job, meter);
    if state == JobState::Running {
        entry.run = Some(CancellationToken::new());
    }
    entry
}

fn queue(entries: Vec<Entry>) -> Queue {
    let entries = entries.into_iter().map(|entry| (entry.job.id, entry)).collect();
    Queue { entries, ..Queue::default() }
}

fn any_queue() -> impl Strategy<Value = Vec<(i64, Priority, i64, JobState)>> {
    let job = (
        1..=3_i64,
        prop::sample::select(Priority::ALL.to_vec()),
        0..20_i64,
        prop::sample::select(JobState::ALL.to_vec()),
    );
    prop::collection::vec(job, 0..30)
}

fn build(jobs: &[(i64, Priority, i64, JobState)]) -> Queue {
    let entries = jobs.iter().zip(1..);
    queue(
        entries
            .map(|((at, first, place, state), id)| entry(id, *at, *first, *place, *state))
            .collect(),
    )
}

/// So many on each instance, and no limit for all together.
fn each(per_instance: u32) -> Places {
    Places { per_instance, in_all: u32::MAX }
}

proptest! {
    // criterion: 2.4
    #[test]
    fn nobody_is_overtaken_and_no_instance_overloaded(
        jobs in any_queue(),
        parallel in 1..5_u32,
        in_all in 1..9_u32,
    ) {
        let queue = build(&jobs);
        let places = Places { per_instance: parallel, in_all };
        let turn = queue.turn(places, Instant::now(), None, |_| true);
        let ran = queue.entries.values().filter(|entry| entry.run.is_some()).count();
        let runs = (ran + turn.start.len()) as u32;
        prop_assert!(turn.start.is_empty() || runs <= in_all);
        let mut busy: HashMap<InstanceId, u32> = HashMap::new();
        for entry in queue.entries.values().filter(|entry| entry.run.is_some()) {
            *busy.entry(entry.job.instance).or_default() += 1;
        }
        for id in &turn.start {
            let job = &queue.entries[id].job;
            prop_assert_eq!(job.state, JobState::Queued);
            let busy = busy.entry(job.instance).or_default();
            *busy += 1;
            prop_assert!(*busy <= parallel);
        }
        for waiting in queue.entries.values().filter(|each| each.job.state == JobState::Queued) {
            if turn.start.contains(&waiting.job.id) {
                continue;
            }
            let full = busy.get(&waiting.job.instance).is_some_and(|busy| *busy >= parallel);
            prop_assert!(full || runs >= in_all, "a free place was left");
            for id in &turn.start {
                let started = &queue.entries[id].job;
                prop_assert!(
                    started.instance != waiting.job.instance
                        || started.order() < waiting.job.order()
                );
            }
        }
    }

    // criterion: 2.4
    #[test]
    fn a_move_keeps_everybody_else_in_order(jobs in any_queue(), who in 1..30_i64, to in 0..30_i64) {
        let queue = build(&jobs);
        let before = (to > 0).then_some(JobId(to));
        if let Some(order) = queue.moved(JobId(who), before) {
            let place = |id: JobId| order.iter().position(|each| *each == id);
            match before {
                Some(before) => prop_assert_eq!(place(JobId(who)).map(|at| at + 1), place(before)),
                None => prop_assert_eq!(order.last(), Some(&JobId(who))),
            }
            let others: Vec<_> = order.iter().filter(|id| id.0 != who).collect();
            for pair in others.windows(2) {
                prop_assert!(queue.entries[pair[0]].job.order() < queue.entries[pair[1]].job.order());
            }
        }
    }

    #[test]
    fn places_are_dense_and_start_at_one(jobs in any_queue()) {
        let queue = build(&jobs);
        let mut places: Vec<u32> = queue.positions().into_values().collect();
        places.sort_unstable();
        let expected: Vec<u32> = (1..).take(places.len()).collect();
        prop_assert_eq!(places, expected);
    }
}

#[test]
fn waits_for_its_pause_and_for_its_instance() {
    let now = Instant::now();
    let mut queue = queue(vec![
        entry(1, 1, Priority::Normal, 1, JobState::Queued),
        entry(2, 1, Priority::Normal, 2, JobState::Queued),
        entry(3, 2, Priority::High, 3, JobState::Queued),
    ]);
    let later = now + Duration::from_secs(5);
    if let Some(entry) = queue.entries.get_mut(&JobId(1)) {
        entry.not_before = Some(later);
    }
    let turn = queue.turn(each(1), now, None, |instance| instance == InstanceId(1));
    assert_eq!(turn.start, [JobId(2)]);
    assert_eq!(turn.mark, [(JobId(3), WaitReason::Offline)]);
    assert_eq!(turn.next, Some(later));
    if let Some(entry) = queue.entries.get_mut(&JobId(3)) {
        entry.job.wait = Some(WaitReason::Offline);
    }
    let turn = queue.turn(each(1), later, None, |instance| instance == InstanceId(1));
    assert_eq!((turn.start, turn.mark), (vec![JobId(1)], vec![]));
    queue.closing = true;
    assert!(queue.turn(each(9), later, None, |_| true).start.is_empty());
}

// criterion: 2.4
#[test]
fn a_hold_stops_everybody_but_those_somebody_insists_on() {
    let mut queue = queue(vec![
        entry(1, 1, Priority::Normal, 1, JobState::Running),
        entry(2, 1, Priority::Normal, 2, JobState::Running),
        entry(3, 1, Priority::Normal, 3, JobState::Queued),
        entry(4, 1, Priority::Normal, 4, JobState::Queued),
    ]);
    for id in [2, 4] {
        queue.entries.get_mut(&JobId(id)).expect("it is there").insists = true;
    }
    let now = Instant::now();
    let turn = queue.turn(each(3), now, Some(&WaitReason::Metered), |_| true);
    assert_eq!(turn.stop, [(JobId(1), WaitReason::Metered)]);
    assert_eq!(turn.mark, [(JobId(3), WaitReason::Metered)]);
    assert_eq!(turn.start, [JobId(4)]);
    queue.entries.get_mut(&JobId(3)).expect("it is there").job.wait = Some(WaitReason::Metered);
    let turn = queue.turn(each(2), now, None, |_| true);
    assert_eq!((turn.stop, turn.start), (vec![], vec![]));
    assert_eq!(turn.clear, [JobId(3)], "it only waits for its turn now");
}

// criterion: 2.4
#[test]
fn what_is_to_be_next_comes_before_everything_that_waits() {
    let queue = queue(vec![
        entry(1, 1, Priority::High, 5, JobState::Running),
        entry(2, 1, Priority::Normal, 2, JobState::Queued),
        entry(3, 1, Priority::Low, 3, JobState::Queued),
        entry(4, 1, Priority::Low, 4, JobState::Paused),
        entry(5, 1, Priority::High, 1, JobState::Done),
    ]);
    let places = queue.first(&[JobId(4), JobId(3), JobId(5)]);
    assert_eq!(places, [(JobId(4), Priority::Normal, 0), (JobId(3), Priority::Normal, 1)]);
    assert_eq!(queue.first(&[JobId(9)]), []);
}
