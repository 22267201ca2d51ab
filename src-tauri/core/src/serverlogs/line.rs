//! What a line says: of the server itself (`time=… level=… msg=…`), of a request that it answered
//! (`[GIN] …`), or of whatever else writes to the same place.

use chrono::{DateTime, NaiveDateTime};
use corral_contract::{
    Timestamp,
    serverlogs::{LINE_LENGTH, LineKind, LineLevel, LogLine},
};

use crate::{clock::Clock, logs};

/// Most fields of a line that are shown.
const MOST_FIELDS: usize = 40;

/// Reads a line that begins at `place`. `above` is how much the line before mattered: one that is
/// set in goes on with it.
pub(super) fn read(bytes: &[u8], place: String, above: LineLevel, clock: &dyn Clock) -> LogLine {
    let shown = &bytes[..bytes.len().min(LINE_LENGTH)];
    let text = plain(&String::from_utf8_lossy(shown));
    let mut line = LogLine {
        place,
        at: None,
        level: LineLevel::Info,
        kind: LineKind::Plain,
        text: String::new(),
        source: None,
        fields: Vec::new(),
        cut: (bytes.len() - shown.len()) as u64,
    };
    if text.starts_with("time=") {
        server(&text, &mut line);
    } else if let Some(rest) = text.strip_prefix("[GIN]")
        && access(rest, &mut line, clock).is_some()
    {
    } else {
        line.at = leading_time(&text, clock).map(|(at, _)| at);
        line.level = if text.starts_with([' ', '\t']) { above } else { level_of(&text) };
        line.text = text;
    }
    line
}

/// Takes secrets out of a line that is to be shown.
pub(super) fn clean(line: &mut LogLine) {
    line.text = logs::redact(&line.text);
    for (name, value) in &mut line.fields {
        // Whether a value is a secret may be told by its name alone.
        let pair = logs::redact(&format!("{name}={value}"));
        *value = pair.split_once('=').map_or(pair.clone(), |(_, value)| value.to_owned());
    }
}

/// When a line was written, without reading all of it.
pub(super) fn time_of(bytes: &[u8], clock: &dyn Clock) -> Option<Timestamp> {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(80)]);
    if let Some(rest) = head.strip_prefix("time=") {
        return rfc3339(rest.split(' ').next()?.trim_matches('"'));
    }
    match head.strip_prefix("[GIN]") {
        Some(rest) => gin_time(rest, clock),
        None => leading_time(&head, clock).map(|(at, _)| at),
    }
}

/// Colours and whatever else a terminal would act on, taken out; a tab is a space.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.trim_end_matches(['\n', '\r']).chars().peekable();
    while let Some(each) = chars.next() {
        match each {
            '\t' => out.push(' '),
            '\u{1b}' => match chars.next() {
                // ESC [ … letter
                Some('[') => while chars.next().is_some_and(|it| !('@'..='~').contains(&it)) {},
                // ESC ] … BEL
                Some(']') => while chars.next().is_some_and(|it| it != '\u{7}') {},
                _ => {}
            },
            // Marks that turn the direction of a text could make a line look like another one.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {}
            each if each.is_control() => out.push('\u{fffd}'),
            each => out.push(each),
        }
    }
    out
}

fn server(text: &str, line: &mut LogLine) {
    line.kind = LineKind::Server;
    for (name, value) in pairs(text) {
        match name {
            "time" => line.at = rfc3339(&value),
            "level" => line.level = level_word(&value),
            "source" => line.source = Some(value),
            "msg" => line.text = value,
            _ if line.fields.len() < MOST_FIELDS => line.fields.push((name.to_owned(), value)),
            _ => {}
        }
    }
    if line.text.is_empty() && line.fields.is_empty() {
        text.clone_into(&mut line.text);
    }
}

/// `a=b c="d e"` as Go's text handler writes it.
fn pairs(text: &str) -> Vec<(&str, String)> {
    let mut pairs = Vec::new();
    let mut rest = text;
    while let Some((name, after)) = rest.split_once('=') {
        let (value, tail) = match after.strip_prefix('"') {
            Some(quoted) => unquote(quoted),
            None => match after.split_once(' ') {
                Some((value, tail)) => (value.to_owned(), tail),
                None => (after.to_owned(), ""),
            },
        };
        pairs.push((name.trim(), value));
        rest = tail.trim_start();
    }
    pairs
}

/// The value up to its closing quote, and what comes behind it.
fn unquote(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, each)) = chars.next() {
        match each {
            '"' => return (value, &text[at + 1..]),
            '\\' => match chars.next().map(|(_, it)| it) {
                Some('n') => value.push('\n'),
                Some('t') => value.push(' '),
                Some('r') => {}
                // Bytes and characters that have no shape of their own.
                Some('x' | 'u' | 'U') => value.push('\u{fffd}'),
                Some(other) => value.push(other),
                None => {}
            },
            each => value.push(each),
        }
    }
    // Cut, or still being written.
    (value, "")
}

/// ` 2025/01/02 - 15:04:05 | 200 | 1.2ms | 127.0.0.1 | POST "/api/chat"`
fn access(rest: &str, line: &mut LogLine, clock: &dyn Clock) -> Option<()> {
    let mut parts = rest.splitn(5, '|').map(str::trim);
    let (_, status, took, client, what) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    line.at = gin_time(rest, clock);
    line.kind = LineKind::Access;
    line.level = match status.parse::<u16>() {
        Ok(500..) => LineLevel::Error,
        Ok(400..) => LineLevel::Warn,
        _ => LineLevel::Info,
    };
    let (method, path) = what.split_once(' ').unwrap_or((what, ""));
    let path = path.trim().trim_matches('"');
    line.text = format!("{status} {method} {path}");
    let fields = [("status", status), ("took", took), ("client", client), ("path", path)];
    line.fields =
        fields.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter().collect();
    Some(())
}

fn gin_time(rest: &str, clock: &dyn Clock) -> Option<Timestamp> {
    let text = rest.trim_start().get(..21)?;
    local(NaiveDateTime::parse_from_str(text, "%Y/%m/%d - %H:%M:%S").ok()?, clock)
}

/// A time at the beginning of a line, and where it ends.
fn leading_time(text: &str, clock: &dyn Clock) -> Option<(Timestamp, usize)> {
    if !text.starts_with(|each: char| each.is_ascii_digit()) {
        return None;
    }
    if let Some(head) = text.get(..19)
        && let Ok(time) = NaiveDateTime::parse_from_str(head, "%Y/%m/%d %H:%M:%S")
    {
        return Some((local(time, clock)?, 19));
    }
    let word = text.split(' ').next()?;
    Some((rfc3339(word)?, word.len()))
}

/// A time as the clocks of this machine showed it.
fn local(time: NaiveDateTime, clock: &dyn Clock) -> Option<Timestamp> {
    let naive = Timestamp(time.and_utc().timestamp_millis());
    Some(naive.plus(-i64::from(clock.offset(naive)) * 1000))
}

fn rfc3339(text: &str) -> Option<Timestamp> {
    DateTime::parse_from_rfc3339(text).ok().map(|time| Timestamp(time.timestamp_millis()))
}

fn level_word(word: &str) -> LineLevel {
    match word.split(['+', '-']).next() {
        Some("TRACE" | "DEBUG") => LineLevel::Debug,
        Some("WARN") => LineLevel::Warn,
        Some("ERROR") => LineLevel::Error,
        _ => LineLevel::Info,
    }
}

/// Libraries have no levels, only words.
fn level_of(text: &str) -> LineLevel {
    let lower = text.to_ascii_lowercase();
    let starts = |words: &[&str]| words.iter().any(|word| lower.starts_with(word));
    if starts(&["panic", "fatal", "error", "goroutine "])
        || ["cuda error", " error:", "failed to ", "out of memory", "terminate called"]
            .iter()
            .any(|word| lower.contains(word))
    {
        LineLevel::Error
    } else if starts(&["warn"]) || lower.contains(" warning:") {
        LineLevel::Warn
    } else {
        LineLevel::Info
    }
}

#[cfg(test)]
mod tests {
    use corral_contract::{
        Timestamp,
        serverlogs::{LINE_LENGTH, LineKind, LineLevel, LogLine},
    };

    use super::{read, time_of};
    use crate::clock::ManualClock;

    fn line(text: &[u8]) -> LogLine {
        let clock = ManualClock::at(Timestamp(0)).in_zone(|_| 8 * 3600);
        read(text, "x".to_owned(), LineLevel::Warn, &clock)
    }

    #[test]
    fn reads_what_the_server_says() {
        let read = line(
            br#"time=2026-11-27T11:30:00.250+08:00 level=WARN source=routes.go:12 msg="say \"hi\"" id=GPU-1 total="24.0 GiB""#,
        );
        assert_eq!(read.kind, LineKind::Server);
        assert_eq!(read.level, LineLevel::Warn);
        assert_eq!(read.at, Some(Timestamp(1_795_750_200_250)));
        assert_eq!(read.text, "say \"hi\"");
        assert_eq!(read.source.as_deref(), Some("routes.go:12"));
        let of = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(read.fields, [of("id", "GPU-1"), of("total", "24.0 GiB")]);
    }

    #[test]
    fn reads_requests_in_local_time() {
        let read = line(
            b"[GIN] 2026/11/27 - 11:30:00 | 500 |  1.5ms |  127.0.0.1 | POST     \"/api/chat\"",
        );
        assert_eq!((read.kind, read.level), (LineKind::Access, LineLevel::Error));
        assert_eq!(read.text, "500 POST /api/chat");
        assert_eq!(read.at, Some(Timestamp(1_795_750_200_000)));
        assert_eq!(read.fields[1], ("took".to_owned(), "1.5ms".to_owned()));
    }

    #[test]
    fn anything_else_is_shown_as_plain_text() {
        let read = line(b"\x1b[31mCUDA error: out\x1b[0m \xff\x00end\r\n");
        assert_eq!((read.kind, read.level), (LineKind::Plain, LineLevel::Error));
        assert_eq!(read.text, "CUDA error: out \u{fffd}\u{fffd}end");
        assert_eq!(line(b"    goes on").level, LineLevel::Warn, "with the line before");
        assert_eq!(line(b"[GIN] half").kind, LineKind::Plain);
        assert_eq!(line(b"time=").text, "time=");
        assert_eq!(line(b"time=2026 msg=\"not closed").text, "not closed");
        let long = line(&vec![b'a'; LINE_LENGTH + 7]);
        assert_eq!((long.text.len(), long.cut), (LINE_LENGTH, 7));
        assert!(line("\u{202e}txt".as_bytes()).text.starts_with('t'));
    }

    #[test]
    fn secrets_do_not_show() {
        let mut read = line(
            br#"time=2026-11-27T11:30:00Z level=INFO msg="ask Authorization: Bearer abc" token=xyz env="map[HTTPS_PROXY:http://me:pw@host:1]" n=1"#,
        );
        super::clean(&mut read);
        let all = format!("{read:?}");
        assert!(!all.contains("abc") && !all.contains("xyz") && !all.contains("pw"), "{all}");
        assert_eq!(read.fields[2], ("n".to_owned(), "1".to_owned()));
    }

    #[test]
    fn tells_the_time_of_a_line() {
        let clock = ManualClock::at(Timestamp(0));
        for text in [
            "time=2026-11-27T03:30:00Z level=INFO",
            "[GIN] 2026/11/27 - 03:30:00 | 200 |",
            "2026/11/27 03:30:00 routes.go:1: x",
            "2026-11-27T03:30:00Z INFO x",
        ] {
            assert_eq!(
                time_of(text.as_bytes(), &clock),
                Some(Timestamp(1_795_750_200_000)),
                "{text}"
            );
        }
        assert_eq!(time_of(b"llama_model_loader: x", &clock), None);
    }
}
