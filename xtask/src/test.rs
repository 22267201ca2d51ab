//! `cargo xtask test`: everything that must hold, in order, with one line of numbers at the end.

use std::env;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Result;
use clap::Args;
use clap::builder::PossibleValuesParser;

use crate::packages;

mod limit;
mod macos;
mod steps;
mod tally;
mod windows;

use limit::Limit;
use steps::{STEPS, Step};
use tally::Tally;

/// Run every check and test; the last line is `N passed, N failed, N skipped`
#[derive(Args)]
pub(crate) struct Test {
    /// Also check for Windows and macOS (CI=true does the same)
    #[arg(long)]
    all: bool,
    /// Only this step; may be given several times
    #[arg(long, value_name = "STEP", value_parser = names())]
    only: Vec<String>,
    /// Not this step; it counts as skipped and is named at the end; may be given several times
    #[arg(long, value_name = "STEP", value_parser = names())]
    without: Vec<String>,
    /// Check for other systems only within so many minutes; what is left out counts as skipped
    #[arg(long, value_name = "MINUTES")]
    within: Option<u64>,
}

/// How one step ended.
struct Ended {
    name: &'static str,
    tally: Tally,
    took: Duration,
    error: Option<String>,
}

impl Test {
    /// Runs the chosen steps. A step that fails does not keep the following ones from running.
    pub(crate) fn run(self) -> ExitCode {
        let all = self.all || env::var("CI").is_ok_and(|value| value == "true");
        let chosen = |step: &&Step| match self.only.as_slice() {
            [] => all || !step.other_system,
            only => only.iter().any(|name| name == step.name),
        };
        let left_out = |step: &Step| self.without.iter().any(|name| name == step.name);
        let limit = Limit::minutes(self.within);
        let run = |step: &Step| {
            if left_out(step) {
                leave_out(step, "left out as asked")
            } else if step.other_system && limit.reached() {
                leave_out(step, "left out, no time is left for it")
            } else {
                run_step(step, limit)
            }
        };
        let ended: Vec<Ended> = STEPS.iter().filter(chosen).map(run).collect();
        report(&ended)
    }
}

fn names() -> PossibleValuesParser {
    PossibleValuesParser::new(STEPS.iter().map(|step| step.name))
}

fn leave_out(step: &Step, why: &str) -> Ended {
    println!("\n=== {}: {why}", step.name);
    Ended { name: step.name, tally: Tally::SKIPPED, took: Duration::ZERO, error: None }
}

fn run_step(step: &Step, limit: Limit) -> Ended {
    println!("\n=== {}: {}", step.name, step.what);
    let started = Instant::now();
    let outcome = prepare(step).and_then(|()| (step.work)(limit));
    let took = started.elapsed();
    let (tally, error) = match outcome {
        Ok(tally) if tally.failed == 0 => (tally, None),
        Ok(tally) => {
            let error = format!("{} failed", tally.failed);
            (tally, Some(error))
        }
        Err(error) => (Tally { failed: 1, ..Tally::default() }, Some(format!("{error:#}"))),
    };
    if let Some(error) = &error {
        println!("=== {} failed: {error}", step.name);
    }
    println!("=== {}: {:.1} s", step.name, took.as_secs_f64());
    Ended { name: step.name, tally, took, error }
}

fn prepare(step: &Step) -> Result<()> {
    packages::ensure(step.needs)?;
    step.targets.iter().try_for_each(|target| packages::ensure_target(target))
}

/// The table of times, the failures, and the line of numbers, which stays the last.
fn report(ended: &[Ended]) -> ExitCode {
    println!("\n{:<14} {:>8} {:>7} {:>7} {:>8}", "step", "seconds", "passed", "failed", "skipped");
    let mut total = Tally::default();
    for step in ended {
        let Tally { passed, failed, skipped, .. } = step.tally;
        let seconds = step.took.as_secs_f64();
        println!("{:<14} {seconds:>8.1} {passed:>7} {failed:>7} {skipped:>8}", step.name);
        total = total + step.tally.clone();
    }
    for step in ended {
        if let Some(error) = &step.error {
            step.tally.causes.iter().for_each(|line| println!("{line}"));
            println!("FAILED {}: {error}", step.name);
        }
    }
    let Tally { passed, failed, skipped, .. } = total;
    println!("{passed} passed, {failed} failed, {skipped} skipped");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
