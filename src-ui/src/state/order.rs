//! The order of events: what to apply, what to drop, when to ask for a new snapshot.

use corral_contract::event::{AppEvent, Envelope};

/// Keeps the number of the last event. Until a snapshot is there, events are held.
#[derive(Debug, Default)]
pub struct Order {
    last: Option<u64>,
    held: Vec<Envelope>,
}

/// What to do after a message.
#[derive(Debug, PartialEq)]
pub enum Step {
    /// Apply these, in this order.
    Apply(Vec<Envelope>),
    /// Events are missing: take a new snapshot.
    Reload,
    /// Nothing: it is held, or it was contained already.
    Nothing,
}

/// More held events than this are not worth keeping: the snapshot has most of them.
const HELD_LIMIT: usize = 10_000;

impl Order {
    /// Holds events again, because a new snapshot was asked for.
    pub fn wait(&mut self) {
        self.last = None;
        self.held.clear();
    }

    /// Takes one message.
    pub fn receive(&mut self, envelope: Envelope) -> Step {
        if envelope.event == AppEvent::Resync {
            return Step::Reload;
        }
        match self.last {
            None => {
                if self.held.len() < HELD_LIMIT {
                    self.held.push(envelope);
                }
                Step::Nothing
            }
            Some(last) if envelope.seq <= last => Step::Nothing,
            Some(last) if envelope.seq == last + 1 => {
                self.last = Some(envelope.seq);
                Step::Apply(vec![envelope])
            }
            Some(_) => Step::Reload,
        }
    }

    /// A snapshot with everything up to `seq` is in place; answers the held events after it.
    pub fn start(&mut self, seq: u64) -> Step {
        self.last = Some(seq);
        let mut following = Vec::new();
        for envelope in std::mem::take(&mut self.held) {
            match self.receive(envelope) {
                Step::Apply(more) => following.extend(more),
                Step::Nothing => {}
                Step::Reload => return Step::Reload,
            }
        }
        Step::Apply(following)
    }
}

#[cfg(test)]
mod tests {
    use corral_contract::JobId;

    use super::*;

    fn event(seq: u64) -> Envelope {
        Envelope { seq, event: AppEvent::JobRemoved(JobId(1)) }
    }

    fn applied(step: Step) -> Vec<u64> {
        match step {
            Step::Apply(envelopes) => envelopes.iter().map(|envelope| envelope.seq).collect(),
            other => panic!("nothing to apply: {other:?}"),
        }
    }

    // criterion: 0.8
    #[test]
    fn events_before_the_snapshot_wait_and_contained_ones_are_dropped() {
        let mut order = Order::default();
        for seq in 4..=7 {
            assert_eq!(order.receive(event(seq)), Step::Nothing);
        }
        assert_eq!(applied(order.start(5)), [6, 7]);
        assert_eq!(applied(order.receive(event(8))), [8]);
    }

    #[test]
    fn a_repeated_event_is_dropped() {
        let mut order = Order::default();
        order.start(5);
        assert_eq!(applied(order.receive(event(6))), [6]);
        assert_eq!(order.receive(event(6)), Step::Nothing);
    }

    // criterion: 0.7
    #[test]
    fn a_gap_asks_for_a_new_snapshot() {
        let mut order = Order::default();
        order.start(5);
        assert_eq!(order.receive(event(7)), Step::Reload);
        order.wait();
        assert_eq!(order.receive(event(8)), Step::Nothing);
        assert_eq!(applied(order.start(7)), [8]);
    }

    #[test]
    fn a_gap_among_held_events_is_seen() {
        let mut order = Order::default();
        order.receive(event(6));
        order.receive(event(8));
        assert_eq!(order.start(5), Step::Reload);
    }

    #[test]
    fn a_receiver_that_fell_behind_reloads() {
        let mut order = Order::default();
        order.start(5);
        assert_eq!(order.receive(Envelope { seq: 0, event: AppEvent::Resync }), Step::Reload);
    }
}
