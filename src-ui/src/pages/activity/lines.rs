//! Searching in a log.

/// The lines that contain `query`, whatever its case, with their numbers from 1; all when it is
/// empty.
#[must_use]
pub(super) fn matching(text: &str, query: &str) -> Vec<(usize, String)> {
    let query = query.trim().to_lowercase();
    text.lines()
        .enumerate()
        .filter(|(_, line)| query.is_empty() || line.to_lowercase().contains(&query))
        .map(|(place, line)| (place + 1, line.to_owned()))
        .collect()
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
    use super::{matching, tail};

    #[test]
    fn finds_lines_with_their_numbers() {
        let text = "Pulling\nverifying DIGEST\ndone";
        assert_eq!(matching(text, " digest "), [(2, "verifying DIGEST".to_owned())]);
        assert_eq!(matching(text, "").len(), 3);
        assert!(matching("", "x").is_empty());
    }

    #[test]
    fn keeps_whole_lines_of_the_end() {
        assert_eq!(tail("one\ntwo\nthree", 100), "one\ntwo\nthree");
        assert_eq!(tail("one\ntwo\nthree", 7), "three");
        assert_eq!(tail("一二三\n四", 5), "四");
        assert_eq!(tail("abcdef", 3), "");
    }
}
