//! When a server that is gone is started, and when no more. Told the time, waits for nothing.

use std::time::Duration;

use corral_contract::health::{Reach, RecoveryState, Rules, Strategy};
use tokio::time::Instant;

/// One that stays up this long after a start is well again; one that goes earlier flaps, and that
/// start counts as failed.
const STABLE: Duration = Duration::from_secs(120);
/// Before the second start of the strategy `immediate`; doubled after each.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(300);

/// What a step led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Nothing,
    /// Somebody waits for the next start.
    Waiting,
    /// No more is tried: worth telling, once.
    GaveUp,
}

/// Where the starting of one server stands.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) state: RecoveryState,
    /// Starts that failed in a row.
    pub(super) failed: u32,
    pub(super) due: Option<Instant>,
    /// When it answered after a start of ours.
    started: Option<Instant>,
}

impl Plan {
    pub(super) fn new(state: RecoveryState) -> Plan {
        Plan { state, failed: 0, due: None, started: None }
    }

    /// It does not answer or its process went.
    pub(super) fn down(&mut self, rules: &Rules, reach: Reach, now: Instant) -> Step {
        if self.state != RecoveryState::Idle {
            return Step::Nothing;
        }
        let allowed = matches!(reach, Reach::Ours | Reach::Allowed);
        if rules.strategy == Strategy::Manual || !allowed {
            return Step::Nothing;
        }
        // It went before it was up long enough.
        if self.started.take().is_some_and(|at| now.duration_since(at) < STABLE) {
            return self.failed_once(rules, now);
        }
        self.failed = 0;
        self.wait(rules, now)
    }

    /// It answers.
    pub(super) fn up(&mut self, now: Instant) {
        match self.state {
            // Started by us: whether it stays will be seen.
            RecoveryState::Trying => self.started = Some(now),
            RecoveryState::Waiting | RecoveryState::Idle => {}
            // Somebody put it right.
            RecoveryState::GivenUp | RecoveryState::Held => self.failed = 0,
        }
        if self.started.is_some_and(|at| now.duration_since(at) >= STABLE) {
            (self.started, self.failed) = (None, 0);
        }
        (self.state, self.due) = (RecoveryState::Idle, None);
    }

    /// Whether a start is due; it then counts as begun.
    pub(super) fn begin(&mut self, now: Instant) -> bool {
        let due = self.state == RecoveryState::Waiting && self.due.is_none_or(|due| due <= now);
        if due {
            (self.state, self.due) = (RecoveryState::Trying, None);
        }
        due
    }

    /// A start ended without an answer of the server.
    pub(super) fn failed(&mut self, rules: &Rules, now: Instant) -> Step {
        if self.state != RecoveryState::Trying {
            // It answers by now, or the user said to stop meanwhile.
            return Step::Nothing;
        }
        self.failed_once(rules, now)
    }

    /// The user wants it started now, whatever was before.
    pub(super) fn try_now(&mut self) {
        *self = Plan::new(RecoveryState::Waiting);
    }

    /// The user stopped it, or wants it left alone.
    pub(super) fn hold(&mut self) {
        *self = Plan::new(RecoveryState::Held);
    }

    fn failed_once(&mut self, rules: &Rules, now: Instant) -> Step {
        self.failed += 1;
        if self.failed >= rules.most_restarts.max(1) {
            (self.state, self.due) = (RecoveryState::GivenUp, None);
            return Step::GaveUp;
        }
        self.wait(rules, now)
    }

    fn wait(&mut self, rules: &Rules, now: Instant) -> Step {
        let first = match rules.strategy {
            Strategy::Immediate if self.failed == 0 => Duration::ZERO,
            // Asked for by hand: tried again as if at once.
            Strategy::Immediate | Strategy::Manual => FIRST,
            Strategy::Delayed => Duration::from_secs(rules.delay_seconds.into()),
        };
        let doublings = match rules.strategy {
            Strategy::Delayed => self.failed,
            Strategy::Immediate | Strategy::Manual => self.failed.saturating_sub(1),
        };
        let wait = first.saturating_mul(2_u32.saturating_pow(doublings.min(16)));
        self.state = RecoveryState::Waiting;
        self.due = Some(now + wait.min(LONGEST.max(first)));
        Step::Waiting
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use corral_contract::health::{Reach, RecoveryState, Rules, Strategy};
    use tokio::time::Instant;

    use super::{LONGEST, Plan, STABLE, Step};

    fn rules(strategy: Strategy) -> Rules {
        Rules { strategy, most_restarts: 3, delay_seconds: 30, ..Rules::default() }
    }

    fn waits(plan: &Plan, now: Instant) -> u64 {
        plan.due.expect("a start is due").duration_since(now).as_secs()
    }

    #[test]
    fn starts_at_once_then_less_and_less_often_and_then_no_more() {
        let (mut plan, now, rules) =
            (Plan::new(RecoveryState::Idle), Instant::now(), rules(Strategy::Immediate));
        assert_eq!(plan.down(&rules, Reach::Ours, now), Step::Waiting);
        assert_eq!(waits(&plan, now), 0);
        assert!(plan.begin(now) && !plan.begin(now), "begun once");
        assert_eq!(plan.failed(&rules, now), Step::Waiting);
        assert_eq!(waits(&plan, now), 1);
        assert!(!plan.begin(now), "not yet");
        assert!(plan.begin(now + Duration::from_secs(1)));
        assert_eq!(plan.failed(&rules, now), Step::Waiting);
        assert_eq!(waits(&plan, now), 2);
        assert!(plan.begin(now + Duration::from_secs(2)));
        assert_eq!(plan.failed(&rules, now), Step::GaveUp);
        assert_eq!(plan.state, RecoveryState::GivenUp);
        assert_eq!(plan.down(&rules, Reach::Ours, now), Step::Nothing, "told once");
        assert!(!plan.begin(now + Duration::from_secs(3600)), "nothing is tried any more");
        plan.try_now();
        assert!(plan.begin(now), "until the user says so");
    }

    #[test]
    fn the_wait_grows_and_has_an_end() {
        let now = Instant::now();
        let rules = Rules { most_restarts: 20, ..rules(Strategy::Delayed) };
        let mut plan = Plan::new(RecoveryState::Idle);
        plan.down(&rules, Reach::Ours, now);
        let mut seen = vec![waits(&plan, now)];
        for _ in 0..6 {
            plan.state = RecoveryState::Trying;
            plan.failed(&rules, now);
            seen.push(waits(&plan, now));
        }
        let longest = LONGEST.as_secs();
        assert_eq!(seen, [30, 60, 120, 240, longest, longest, longest]);
    }

    #[test]
    fn what_is_not_ours_is_started_only_with_consent() {
        let now = Instant::now();
        let mut rules = rules(Strategy::Immediate);
        for (reach, step) in [
            (Reach::WithConsent, Step::Nothing),
            (Reach::Allowed, Step::Waiting),
            (Reach::Never, Step::Nothing),
            (Reach::Ours, Step::Waiting),
        ] {
            assert_eq!(Plan::new(RecoveryState::Idle).down(&rules, reach, now), step);
        }
        rules.strategy = Strategy::Manual;
        assert_eq!(Plan::new(RecoveryState::Idle).down(&rules, Reach::Ours, now), Step::Nothing);
    }

    #[test]
    fn one_that_flaps_is_given_up_and_one_that_stays_begins_anew() {
        let rules = rules(Strategy::Immediate);
        let mut now = Instant::now();
        let mut plan = Plan::new(RecoveryState::Idle);
        let mut last = plan.down(&rules, Reach::Ours, now);
        let mut starts = 0;
        while last == Step::Waiting {
            now += Duration::from_secs(10);
            assert!(plan.begin(now));
            starts += 1;
            plan.up(now);
            // Up for a moment each time.
            now += Duration::from_secs(5);
            last = plan.down(&rules, Reach::Ours, now);
        }
        assert_eq!((last, starts), (Step::GaveUp, 3));
        let mut plan = Plan::new(RecoveryState::Idle);
        for _ in 0..10 {
            assert_eq!(plan.down(&rules, Reach::Ours, now), Step::Waiting);
            assert!(plan.begin(now));
            plan.up(now);
            now += STABLE;
            plan.up(now);
        }
        assert_eq!(plan.failed, 0);
    }

    #[test]
    fn the_user_has_the_last_word() {
        let (rules, now) = (rules(Strategy::Immediate), Instant::now());
        let mut plan = Plan::new(RecoveryState::Idle);
        plan.down(&rules, Reach::Ours, now);
        assert!(plan.begin(now));
        plan.hold();
        assert_eq!(plan.failed(&rules, now), Step::Nothing, "stopped while it was tried");
        assert_eq!(plan.down(&rules, Reach::Ours, now), Step::Nothing);
        plan.up(now);
        assert_eq!(plan.state, RecoveryState::Idle, "it answers: the next time counts again");
        assert_eq!(plan.down(&rules, Reach::Ours, now), Step::Waiting);
    }
}
