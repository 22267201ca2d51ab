//! Everything a person does with this repository, one file per command: `cargo xtask --help`.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod bench;
mod criteria;
mod demo;
mod dev;
mod fingerprint;
mod packages;
mod place;
mod process;
mod run;
mod shots;
mod test;
mod ui;

/// Build, run and check Corral.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    Bench(bench::Bench),
    Criteria(criteria::Criteria),
    Demo(demo::Demo),
    Dev(dev::Dev),
    Run(run::Run),
    Shots(shots::Shots),
    Test(test::Test),
    Ui(ui::Ui),
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().task {
        Task::Bench(bench) => bench.run(),
        Task::Criteria(criteria) => criteria.run(),
        Task::Demo(demo) => demo.run(),
        Task::Dev(dev) => dev.run().map(|()| ExitCode::SUCCESS),
        Task::Run(run) => run.run(),
        Task::Shots(shots) => shots.run().map(|()| ExitCode::SUCCESS),
        Task::Test(test) => Ok(test.run()),
        Task::Ui(ui) => ui.run().map(|()| ExitCode::SUCCESS),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}
