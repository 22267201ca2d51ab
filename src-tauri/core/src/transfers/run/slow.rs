//! Connections that are too many or too slow.

use std::sync::atomic::Ordering;

use super::Crew;

/// A connection below this share of the usual speed is opened anew, in percent.
const SLOW: u64 = 10;
/// So is one that brings fewer bytes between two of these searches while nothing holds it back,
/// whatever the others do.
const DRIP: u64 = 4096;
/// Bytes per second that make a further connection worth while where the speed is limited.
const PER_LINE: u64 = 2_000_000;

impl Crew<'_> {
    /// Most connections for now. Where the speed is limited, many of them would only take turns at
    /// large pieces, and a change of the limit would show late.
    pub(super) fn most(&self) -> u32 {
        let most = self.order.connections();
        match self.means.brake.rate() {
            Some(rate) => most.min(u32::try_from(rate / PER_LINE).unwrap_or(most).max(1)),
            None => most,
        }
    }

    /// Lets those go that are more than there may be.
    pub(super) fn dismiss_surplus(&mut self) {
        for (_, _, token, _) in self.open.iter().skip(self.most() as usize) {
            token.cancel();
        }
    }

    /// Opens those anew that are far slower than the others: what they had is free again.
    pub(super) fn dismiss_slow(&mut self) {
        let mut speeds: Vec<u64> = Vec::with_capacity(self.open.len());
        for (_, pace, _, before) in &mut self.open {
            let came = pace.came.load(Ordering::Relaxed);
            speeds.push(came - *before);
            *before = came;
        }
        let mut sorted = speeds.clone();
        sorted.sort_unstable();
        let usual = sorted.get(sorted.len() / 2).filter(|_| sorted.len() >= 3);
        let least = usual.map_or(0, |usual| usual * SLOW / 100);
        let least = if self.means.brake.rate().is_some() { least } else { least.max(DRIP) };
        for ((_, _, token, _), speed) in self.open.iter().zip(&speeds) {
            // One that brought nothing has just been opened, or its timer ends it.
            if *speed > 0 && *speed < least {
                token.cancel();
            }
        }
    }
}
