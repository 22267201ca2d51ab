//! The lines of a log: what each says, how much it matters, and where it is.

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    Info,
    Warn,
    Error,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// The byte of the file at which it begins: stays the same while the log grows.
    pub(super) at: u64,
    pub(super) level: Level,
    pub(super) text: String,
}

/// The lines of a text that begins at a byte of the file. One that is set in goes on with the one
/// before and matters as much.
#[must_use]
pub(super) fn lines(text: &str, first: u64) -> Vec<Line> {
    let mut at = first;
    let mut level = Level::Info;
    let mut lines = Vec::new();
    for line in text.split_inclusive('\n') {
        let shown = line.trim_end_matches(['\n', '\r']);
        if !shown.starts_with(' ') {
            level = level_of(shown);
        }
        lines.push(Line { at, level, text: shown.to_owned() });
        at += line.len() as u64;
    }
    lines
}

/// The word after the time; logs of older versions have none.
fn level_of(line: &str) -> Level {
    match line.split(' ').nth(1) {
        Some("WARN") => Level::Warn,
        Some("ERROR") => Level::Error,
        _ => Level::Info,
    }
}

/// Places of the lines that hold a text, whatever its case; none for an empty one.
#[must_use]
pub(super) fn hits(lines: &[Line], query: &str) -> Vec<usize> {
    let query = query.trim().to_lowercase();
    if query.is_empty() {
        return Vec::new();
    }
    let holds = |line: &Line| line.text.to_lowercase().contains(&query);
    lines.iter().enumerate().filter(|(_, line)| holds(line)).map(|(place, _)| place).collect()
}

/// The end of a text that became longer than a window should hold, from a whole line on.
#[must_use]
pub(super) fn tail(text: &str, most: usize) -> &str {
    if text.len() <= most {
        return text;
    }
    let mut start = text.len() - most;
    while !text.is_char_boundary(start) {
        start += 1;
    }
    text[start..].split_once('\n').map_or("", |(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use super::{Level, hits, lines, tail};

    const LOG: &str = "2026-11-27T09:00:00.000Z INFO phase listing\n\
                       2026-11-27T09:00:01.000Z WARN no answer\n    and more\n\
                       2026-11-27T09:00:02.000Z ERROR failed: TIMED_OUT\n\
                       2026-11-20T09:00:02.000Z phase of an older version\n";

    #[test]
    fn lines_have_their_level_and_their_place_in_the_file() {
        let found = lines(LOG, 100);
        let levels: Vec<Level> = found.iter().map(|line| line.level).collect();
        assert_eq!(levels, [Level::Info, Level::Warn, Level::Warn, Level::Error, Level::Info]);
        assert_eq!(found[0].at, 100);
        assert_eq!(found[1].at, 100 + LOG.find('\n').expect("a line") as u64 + 1);
        assert!(lines("", 0).is_empty());
    }

    #[test]
    fn finds_lines_whatever_the_case() {
        let found = lines(LOG, 0);
        assert_eq!(hits(&found, " PHASE "), [0, 4]);
        assert_eq!(hits(&found, "timed_out"), [3]);
        assert!(hits(&found, "").is_empty() && hits(&found, "x y").is_empty());
    }

    #[test]
    fn keeps_whole_lines_of_the_end() {
        assert_eq!(tail("one\ntwo\nthree", 100), "one\ntwo\nthree");
        assert_eq!(tail("one\ntwo\nthree", 7), "three");
        assert_eq!(tail("一二三\n四", 5), "四");
        assert_eq!(tail("abcdef", 3), "");
    }
}
