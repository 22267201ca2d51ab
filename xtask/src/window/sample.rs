//! Rows of many samples.

use crate::row::Row;

/// The middle one of an odd number.
pub(super) fn median(samples: &[f64]) -> f64 {
    percentile(samples, 0.5)
}

/// The smallest sample that is at least as large as this share of all.
fn percentile(samples: &[f64], share: f64) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

impl Row {
    /// The median, which may be this much above that of a peer.
    pub(super) fn beside(name: &str, unit: &str, above: f64, samples: &[f64], peer: f64) -> Row {
        let row = Row::limited(name, unit, peer + above, median(samples), samples.len());
        Row { peer: Some(peer), ..row }
    }

    /// A percentile that must not exceed a limit.
    pub(super) fn share(name: &str, unit: &str, limit: f64, samples: &[f64], share: f64) -> Row {
        Row::limited(name, unit, limit, percentile(samples, share), samples.len())
    }

    /// The mean, which must not exceed a limit.
    pub(super) fn mean(name: &str, unit: &str, limit: f64, samples: &[f64]) -> Row {
        Row::limited(name, unit, limit, mean(samples), samples.len())
    }

    /// A percentile without a limit.
    pub(super) fn told(name: &str, unit: &str, samples: &[f64], share: f64) -> Row {
        Row { limit: None, holds: None, ..Row::share(name, unit, 0.0, samples, share) }
    }
}

pub(super) fn mean(samples: &[f64]) -> f64 {
    samples.iter().sum::<f64>() / samples.len().max(1) as f64
}
