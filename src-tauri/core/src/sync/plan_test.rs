use std::time::Duration;

use corral_contract::{
    InstanceId, Timestamp,
    sync::{Rhythm, Schedule, Trigger},
};
use tokio::time::Instant;

use super::{Moment, Next, Plan, Ready};
use crate::clock::ManualClock;

/// Friday, 27 November 2026, 09:00 UTC.
const START: Timestamp = Timestamp(1_795_770_000_000);
const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

/// A plan with two clocks that a test moves apart.
struct Lab {
    plan: Plan,
    ready: Ready,
    now: Moment,
}

impl Lab {
    /// Online, with what coming online asks for done.
    fn new(schedule: Schedule) -> Lab {
        let now = Moment { wall: START, steady: Instant::now() };
        let ready = Ready::check(schedule).expect("a schedule");
        let mut lab = Lab { plan: Plan::new(InstanceId(1), now), ready, now };
        lab.plan.look(now, &lab.ready.schedule, true);
        lab.ran(false);
        lab
    }

    fn every(minutes: u32) -> Lab {
        Lab::new(Schedule { rhythm: Rhythm::Every { minutes }, ..Schedule::default() })
    }

    fn cron(expression: &str) -> Lab {
        let expression = expression.to_owned();
        Lab::new(Schedule { rhythm: Rhythm::Cron { expression }, ..Schedule::default() })
    }

    /// Both clocks go on, by different times when the machine sleeps or a clock is set.
    fn pass(&mut self, steady_seconds: u64, wall_seconds: i64) -> &mut Lab {
        self.now.steady += Duration::from_secs(steady_seconds);
        self.now.wall = self.now.wall.plus(wall_seconds * 1000);
        self
    }

    /// Looks as the worker does, which meant to wait exactly until now.
    fn look(&mut self, online: bool) -> Option<Next> {
        self.plan.waits(self.now.steady);
        self.plan.look(self.now, &self.ready.schedule, online);
        self.next()
    }

    fn next(&self) -> Option<Next> {
        self.plan.next(self.now, &self.ready, &ManualClock::at(self.now.wall))
    }

    fn ran(&mut self, failed: bool) {
        self.plan.ran(self.now, failed, true);
    }
}

fn seconds(next: Option<Next>) -> Option<(u64, Trigger)> {
    next.map(|next| (next.wait.as_secs(), next.trigger))
}

// criterion: 4.7
#[test]
fn an_interval_counts_from_the_last_run() {
    let mut lab = Lab::every(10);
    assert_eq!(seconds(lab.look(true)), Some((10 * MINUTE, Trigger::Interval)));
    assert_eq!(
        seconds(lab.pass(4 * MINUTE, 240).look(true)),
        Some((6 * MINUTE, Trigger::Interval))
    );
    assert_eq!(seconds(lab.pass(6 * MINUTE, 360).look(true)), Some((0, Trigger::Interval)));
    lab.ran(false);
    assert_eq!(seconds(lab.look(true)), Some((10 * MINUTE, Trigger::Interval)));
}

// criterion: 4.7
#[test]
fn a_clock_that_is_set_back_neither_delays_an_interval_nor_repeats_a_time() {
    let mut lab = Lab::every(10);
    lab.pass(6 * MINUTE, -2 * 3600);
    assert_eq!(seconds(lab.look(true)), Some((4 * MINUTE, Trigger::Interval)));

    let mut lab = Lab::cron("0 * * * *");
    assert_eq!(seconds(lab.pass(HOUR, 3600).look(true)), Some((0, Trigger::Schedule)));
    lab.ran(false);
    // 10:00 was done; set back to 09:30 it comes again and is not done again: 11:00 is next.
    let next = lab.pass(1, -1800).look(true);
    assert_eq!(seconds(next), Some((5400, Trigger::Schedule)));
    // Set back by months, the clock was wrong before: what it says now counts.
    let next = lab.pass(1, -90 * 86_400).look(true).expect("there is a next one");
    assert!(next.wait <= Duration::from_secs(HOUR), "{next:?}");
}

// criterion: 4.7
#[test]
fn waking_up_asks_for_one_run_whichever_clock_stood_still() {
    let awake = |steady: u64, wall: i64, on_wake: bool| {
        let mut lab = Lab::new(Schedule { on_wake, ..Schedule::default() });
        lab.plan.waits(lab.now.steady + Duration::from_secs(MINUTE));
        lab.pass(steady, wall);
        lab.plan.look(lab.now, &lab.ready.schedule, true);
        seconds(lab.next())
    };
    assert_eq!(awake(MINUTE, 60, true), None, "an ordinary wait");
    assert_eq!(awake(MINUTE, 8 * 3600, true), Some((5, Trigger::Wake)), "both clocks apart");
    assert_eq!(awake(8 * HOUR, 8 * 3600, true), Some((5, Trigger::Wake)), "late by both");
    assert_eq!(awake(MINUTE, -3600, true), None, "set back");
    assert_eq!(awake(MINUTE, 8 * 3600, false), None, "not wanted");
}

// criterion: 4.7
#[test]
fn a_time_missed_while_asleep_is_made_up_once() {
    let mut lab = Lab::cron("*/30 * * * *");
    let next = lab.pass(MINUTE, 8 * 3600).look(true);
    assert_eq!(seconds(next), Some((0, Trigger::Schedule)));
    lab.ran(false);
    let next = lab.look(true).expect("there is a next one");
    assert!(next.wait > Duration::from_secs(MINUTE), "the others are not: {next:?}");
}

// criterion: 4.7
#[test]
fn start_and_return_ask_as_the_schedule_says() {
    let begin = |on_start: bool, rhythm: Rhythm| {
        let now = Moment { wall: START, steady: Instant::now() };
        let schedule = Schedule { rhythm, on_start, ..Schedule::default() };
        let mut lab = Lab {
            plan: Plan::new(InstanceId(1), now),
            ready: Ready::check(schedule).expect("a schedule"),
            now,
        };
        let offline = lab.look(false);
        assert_eq!(offline, None, "nothing is due while it does not answer");
        let first = seconds(lab.look(true)).map(|next| next.1);
        lab.ran(false);
        lab.look(false);
        (first, seconds(lab.look(true)).map(|next| next.1))
    };
    let every = Rhythm::Every { minutes: 60 };
    assert_eq!(begin(true, every.clone()), (Some(Trigger::AppStart), Some(Trigger::Recovered)));
    assert_eq!(begin(false, every), (Some(Trigger::Interval), Some(Trigger::Recovered)));
    assert_eq!(begin(true, Rhythm::Off), (Some(Trigger::AppStart), None));
    assert_eq!(begin(false, Rhythm::Off), (None, None));
}

// criterion: 4.4
#[test]
fn a_failure_is_tried_again_ever_more_seldom_and_not_for_ever() {
    let mut lab = Lab::every(60);
    let mut waits = Vec::new();
    while let Some((wait, Trigger::Retry)) = {
        lab.ran(true);
        seconds(lab.look(true))
    } {
        waits.push(wait);
        lab.pass(wait, i64::try_from(wait).expect("short"));
    }
    assert_eq!(waits, [30, 60, 120, 240, 480]);
    lab.ran(false);
    lab.ran(true);
    assert_eq!(seconds(lab.look(true)), Some((30, Trigger::Retry)), "a good one counts anew");
    lab.plan.ran(lab.now, true, false);
    assert_eq!(seconds(lab.look(true)), Some((HOUR, Trigger::Interval)), "a login stays wrong");
}

#[test]
fn runs_are_put_off_within_the_jitter_and_never_into_the_next() {
    for id in 1..50 {
        let schedule = Schedule {
            rhythm: Rhythm::Cron { expression: "*/10 * * * *".to_owned() },
            jitter_seconds: 3600,
            ..Schedule::default()
        };
        let mut lab = Lab::new(schedule);
        lab.plan.instance = InstanceId(id);
        let next = lab.look(true).expect("there is a next one");
        let range = Duration::from_secs(600)..=Duration::from_secs(900);
        assert!(range.contains(&next.wait), "{next:?}");
    }
}

#[test]
fn bad_schedules_are_refused_by_their_field() {
    let refused = |schedule: Schedule| Ready::check(schedule).expect_err("refused").params;
    let every = |minutes| Schedule { rhythm: Rhythm::Every { minutes }, ..Schedule::default() };
    assert_eq!(refused(every(0))["field"], "minutes");
    assert_eq!(refused(every(10_081))["field"], "minutes");
    let late = Schedule { jitter_seconds: 3601, ..Schedule::default() };
    assert_eq!(refused(late)["field"], "jitterSeconds");
}
