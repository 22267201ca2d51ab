//! Availability and latency over time. Every latency of a week is kept, in parts of ten minutes, so
//! that percentiles are measured and not estimated.

use std::collections::BTreeMap;

use corral_contract::{
    Timestamp,
    health::{Slot as Part, Stretch},
};

/// Length of a part, in ms.
const LENGTH: i64 = 10 * 60 * 1000;
const HOUR: i64 = 60 * 60 * 1000;
/// How long a part is kept, in ms: what the longest stretch needs.
pub(crate) const KEEP: i64 = 168 * HOUR + LENGTH;
/// The stretches that are told, in hours.
const STRETCHES: [u32; 3] = [1, 24, 168];
/// Parts of the picture, and how long each is.
const PICTURE: i64 = 48;
const PICTURE_LENGTH: i64 = HOUR / 2;

/// What was measured in ten minutes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Slot {
    /// Less than zero when questions before are not to be counted after all.
    pub(crate) asked: i64,
    pub(crate) answered: i64,
    /// In ms.
    pub(crate) latencies: Vec<u32>,
}

impl Slot {
    pub(crate) fn add(&mut self, other: &Slot) {
        self.asked += other.asked;
        self.answered += other.answered;
        self.latencies.extend(&other.latencies);
    }
}

/// The part that a time belongs to.
pub(crate) fn begin_of(at: Timestamp) -> Timestamp {
    Timestamp(at.0.div_euclid(LENGTH) * LENGTH)
}

/// The latency within which `share` of a hundred answers came, by the nearest rank.
fn percentile(sorted: &[u32], share: usize) -> Option<u32> {
    let rank = (sorted.len() * share).div_ceil(100);
    sorted.get(rank.checked_sub(1)?).copied()
}

/// Figures over 1, 24 and 168 hours.
pub(crate) fn stretches(slots: &BTreeMap<Timestamp, Slot>, now: Timestamp) -> Vec<Stretch> {
    let over = |hours: u32| {
        let from = begin_of(now.plus(-i64::from(hours) * HOUR));
        let mut sum = Slot::default();
        // A clock that was set back leaves parts in the future: they are nobody's.
        for (_, slot) in slots.range(from..=now) {
            sum.add(slot);
        }
        sum.latencies.sort_unstable();
        let asked = u64::try_from(sum.asked).unwrap_or(0);
        Stretch {
            hours,
            asked,
            availability: (asked > 0).then(|| (sum.answered as f64 / asked as f64).clamp(0.0, 1.0)),
            p50: percentile(&sum.latencies, 50),
            p95: percentile(&sum.latencies, 95),
        }
    };
    STRETCHES.map(over).to_vec()
}

/// The last 24 hours in parts of half an hour, oldest first.
pub(crate) fn picture(slots: &BTreeMap<Timestamp, Slot>, now: Timestamp) -> Vec<Part> {
    let last = now.0.div_euclid(PICTURE_LENGTH);
    let part = |number: i64| {
        let at = Timestamp(number * PICTURE_LENGTH);
        let mut sum = Slot::default();
        for (_, slot) in slots.range(at..at.plus(PICTURE_LENGTH)) {
            sum.add(slot);
        }
        sum.latencies.sort_unstable();
        Part {
            at,
            asked: u32::try_from(sum.asked).unwrap_or(0),
            answered: u32::try_from(sum.answered).unwrap_or(0),
            p50: percentile(&sum.latencies, 50),
        }
    };
    (last - PICTURE + 1..=last).map(part).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use corral_contract::Timestamp;

    use super::{HOUR, LENGTH, Slot, begin_of, percentile, picture, stretches};

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let values: Vec<u32> = (1..=100).collect();
        assert_eq!((percentile(&values, 50), percentile(&values, 95)), (Some(50), Some(95)));
        assert_eq!(percentile(&[7], 95), Some(7));
        assert_eq!(percentile(&[1, 9], 50), Some(1));
        assert_eq!(percentile(&[], 50), None);
    }

    #[test]
    fn figures_are_over_their_hours_and_nothing_is_not_zero() {
        let now = Timestamp(1_000 * HOUR);
        let slot =
            |asked, answered, ms| Slot { asked, answered, latencies: vec![ms; answered as usize] };
        let slots: BTreeMap<_, _> = [
            (begin_of(now), slot(10, 10, 5)),
            (begin_of(now.plus(-2 * HOUR)), slot(10, 5, 50)),
            (begin_of(now.plus(-100 * HOUR)), slot(20, 0, 0)),
            (begin_of(now.plus(HOUR)), slot(100, 0, 0)),
        ]
        .into();
        let told = stretches(&slots, now);
        let shares: Vec<_> = told.iter().map(|each| (each.asked, each.availability)).collect();
        assert_eq!(shares, [(10, Some(1.0)), (20, Some(0.75)), (40, Some(0.375))]);
        assert_eq!((told[1].p50, told[1].p95), (Some(5), Some(50)));
        let none = stretches(&BTreeMap::new(), now);
        assert!(none.iter().all(|each| each.availability.is_none() && each.p50.is_none()));
        let parts = picture(&slots, now);
        assert_eq!(parts.len(), 48);
        assert_eq!(parts.last().map(|part| (part.asked, part.p50)), Some((10, Some(5))));
        assert_eq!(parts.iter().filter(|part| part.asked > 0).count(), 2);
        assert_eq!(begin_of(Timestamp(-1)), Timestamp(-LENGTH));
    }
}
