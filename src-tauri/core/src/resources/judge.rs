//! From a measured share to a level. A level is left only some way below where it began, so that a
//! figure which swings around a threshold tells nobody anything.

use corral_contract::resources::Level;

/// Percent that a figure has to fall below a threshold before its level is left.
const SLACK: u32 = 5;

/// The level of a share in percent, after another one.
#[must_use]
pub(super) fn level(before: Level, percent: Option<u8>, warn: u32, critical: u32) -> Level {
    let Some(percent) = percent.map(u32::from) else { return Level::Unknown };
    let reached = |limit: u32, held: bool| {
        // A hundred is never reached, or nothing could turn it off.
        limit < 100 && percent >= if held { limit.saturating_sub(SLACK) } else { limit }
    };
    if reached(critical, before == Level::Critical) {
        Level::Critical
    } else if reached(warn, matches!(before, Level::Warn | Level::Critical)) {
        Level::Warn
    } else {
        Level::Ok
    }
}

#[cfg(test)]
mod tests {
    use corral_contract::resources::Level;

    use super::level;

    #[test]
    fn a_figure_that_swings_around_a_threshold_changes_nothing() {
        let shares = [50, 89, 90, 89, 86, 90, 98, 97, 94, 98, 92, 86, 84, 90];
        let mut now = Level::Ok;
        let mut told = Vec::new();
        for share in shares {
            let next = level(now, Some(share), 90, 98);
            if next != now {
                told.push((share, next));
            }
            now = next;
        }
        assert_eq!(
            told,
            [
                (90, Level::Warn),
                (98, Level::Critical),
                (92, Level::Warn),
                (84, Level::Ok),
                (90, Level::Warn),
            ]
        );
    }

    #[test]
    fn what_is_not_told_is_not_judged_and_a_hundred_is_off() {
        assert_eq!(level(Level::Critical, None, 90, 98), Level::Unknown);
        assert_eq!(level(Level::Ok, Some(100), 100, 100), Level::Ok);
    }
}
