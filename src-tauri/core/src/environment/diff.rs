//! Two texts line by line.

use corral_contract::environment::{DiffLine, Side};

use crate::logs;

/// What stays, goes and comes, in order; passwords are left out.
pub(super) fn diff(before: &str, after: &str) -> Vec<DiffLine> {
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    // How many lines the rest of both have in common. What is written is short.
    let mut common = vec![vec![0_u32; new.len() + 1]; old.len() + 1];
    for (at, line) in old.iter().enumerate().rev() {
        for (to, other) in new.iter().enumerate().rev() {
            common[at][to] = if line == other {
                common[at + 1][to + 1] + 1
            } else {
                common[at + 1][to].max(common[at][to + 1])
            };
        }
    }
    let (mut at, mut to, mut lines) = (0, 0, Vec::new());
    let mut put = |side, text: &str| lines.push(DiffLine { side, text: logs::redact(text) });
    while at < old.len() || to < new.len() {
        if at < old.len() && to < new.len() && old[at] == new[to] {
            put(Side::Both, old[at]);
            (at, to) = (at + 1, to + 1);
        } else if to == new.len() || (at < old.len() && common[at + 1][to] >= common[at][to + 1]) {
            put(Side::Before, old[at]);
            at += 1;
        } else {
            put(Side::After, new[to]);
            to += 1;
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use corral_contract::environment::Side;

    use super::diff;

    #[test]
    fn lines_that_stay_go_and_come_are_told_apart() {
        let lines = diff("a\nb\nc\n", "a\nx http://me:pw@p\nc\nd\n");
        let told: Vec<(Side, &str)> =
            lines.iter().map(|line| (line.side, line.text.as_str())).collect();
        assert_eq!(
            told,
            [
                (Side::Both, "a"),
                (Side::Before, "b"),
                (Side::After, "x http://***@p"),
                (Side::Both, "c"),
                (Side::After, "d"),
            ]
        );
        assert!(diff("", "").is_empty());
    }
}
