//! Who fetches which bytes of a blob. Pure: nothing here waits, reads or writes.
//!
//! Pieces are handed out from the front, so that the bytes without a gap, and with them the hash,
//! follow closely. When nothing is left to hand out, a line that is done takes part of what
//! another still has before it: no slow line holds up the end.

use std::{
    collections::BTreeMap,
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use super::ranges::Ranges;

/// Least that is taken from another line, in bytes: below that a new request costs more than it
/// saves.
const LEAST_TAKEN: u64 = 256 * 1024;
/// Nothing is taken from a line that will be done within this time, in ms: what is on its way to
/// it already would come for nothing.
const SOON: u64 = 300;

/// One connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct LineId(pub(super) u32);

/// Bytes to fetch.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    pub(super) start: u64,
    /// Where to stop. Others may move it towards the start while this is being fetched.
    pub(super) end: Arc<AtomicU64>,
}

impl Piece {
    /// Where to stop, as of now.
    #[must_use]
    pub(super) fn end(&self) -> u64 {
        self.end.load(Ordering::Acquire)
    }
}

/// Where every byte of a blob stands.
#[derive(Debug)]
pub(super) struct Board {
    size: u64,
    /// Written, and if it was so before this start, proved.
    done: Ranges,
    /// Said to be there and not yet proved.
    claimed: Ranges,
    /// Done, on the way to the disk, claimed and not yet proved, or being fetched.
    taken: Ranges,
    lines: BTreeMap<LineId, Active>,
    /// Bytes per second of each line when it was last measured.
    speeds: BTreeMap<LineId, u64>,
}

#[derive(Debug)]
struct Active {
    /// The next byte that this line gets.
    at: u64,
    /// The first byte that it has not passed on to the disk.
    passed: u64,
    end: Arc<AtomicU64>,
}

impl Board {
    /// A blob of which nothing is there.
    #[must_use]
    pub(super) fn new(size: u64) -> Board {
        Board {
            size,
            done: Ranges::default(),
            claimed: Ranges::default(),
            taken: Ranges::default(),
            lines: BTreeMap::new(),
            speeds: BTreeMap::new(),
        }
    }

    /// Bytes that are there.
    #[must_use]
    pub(super) fn done(&self) -> u64 {
        self.done.bytes()
    }

    /// Bytes that are there as far as is known: also those that are still to be proved.
    #[must_use]
    pub(super) fn likely(&self) -> u64 {
        self.done.bytes() + self.claimed.bytes()
    }

    /// The end of the bytes without a gap from `start` on.
    #[must_use]
    pub(super) fn reach(&self, start: u64) -> u64 {
        self.done.reach(start)
    }

    /// Bytes that are claimed: nobody fetches them before it is known whether the claim holds.
    pub(super) fn claim(&mut self, range: Range<u64>) {
        self.claimed.insert(range.clone());
        self.taken.insert(range);
    }

    /// A claim was proved.
    pub(super) fn proved(&mut self, range: Range<u64>) {
        self.claimed.remove(range.clone());
        self.done.insert(range);
    }

    /// A claim did not hold, or what was done turned out wrong: to be fetched again.
    pub(super) fn lost(&mut self, range: Range<u64>) {
        self.claimed.remove(range.clone());
        self.done.remove(range.clone());
        self.taken.remove(range);
    }

    /// A piece for a line that has none, of at most `longest` bytes.
    pub(super) fn take(&mut self, line: LineId, longest: u64) -> Option<Piece> {
        self.give_back(line);
        let range = match self.taken.gap(self.size, longest) {
            Some(range) => range,
            None => self.split(line)?,
        };
        self.taken.insert(range.clone());
        let end = Arc::new(AtomicU64::new(range.end));
        let (at, passed) = (range.start, range.start);
        self.lines.insert(line, Active { at, passed, end: end.clone() });
        Some(Piece { start: range.start, end })
    }

    /// Everything for one line, what is there already included.
    pub(super) fn take_all(&mut self, line: LineId) -> Piece {
        self.give_back(line);
        self.taken.insert(0..self.size);
        let end = Arc::new(AtomicU64::new(self.size));
        self.lines.insert(line, Active { at: 0, passed: 0, end: end.clone() });
        Piece { start: 0, end }
    }

    /// Where a line has to stop, as of now; nobody moves it while the board is held.
    #[must_use]
    pub(super) fn end_of(&self, line: LineId) -> Option<u64> {
        Some(self.lines.get(&line)?.end.load(Ordering::Acquire))
    }

    /// Whether there is something to take: so that nobody opens a line for nothing.
    #[must_use]
    pub(super) fn has_work(&self) -> bool {
        self.taken.gap(self.size, 1).is_some() || self.largest().is_some()
    }

    /// A line has got bytes of its piece up to here, in order.
    pub(super) fn received(&mut self, line: LineId, to: u64) {
        if let Some(active) = self.lines.get_mut(&line) {
            active.at = active.at.max(to);
        }
    }

    /// What a line has got up to here is on its way to the disk: nobody else fetches it, whatever
    /// becomes of the line.
    pub(super) fn passed(&mut self, line: LineId, to: u64) {
        if let Some(active) = self.lines.get_mut(&line) {
            active.at = active.at.max(to);
            active.passed = active.passed.max(to);
        }
    }

    /// What of a range is neither there nor claimed: only that may be written.
    #[must_use]
    pub(super) fn missing(&self, range: Range<u64>) -> Vec<Range<u64>> {
        let mut missing = Ranges::default();
        missing.insert(range.clone());
        for there in self.done.within(range.clone()).into_iter().chain(self.claimed.within(range)) {
            missing.remove(there);
        }
        missing.all()
    }

    /// Bytes that a line got are in the file.
    pub(super) fn wrote(&mut self, range: Range<u64>) {
        self.done.insert(range);
    }

    /// What a line measured, so that shares are cut by speed.
    pub(super) fn measured(&mut self, line: LineId, speed: u64) {
        self.speeds.insert(line, speed.max(1));
    }

    /// A line ended: what it had not passed on is free again.
    pub(super) fn give_back(&mut self, line: LineId) {
        let Some(active) = self.lines.remove(&line) else { return };
        let rest = active.passed..active.end.load(Ordering::Acquire);
        self.taken.remove(rest.clone());
        for done in self.done.within(rest) {
            self.taken.insert(done);
        }
    }

    /// The line that would be done last, with what it has before it.
    fn largest(&self) -> Option<(LineId, u64)> {
        let left = |active: &Active| active.end.load(Ordering::Acquire).saturating_sub(active.at);
        let open = self.lines.iter().map(|(id, active)| (*id, left(active), self.speed(*id)));
        // Two shares, each worth a request.
        open.filter(|(_, left, _)| *left >= 2 * LEAST_TAKEN)
            .filter(|(_, left, speed)| u128::from(*left) * 1000 >= u128::from(*speed * SOON))
            .max_by(|(_, left, speed), (_, other, other_speed)| {
                (u128::from(*left) * u128::from(*other_speed))
                    .cmp(&(u128::from(*other) * u128::from(*speed)))
            })
            .map(|(id, left, _)| (id, left))
    }

    /// What a line was measured at, else what the others are on average.
    fn speed(&self, line: LineId) -> u64 {
        let usual = || {
            let count = self.speeds.len().max(1) as u64;
            (self.speeds.values().sum::<u64>() / count).max(1)
        };
        self.speeds.get(&line).copied().unwrap_or_else(usual)
    }

    /// Takes the end of what another line has before it, so that both are done together.
    fn split(&mut self, thief: LineId) -> Option<Range<u64>> {
        let (from, left) = self.largest()?;
        let (own, other) = (self.speed(thief), self.speed(from));
        let share = (u128::from(left) * u128::from(own) / u128::from(own + other)) as u64;
        let share = share.clamp(LEAST_TAKEN, left - LEAST_TAKEN);
        let active = self.lines.get(&from)?;
        let end = active.end.load(Ordering::Acquire);
        let cut = end - share;
        active.end.store(cut, Ordering::Release);
        Some(cut..end)
    }
}

#[cfg(test)]
#[path = "board_test.rs"]
mod tests;
