//! Counting: what libtest prints, added up.

use std::io::{BufRead, BufReader};
use std::ops::Add;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::process;

/// How many tests (or checks that are not tests, such as clippy: one each) ended how.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) passed: u64,
    pub(super) failed: u64,
    /// Ignored, left out by name, or a whole step that has nothing to run against.
    pub(super) skipped: u64,
}

impl Tally {
    /// A check that is no test and held.
    pub(super) const HELD: Self = Self { passed: 1, failed: 0, skipped: 0 };
    /// A step that has nothing to run against.
    pub(super) const SKIPPED: Self = Self { passed: 0, failed: 0, skipped: 1 };

    /// Reads `test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 3 filtered out; …`.
    fn of_line(line: &str) -> Option<Self> {
        let counts = line.trim_start().strip_prefix("test result: ")?.split_once(". ")?.1;
        let count = |word: &str| -> u64 {
            counts
                .split(';')
                .filter_map(|part| part.trim().strip_suffix(word)?.trim().parse::<u64>().ok())
                .sum()
        };
        Some(Self {
            passed: count("passed"),
            failed: count("failed"),
            skipped: count("ignored") + count("filtered out"),
        })
    }
}

impl Add for Tally {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            passed: self.passed + other.passed,
            failed: self.failed + other.failed,
            skipped: self.skipped + other.skipped,
        }
    }
}

/// Runs a check that is no test: it holds or it does not.
pub(super) fn check(command: &mut Command) -> Result<Tally> {
    process::run(command).map(|()| Tally::HELD)
}

/// Runs tests, passing on what they print, and counts them.
///
/// # Errors
/// When the command failed without a failed test: it did not compile, or a test program crashed.
pub(super) fn tests(command: &mut Command) -> Result<Tally> {
    let line = process::line_of(command);
    eprintln!("$ {line}");
    let mut child =
        command.stdout(Stdio::piped()).spawn().with_context(|| format!("cannot start `{line}`"))?;
    let mut tally = Tally::default();
    if let Some(output) = child.stdout.take() {
        for line in BufReader::new(output).lines() {
            let line = line.context("a test printed something that is no text")?;
            println!("{line}");
            tally = tally + Tally::of_line(&line).unwrap_or_default();
        }
    }
    let status = child.wait()?;
    if !status.success() && tally.failed == 0 {
        bail!("`{line}` ended with {status} after {} passed tests", tally.passed);
    }
    Ok(tally)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_of_a_result_line_are_read() {
        let line = "test result: FAILED. 12 passed; 2 failed; 1 ignored; 0 measured; 3 filtered out; finished in 0.01s";
        assert_eq!(Tally::of_line(line), Some(Tally { passed: 12, failed: 2, skipped: 4 }));
    }

    #[test]
    fn other_lines_count_nothing() {
        assert_eq!(Tally::of_line("running 12 tests"), None);
        assert_eq!(Tally::of_line("test result"), None);
    }
}
