//! Sets of bytes of a file.

use std::{collections::BTreeMap, ops::Range};

/// Bytes of a file as ranges that neither overlap nor touch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Ranges {
    /// End by start.
    ends: BTreeMap<u64, u64>,
    bytes: u64,
}

impl Ranges {
    /// Bytes in all.
    #[must_use]
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Adds bytes; those that are there already change nothing.
    pub(super) fn insert(&mut self, range: Range<u64>) {
        if range.is_empty() {
            return;
        }
        let (mut start, mut end) = (range.start, range.end);
        // Whatever overlaps or touches becomes one with it.
        while let Some((first, last)) = self.ends.range(..=end).next_back() {
            let (first, last) = (*first, *last);
            if last < start {
                break;
            }
            self.ends.remove(&first);
            self.bytes -= last - first;
            start = start.min(first);
            end = end.max(last);
        }
        self.ends.insert(start, end);
        self.bytes += end - start;
    }

    /// Takes bytes out; those that are not there change nothing.
    pub(super) fn remove(&mut self, range: Range<u64>) {
        if range.is_empty() {
            return;
        }
        while let Some((first, last)) = self.ends.range(..range.end).next_back() {
            let (first, last) = (*first, *last);
            if last <= range.start {
                break;
            }
            self.ends.remove(&first);
            self.bytes -= last - first;
            for kept in [first..range.start.max(first), range.end.min(last)..last] {
                if !kept.is_empty() {
                    self.ends.insert(kept.start, kept.end);
                    self.bytes += kept.end - kept.start;
                }
            }
        }
    }

    /// The end of what is there without a gap from `start` on; `start` when nothing is.
    #[must_use]
    pub(super) fn reach(&self, start: u64) -> u64 {
        match self.ends.range(..=start).next_back() {
            Some((_, end)) if *end > start => *end,
            _ => start,
        }
    }

    /// Everything, by start.
    #[must_use]
    pub(super) fn all(&self) -> Vec<Range<u64>> {
        self.ends.iter().map(|(start, end)| *start..*end).collect()
    }

    /// What is there of a range.
    #[must_use]
    pub(super) fn within(&self, range: Range<u64>) -> Vec<Range<u64>> {
        let before = self.ends.range(..=range.start).next_back().map_or(0, |(start, _)| *start);
        self.ends
            .range(before..range.end.max(before))
            .map(|(start, end)| (*start).max(range.start)..(*end).min(range.end))
            .filter(|part| !part.is_empty())
            .collect()
    }

    /// The first bytes that are missing below `size`, at most `longest` of them.
    #[must_use]
    pub(super) fn gap(&self, size: u64, longest: u64) -> Option<Range<u64>> {
        let start = self.reach(0);
        if start >= size {
            return None;
        }
        let next = self.ends.range(start..).next().map_or(size, |(next, _)| *next);
        Some(start..next.min(size).min(start.saturating_add(longest)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SIZE: usize = 64;

    proptest! {
        /// Against the plainest set there is: one flag per byte.
        #[test]
        fn is_the_set_of_its_bytes(steps in prop::collection::vec((any::<bool>(), 0_u64..64, 0_u64..64), 0..40)) {
            let mut ranges = Ranges::default();
            let mut flags = [false; SIZE];
            for (add, one, other) in steps {
                let range = one.min(other)..one.max(other);
                for byte in range.clone() {
                    flags[byte as usize] = add;
                }
                if add { ranges.insert(range) } else { ranges.remove(range) }
                prop_assert_eq!(ranges.bytes(), flags.iter().filter(|flag| **flag).count() as u64);
                let reach = flags.iter().position(|flag| !flag).unwrap_or(SIZE) as u64;
                prop_assert_eq!(ranges.reach(0), reach);
                let gap = ranges.gap(SIZE as u64, 7);
                let length = flags[reach as usize..].iter().take(7).take_while(|flag| !**flag).count();
                let wanted = (length > 0).then(|| reach..reach + length as u64);
                prop_assert_eq!(gap, wanted);
                let part = ranges.within(10..50);
                let count = flags[10..50].iter().filter(|flag| **flag).count() as u64;
                prop_assert_eq!(part.iter().map(|part| part.end - part.start).sum::<u64>(), count);
                prop_assert!(part.iter().all(|part| flags[part.start as usize..part.end as usize].iter().all(|flag| *flag)));
                let touching = ranges.ends.iter().zip(ranges.ends.iter().skip(1));
                for ((_, end), (next, _)) in touching {
                    prop_assert!(end < next);
                }
            }
        }
    }
}
