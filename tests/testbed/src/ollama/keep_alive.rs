//! `keep_alive` as the server reads it.

use std::time::Duration;

use chrono::TimeDelta;
use serde_json::Value;

use super::respond::Refusal;

/// How long a model stays loaded after use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeepAlive {
    For(Duration),
    Forever,
}

impl KeepAlive {
    /// Go's largest duration, about 292 years, stands for "forever".
    pub(crate) fn delta(self) -> TimeDelta {
        match self {
            Self::For(time) => TimeDelta::from_std(time).unwrap_or(TimeDelta::MAX),
            Self::Forever => TimeDelta::nanoseconds(i64::MAX),
        }
    }

    pub(crate) fn is_zero(self) -> bool {
        self == Self::For(Duration::ZERO)
    }

    /// Reads seconds as a number or a Go duration as a text; negative means forever.
    pub(crate) fn read(value: &Value) -> Result<Self, Refusal> {
        let seconds = match value {
            Value::Number(number) => number.as_f64().unwrap_or_default(),
            Value::String(text) => go_duration(text).map_err(Refusal::bad)?,
            Value::Bool(_) => return Err(unsupported("bool")),
            Value::Array(_) => return Err(unsupported("[]interface {}")),
            Value::Object(_) => return Err(unsupported("map[string]interface {}")),
            Value::Null => return Err(unsupported("<nil>")),
        };
        if seconds < 0.0 {
            return Ok(Self::Forever);
        }
        Ok(Duration::try_from_secs_f64(seconds).map_or(Self::Forever, Self::For))
    }
}

fn unsupported(kind: &str) -> Refusal {
    Refusal::bad(format!("Unsupported type: '{kind}'"))
}

/// Seconds of a Go duration such as `1h2m3.5s`, or the error text of `time.ParseDuration`.
fn go_duration(text: &str) -> Result<f64, String> {
    let invalid = || format!("time: invalid duration {text:?}");
    let (sign, mut rest) = match text.as_bytes().first() {
        Some(b'-') => (-1.0, &text[1..]),
        Some(b'+') => (1.0, &text[1..]),
        _ => (1.0, text),
    };
    if rest == "0" {
        return Ok(0.0);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, tail) = rest.split_at(digits);
        let number: f64 = number.parse().map_err(|_| invalid())?;
        let letters = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        let factor = match unit {
            "" => return Err(format!("time: missing unit in duration {text:?}")),
            "ns" => 1e-9,
            "us" | "µs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return Err(format!("time: unknown unit {unit:?} in duration {text:?}")),
        };
        seconds += number * factor;
        rest = tail;
    }
    Ok(sign * seconds)
}
