//! `cargo xtask shots`: a picture of every page and dialog.

use anyhow::Result;
use clap::Args;

use crate::packages::{self, Need};
use crate::{bench, place, process, run};

/// Write a PNG of every page and dialog in both languages and themes to target/shots
#[derive(Args)]
pub(crate) struct Shots {}

impl Shots {
    pub(crate) fn run(self) -> Result<()> {
        packages::ensure(&[Need::Driver])?;
        let app = run::build()?;
        let folder = place::root().join("target").join("shots");
        process::run(
            bench::window_program().arg("shots").arg("--app").arg(app).arg("--into").arg(folder),
        )
    }
}
