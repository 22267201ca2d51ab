//! Counting: what libtest prints, added up.

use std::io::{BufRead, BufReader};
use std::ops::Add;
use std::process::{Command, ExitStatus, Stdio};

use anyhow::{Context, Result, bail};

use super::limit::Limit;
use crate::process;

/// How many tests (or checks that are not tests, such as clippy: one each) ended how.
#[derive(Clone, Default, Debug, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) passed: u64,
    pub(super) failed: u64,
    /// Ignored, left out by name, or a whole step that has nothing to run against.
    pub(super) skipped: u64,
    /// What the failed ones printed.
    pub(super) causes: Vec<String>,
}

impl Tally {
    /// A check that is no test and held.
    pub(super) const HELD: Self = Self { passed: 1, failed: 0, skipped: 0, causes: Vec::new() };
    /// A step that has nothing to run against.
    pub(super) const SKIPPED: Self = Self { passed: 0, failed: 0, skipped: 1, causes: Vec::new() };

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
            causes: Vec::new(),
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
            causes: [self.causes, other.causes].concat(),
        }
    }
}

/// Adds up what programs say in their last line, and what the tests of one said that never came to
/// its last line.
#[derive(Default)]
struct Count {
    programs: Tally,
    since: Tally,
}

impl Count {
    fn take(&mut self, line: &str) {
        if let Some(program) = Tally::of_line(line) {
            let all = std::mem::take(&mut self.programs) + program;
            *self = Self { programs: all, since: Tally::default() };
        } else if line.starts_with("test ") {
            self.since.passed += u64::from(line.ends_with(" ... ok"));
            self.since.failed += u64::from(line.ends_with(" ... FAILED"));
        }
    }

    fn all(self) -> Tally {
        self.programs + self.since
    }
}

/// What failed tests printed, picked out of everything that libtest prints.
#[derive(Default)]
struct Causes {
    lines: Vec<String>,
    within: bool,
}

impl Causes {
    /// What follows says where, which the message said already, or is of no test.
    const ENDS: [&str; 3] = ["failures:", "test result: ", "stack backtrace:"];
    /// A test that floods its output is not to bury the others.
    const MOST: usize = 200;

    fn take(&mut self, line: String) {
        if line.starts_with("---- ") && line.ends_with(" stdout ----") {
            self.within = true;
        } else if Self::ENDS.iter().any(|end| line.starts_with(end)) {
            self.within = false;
        }
        if self.within && !line.trim().is_empty() && self.lines.len() < Self::MOST {
            self.lines.push(line);
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
    let (tally, line, status) = counted(command)?;
    held(tally, &line, status)
}

/// The same, cut short when the time is up: then what ended by itself counts, and what was left
/// out is one that was skipped.
///
/// # Errors
/// As for [`tests`].
pub(super) fn tests_within(limit: Limit, command: Command) -> Result<Tally> {
    let (tally, line, status) = counted(&mut limit.around(command))?;
    if !limit.cut(status.code()) {
        return held(tally, &line, status);
    }
    println!("cut short: the time is up after {} passed tests", tally.passed);
    Ok(tally + Tally::SKIPPED)
}

fn held(tally: Tally, line: &str, status: ExitStatus) -> Result<Tally> {
    if !status.success() && tally.failed == 0 {
        bail!("`{line}` ended with {status} after {} passed tests", tally.passed);
    }
    Ok(tally)
}

/// What the tests were, the command, and how it ended.
fn counted(command: &mut Command) -> Result<(Tally, String, ExitStatus)> {
    let line = process::line_of(command);
    eprintln!("$ {line}");
    let mut child =
        command.stdout(Stdio::piped()).spawn().with_context(|| format!("cannot start `{line}`"))?;
    let mut count = Count::default();
    let mut causes = Causes::default();
    if let Some(output) = child.stdout.take() {
        for line in BufReader::new(output).lines() {
            let line = line.context("a test printed something that is no text")?;
            println!("{line}");
            count.take(&line);
            causes.take(line);
        }
    }
    let tally = Tally { causes: causes.lines, ..count.all() };
    Ok((tally, line, child.wait()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_of_a_result_line_are_read() {
        let line = "test result: FAILED. 12 passed; 2 failed; 1 ignored; 0 measured; 3 filtered out; finished in 0.01s";
        assert_eq!(
            Tally::of_line(line),
            Some(Tally { passed: 12, failed: 2, skipped: 4, causes: Vec::new() })
        );
    }

    #[test]
    fn a_program_that_was_cut_short_counts_as_far_as_it_came() {
        let mut count = Count::default();
        let printed = "test a ... ok\ntest result: ok. 1 passed; 0 failed; 0 ignored\n\
                       test b ... ok\ntest c ... FAILED\ntest d ... ignored\ntest e";
        printed.lines().for_each(|line| count.take(line));
        assert_eq!(count.all(), Tally { passed: 2, failed: 1, skipped: 0, causes: Vec::new() });
    }

    #[test]
    fn only_what_failed_tests_printed_is_said_again() {
        let mut causes = Causes::default();
        let printed = "test a ... ok\ntest b ... FAILED\n\nfailures:\n\n---- b stdout ----\n\n\
                       thread 'b' panicked at b.rs:3:5:\nleft: 1\n\n\nfailures:\n    b\n\n\
                       test result: FAILED. 1 passed; 1 failed; 0 ignored";
        printed.lines().for_each(|line| causes.take(line.to_owned()));
        let said = ["---- b stdout ----", "thread 'b' panicked at b.rs:3:5:", "left: 1"];
        assert_eq!(causes.lines, said);
    }

    #[test]
    fn other_lines_count_nothing() {
        assert_eq!(Tally::of_line("running 12 tests"), None);
        assert_eq!(Tally::of_line("test result"), None);
    }
}
