//! How long a message stays.

use std::time::Duration;

/// Time that is left, in milliseconds of any one clock.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Lifetime {
    left: f64,
    /// When it began to run; `None` while it stands still.
    since: Option<f64>,
    /// Whether it stands still while somebody holds on to the message.
    stands: bool,
}

impl Lifetime {
    /// Runs from `now` on, and stands still while it is held.
    pub(super) fn new(lasting: Duration, now: f64) -> Lifetime {
        Lifetime { left: lasting.as_secs_f64() * 1000.0, since: Some(now), stands: true }
    }

    /// Runs on while it is held: what it tells of ends at a time of its own.
    pub(super) fn fixed(lasting: Duration, now: f64) -> Lifetime {
        Lifetime { stands: false, ..Lifetime::new(lasting, now) }
    }

    /// Somebody points at the message or is in it.
    pub(super) fn hold(&mut self, now: f64) {
        if self.stands
            && let Some(since) = self.since.take()
        {
            self.left -= (now - since).max(0.0);
        }
    }

    /// Nobody does any more; answers after how much more time the message goes.
    pub(super) fn release(&mut self, now: f64) -> Duration {
        let since = *self.since.get_or_insert(now);
        let left = (self.left - (now - since).max(0.0)).max(0.0);
        Duration::from_secs_f64(left / 1000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIX: Duration = Duration::from_secs(6);

    #[test]
    fn time_stands_still_while_held_and_goes_on_with_what_was_left() {
        let mut lifetime = Lifetime::new(SIX, 1000.0);
        lifetime.hold(3000.0);
        lifetime.hold(50_000.0);
        assert_eq!(lifetime.release(100_000.0), Duration::from_secs(4));
        lifetime.hold(101_000.0);
        assert_eq!(lifetime.release(200_000.0), Duration::from_secs(3));
    }

    #[test]
    fn a_fixed_end_does_not_wait_but_the_message_does() {
        let mut lifetime = Lifetime::fixed(SIX, 0.0);
        lifetime.hold(1000.0);
        assert_eq!(lifetime.release(2000.0), Duration::from_secs(4));
        lifetime.hold(3000.0);
        assert_eq!(lifetime.release(60_000.0), Duration::ZERO);
    }
}
