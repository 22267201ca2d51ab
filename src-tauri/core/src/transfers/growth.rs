//! How many connections a blob gets: more while more of them bring more.

use std::time::Duration;

/// Between two looks at the throughput.
pub(super) const LOOK: Duration = Duration::from_millis(250);

/// Most connections of one blob.
pub(super) const MOST: u32 = 16;
/// Connections at the start.
const FIRST: u32 = 8;
/// What more connections must bring to be kept, in percent.
const WORTH: u64 = 110;
/// Looks that may pass before it is said that they do not bring it: one alone may fall into a pause
/// of the line, or follow upon one in which a full buffer was emptied.
const PATIENCE: u32 = 4;
/// Looks before more are tried again for the first time; doubles with every time in vain.
const REST: u32 = 12;
const LONGEST_REST: u32 = 48;
/// The same after the other side asked to slow down.
const LONG_REST: u32 = 240;

/// The number of connections, and what it brought.
#[derive(Debug)]
pub(super) struct Growth {
    wanted: u32,
    most: u32,
    /// Bytes per second before the last change.
    before: u64,
    /// Looks of the next rest.
    rest: u32,
    state: State,
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    /// More connections were opened, of which there were so many before; the next look does not
    /// count, because they are still getting up to speed.
    Opening {
        from: u32,
    },
    /// Now it shows what they bring.
    Judging {
        from: u32,
        looks: u32,
    },
    Resting {
        looks: u32,
    },
}

impl Growth {
    /// At most `most` connections, and no more than [`MOST`].
    #[must_use]
    pub(super) fn new(most: u32) -> Growth {
        let most = most.clamp(1, MOST);
        Growth {
            wanted: FIRST.min(most),
            most,
            before: 0,
            rest: REST,
            state: State::Judging { from: 1, looks: 1 },
        }
    }

    /// Connections there should be.
    #[must_use]
    pub(super) fn wanted(&self) -> u32 {
        self.wanted.min(self.most)
    }

    /// Sets the most there may be. When there may be more than before, they are tried at once.
    pub(super) fn limit(&mut self, most: u32) {
        let before = std::mem::replace(&mut self.most, most.clamp(1, MOST));
        if self.most > before && self.wanted <= before {
            self.wanted = self.wanted.max(FIRST).min(self.most);
            self.before = 0;
            self.state = State::Judging { from: self.wanted, looks: 1 };
        }
    }

    /// The other side asked to slow down.
    pub(super) fn shrink(&mut self) {
        self.wanted = (self.wanted() / 2).max(1);
        self.state = State::Resting { looks: LONG_REST };
    }

    /// Takes in what the last [`LOOK`] brought, in bytes per second, over so many connections: after
    /// a step back the surplus ones still work until they are done.
    pub(super) fn look(&mut self, speed: u64, open: u32) {
        match self.state {
            State::Opening { from } => self.state = State::Judging { from, looks: 1 },
            State::Judging { .. } if speed * 100 >= self.before * WORTH => {
                self.rest = REST;
                self.grow(speed, open);
            }
            State::Judging { from, looks } if looks < PATIENCE => {
                self.state = State::Judging { from, looks: looks + 1 };
            }
            State::Judging { from, .. } => {
                self.wanted = from.max(1);
                self.state = State::Resting { looks: self.rest };
                self.rest = (self.rest * 2).min(LONGEST_REST);
            }
            State::Resting { looks: 0 } => self.grow(speed, open),
            State::Resting { looks } => self.state = State::Resting { looks: looks - 1 },
        }
    }

    fn grow(&mut self, speed: u64, open: u32) {
        let from = self.wanted().max(open.min(self.most));
        self.before = speed;
        self.wanted = (from * 2).min(self.most);
        self.state = if self.wanted > from {
            State::Opening { from }
        } else {
            State::Resting { looks: LONGEST_REST }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Connections after some looks at a line that gives each connection `each`, `all` together.
    fn after(looks: u32, each: u64, all: u64) -> u32 {
        let mut growth = Growth::new(MOST);
        for _ in 0..looks {
            let open = growth.wanted();
            growth.look((u64::from(open) * each).min(all), open);
        }
        growth.wanted()
    }

    #[test]
    fn grows_while_each_connection_brings_its_own() {
        assert_eq!(after(5, 8_000_000, u64::MAX), MOST, "within little more than a second");
    }

    #[test]
    fn stays_small_where_more_bring_nothing() {
        for looks in [6, 10, 16] {
            assert_eq!(after(looks, 800_000_000, 800_000_000), FIRST, "{looks}");
        }
    }

    #[test]
    fn one_bad_look_is_not_believed() {
        let mut growth = Growth::new(MOST);
        // A burst before, and a pause just when it counts.
        for speed in [90_000_000, 0, 0, 30_000_000, 128_000_000] {
            growth.look(speed, growth.wanted());
        }
        assert_eq!(growth.wanted(), MOST);
    }

    #[test]
    fn obeys_a_limit_and_a_wish_to_slow_down() {
        let mut growth = Growth::new(2);
        assert_eq!(growth.wanted(), 2);
        growth.shrink();
        assert_eq!(growth.wanted(), 1);
        for _ in 0..20 {
            growth.look(1_000_000, growth.wanted());
        }
        assert_eq!(growth.wanted(), 1, "it does not come back at once");
        let mut large = Growth::new(MOST);
        large.limit(3);
        assert_eq!(large.wanted(), 3);
        large.limit(MOST);
        large.look(20_000_000, 3);
        assert!(large.wanted() > FIRST, "they are tried at once");
    }
}
