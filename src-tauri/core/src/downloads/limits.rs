//! Which limit of the speed holds now, and until when.

use std::time::Duration;

use chrono::{Datelike, NaiveDateTime, NaiveTime, TimeDelta, Timelike, Weekday};
use corral_contract::{
    Timestamp,
    settings::{BandwidthWindow, Days, Settings},
};

use super::queue::Queue;
use crate::Core;

/// Minutes of a day.
const DAY: u16 = 24 * 60;

/// A limit by the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct InForce {
    /// Bytes per second of all downloads together; `None` = as much as there is.
    pub(super) rate: Option<u64>,
    /// When it ends; `None` = no time of the day is set.
    pub(super) until: Option<NaiveDateTime>,
}

/// What all downloads together and each by itself may bring, as it is set and by the clock;
/// answers how long that holds.
pub(super) fn apply(core: &Core, queue: &Queue) -> Option<Duration> {
    let settings = core.settings();
    queue.entries.values().for_each(|entry| entry.limit(&settings));
    let (rate, until) = now(core);
    core.transfers.throttle().set(rate);
    let left = until?.since(core.now());
    // A little later, so that the border has passed.
    Some(Duration::from_millis(u64::try_from(left).unwrap_or(0) + 20))
}

/// What holds now: bytes per second, and until when.
pub(super) fn now(core: &Core) -> (Option<u64>, Option<Timestamp>) {
    let local = |at: Timestamp| {
        chrono::DateTime::from_timestamp_millis(at.0).map(|at| at.with_timezone(&chrono::Local))
    };
    let settings = core.settings();
    let Some(now) = local(core.now()) else {
        let kb = u64::from(settings.bandwidth_kb);
        return ((kb > 0).then_some(kb * 1000), None);
    };
    let InForce { rate, until } = in_force(&settings, now.naive_local());
    // A time that summer time leaves out is reached an hour later; looking earlier does no harm.
    let until = until.and_then(|until| until.and_local_timezone(chrono::Local).earliest());
    (rate, until.map(|until| Timestamp(until.timestamp_millis())))
}

/// What holds at `now`, by the clock of this machine.
pub(super) fn in_force(settings: &Settings, now: NaiveDateTime) -> InForce {
    let windows = &settings.bandwidth_windows;
    let kb = windows.iter().find(|window| holds(window, now));
    let kb = kb.map_or(settings.bandwidth_kb, |window| window.kb);
    let rate = (kb > 0).then(|| u64::from(kb) * 1000);
    // The next border of any window, whether it changes the limit or not: at most two a window and
    // day, and each costs one look.
    let borders = windows.iter().flat_map(|window| [window.from, window.to]);
    let until = borders.filter_map(|minute| next(minute, now)).min();
    InForce { rate, until }
}

/// Whether a window is open: it began today, or yesterday and goes on past midnight.
fn holds(window: &BandwidthWindow, now: NaiveDateTime) -> bool {
    let minute = (now.hour() * 60 + now.minute()) as u16;
    let (today, yesterday) = (now.weekday(), now.weekday().pred());
    if window.from < window.to {
        return begins(window.days, today) && (window.from..window.to).contains(&minute);
    }
    (begins(window.days, today) && minute >= window.from)
        || (begins(window.days, yesterday) && minute < window.to)
}

fn begins(days: Days, day: Weekday) -> bool {
    let weekend = matches!(day, Weekday::Sat | Weekday::Sun);
    match days {
        Days::Every => true,
        Days::Weekdays => !weekend,
        Days::Weekend => weekend,
    }
}

/// The next time after `now` that the clock shows this minute.
fn next(minute: u16, now: NaiveDateTime) -> Option<NaiveDateTime> {
    let minute = u32::from(minute % DAY);
    let at = NaiveTime::from_hms_opt(minute / 60, minute % 60, 0)?;
    let today = now.date().and_time(at);
    if today > now { Some(today) } else { today.checked_add_signed(TimeDelta::days(1)) }
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::*;

    /// November 2026: the 23rd is a Monday.
    fn at(day: u32, hour: u32, minute: u32) -> NaiveDateTime {
        let day = NaiveDate::from_ymd_opt(2026, 11, day).expect("a day");
        day.and_hms_opt(hour, minute, 30).expect("a time")
    }

    fn window(days: Days, from: u16, to: u16, kb: u32) -> BandwidthWindow {
        BandwidthWindow { days, from: from * 60, to: to * 60, kb }
    }

    fn rate(windows: &[BandwidthWindow], now: NaiveDateTime) -> Option<u64> {
        let windows = windows.to_vec();
        let settings =
            Settings { bandwidth_kb: 5, bandwidth_windows: windows, ..Settings::default() };
        in_force(&settings, now).rate
    }

    // criterion: 8.5
    #[test]
    fn a_window_holds_over_midnight_and_belongs_to_the_day_it_begins() {
        let nights = [window(Days::Weekdays, 22, 7, 0)];
        assert_eq!(rate(&nights, at(23, 12, 0)), Some(5000));
        assert_eq!(rate(&nights, at(23, 22, 0)), None);
        assert_eq!(rate(&nights, at(24, 6, 59)), None);
        assert_eq!(rate(&nights, at(24, 7, 0)), Some(5000));
        assert_eq!(rate(&nights, at(28, 6, 59)), None, "Friday's night goes on into Saturday");
        assert_eq!(rate(&nights, at(28, 23, 0)), Some(5000), "Saturday has none");
        assert_eq!(rate(&nights, at(23, 1, 0)), Some(5000), "Sunday neither");
    }

    // criterion: 8.5
    #[test]
    fn the_first_window_that_fits_counts_and_a_whole_day_is_one_from_and_to_the_same() {
        let both = [window(Days::Every, 8, 18, 100), window(Days::Weekend, 0, 0, 900)];
        assert_eq!(rate(&both, at(28, 9, 0)), Some(100_000));
        assert_eq!(rate(&both, at(28, 20, 0)), Some(900_000));
        assert_eq!(rate(&both, at(27, 20, 0)), Some(5000));
    }

    // criterion: 8.5
    #[test]
    fn says_when_to_look_again() {
        let until = |windows: &[BandwidthWindow], now| {
            let windows = windows.to_vec();
            let settings = Settings { bandwidth_windows: windows, ..Settings::default() };
            in_force(&settings, now).until
        };
        let day = [window(Days::Every, 8, 18, 100)];
        let sharp = |day, hour| at(day, hour, 0).with_second(0);
        assert_eq!(until(&[], at(23, 7, 0)), None);
        assert_eq!(until(&day, at(23, 7, 0)), sharp(23, 8));
        assert_eq!(until(&day, at(23, 8, 0)), sharp(23, 18));
        assert_eq!(until(&day, at(23, 19, 0)), sharp(24, 8));
    }
}
