//! Figures as people read them. Every number here goes with tabular figures in the style sheet.

use std::cell::RefCell;

use corral_contract::{Timestamp, size};
use corral_locale::Locale;
use js_sys::{Date, Intl::DateTimeFormat, Reflect};
use wasm_bindgen::JsValue;

use crate::words::Words;

/// Now, by the clock of this machine.
#[must_use]
pub fn now() -> Timestamp {
    Timestamp(Date::now() as i64)
}

/// `9.1 / 19.9 GB`: both in the unit of the second when that says enough, else each in its own.
#[must_use]
pub fn part(done: u64, total: u64) -> String {
    part_in_one_unit(done, total)
        .unwrap_or_else(|| format!("{} / {}", size::format(done), size::format(total)))
}

/// `9.1 / 19.9 GB`; `None` when one unit says not enough.
#[must_use]
pub fn part_in_one_unit(done: u64, total: u64) -> Option<String> {
    let (done, whole) = (size::format(done), size::format(total));
    let (number, unit) = done.split_once(' ')?;
    let (_, other) = whole.split_once(' ')?;
    (unit == other).then(|| format!("{number} / {whole}"))
}

/// `52.4 MB/s`.
#[must_use]
pub fn speed(bytes_per_second: u64) -> String {
    let text = size::format(bytes_per_second);
    format!("{text}/s")
}

/// `4:12`, `1:02:03`: a span in seconds on a clock face.
#[must_use]
pub fn clock(seconds: i64) -> String {
    let seconds = seconds.max(0);
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes}:{seconds:02}")
    }
}

/// `4:12`, and only the hours of what takes that long.
#[must_use]
pub fn brief(words: Words, seconds: u64) -> String {
    match seconds {
        0..3600 => clock(i64::try_from(seconds).unwrap_or(i64::MAX)),
        _ => words.fill("time.wholeHours", &[("n", &(seconds / 3600).to_string())]),
    }
}

/// A span of seconds in words: `12 min`, `2 h 5 min`.
#[must_use]
pub fn span(words: Words, seconds: u64) -> String {
    let text = |value: u64| value.to_string();
    match seconds {
        0..60 => words.fill("time.seconds", &[("n", &text(seconds))]),
        60..3600 => words.fill("time.minutes", &[("n", &text(seconds.div_ceil(60)))]),
        _ => words
            .fill("time.hours", &[("n", &text(seconds / 3600)), ("m", &text(seconds / 60 % 60))]),
    }
}

/// How long ago `then` was, in words.
#[must_use]
pub fn age(words: Words, then: Timestamp, now: Timestamp) -> String {
    let seconds = now.since(then).max(0) / 1000;
    let (key, count) = match seconds {
        // In steps: a text that changes every second draws the eye, and has the window drawn, for
        // nothing.
        0..10 => ("time.justNow", 0),
        10..60 => ("time.secondsAgo", seconds / 10 * 10),
        60..3600 => ("time.minutesAgo", seconds / 60),
        3600..86_400 => ("time.hoursAgo", seconds / 3600),
        _ => ("time.daysAgo", seconds / 86_400),
    };
    words.fill(key, &[("n", &count.to_string())])
}

/// The day: `today`, then month and day, and the year when it is another one.
#[must_use]
pub fn day(words: Words, at: Timestamp, now: Timestamp) -> String {
    let (date, today) = (date(at), date(now));
    if date.get_full_year() == today.get_full_year() {
        if date.get_month() == today.get_month() && date.get_date() == today.get_date() {
            return words.get("common.today");
        }
        match words.locale() {
            Locale::ZhCn => format!("{:02}-{:02}", date.get_month() + 1, date.get_date()),
            Locale::En => month_and_day(&date, words),
        }
    } else {
        format!("{:04}-{:02}", date.get_full_year(), date.get_month() + 1)
    }
}

/// `2026-11-18 14:02` in the local time zone.
#[must_use]
pub fn moment(at: Timestamp) -> String {
    let date = date(at);
    format!(
        "{:04}-{:02}-{:02} {:02}:{:02}",
        date.get_full_year(),
        date.get_month() + 1,
        date.get_date(),
        date.get_hours(),
        date.get_minutes()
    )
}

/// `14:02` in the local time zone.
#[must_use]
pub fn time_of_day(at: Timestamp) -> String {
    let date = date(at);
    format!("{:02}:{:02}", date.get_hours(), date.get_minutes())
}

/// The time of day of what is today, else the day.
#[must_use]
pub fn time_or_day(words: Words, at: Timestamp, now: Timestamp) -> String {
    let (then, today) = (date(at), date(now));
    if then.to_date_string() == today.to_date_string() {
        time_of_day(at)
    } else {
        day(words, at, now)
    }
}

/// The time of day, with the day before it unless that is today.
#[must_use]
pub fn time_and_day(words: Words, at: Timestamp, now: Timestamp) -> String {
    let (short, time) = (time_or_day(words, at, now), time_of_day(at));
    if short == time { time } else { format!("{short} {time}") }
}

/// `850 ms`, `1.2 s`: a measured span.
#[must_use]
pub fn milliseconds(ms: u64) -> String {
    if ms < 1000 { format!("{ms} ms") } else { format!("{:.1} s", ms as f64 / 1000.0) }
}

/// A whole number with the separators of the language.
#[must_use]
pub fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The first twelve hex digits of a digest, as Ollama prints its ids.
#[must_use]
pub fn short_digest(digest: &str) -> &str {
    let hex = digest.strip_prefix("sha256:").unwrap_or(digest);
    hex.get(..12).unwrap_or(hex)
}

fn date(at: Timestamp) -> Date {
    Date::new(&JsValue::from_f64(at.0 as f64))
}

/// The month and the day as the language has them.
fn month_and_day(date: &Date, words: Words) -> String {
    thread_local! {
        // Making one takes the engine far longer than using it.
        static MADE: RefCell<Option<(Locale, DateTimeFormat)>> = const { RefCell::new(None) };
    }
    let locale = words.locale();
    MADE.with_borrow_mut(|made| {
        if made.as_ref().is_none_or(|(of, _)| *of != locale) {
            *made = Some((locale, formatter(locale)));
        }
        let (_, format) = made.as_ref()?;
        format.format().call1(&JsValue::NULL, date).ok()?.as_string()
    })
    .unwrap_or_default()
}

fn formatter(locale: Locale) -> DateTimeFormat {
    let options = js_sys::Object::new();
    for (key, value) in [("month", "short"), ("day", "2-digit")] {
        // Setting a property of a plain new object cannot fail.
        let _ = Reflect::set(&options, &key.into(), &value.into());
    }
    DateTimeFormat::new(&js_sys::Array::of1(&locale.as_str().into()), &options)
}

#[cfg(test)]
mod tests {
    use super::{clock, count, part, short_digest, speed};

    #[test]
    fn formats_figures() {
        assert_eq!(part(9_100_000_000, 19_900_000_000), "9.1 / 19.9 GB");
        assert_eq!(part(12_000_000, 19_900_000_000), "12 MB / 19.9 GB");
        assert_eq!(speed(52_400_000), "52 MB/s");
        assert_eq!(clock(252), "4:12");
        assert_eq!(clock(3723), "1:02:03");
        assert_eq!(clock(-5), "0:00");
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(10_000), "10,000");
        assert_eq!(short_digest("sha256:9ec8897f747e0000"), "9ec8897f747e");
        assert_eq!(short_digest("abc"), "abc");
    }
}
