//! What the program is asked for.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::{bench, shots};

/// Tasks that drive the window.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Write pictures
    Shots {
        /// The app's program
        #[arg(long)]
        app: PathBuf,
        /// Folder for the pictures
        #[arg(long)]
        into: PathBuf,
    },
    /// Measure and print the rows as one line of JSON
    Bench {
        /// The app's program
        #[arg(long)]
        app: PathBuf,
        /// The bare window's program
        #[arg(long)]
        bare: PathBuf,
    },
    /// Measure the list of models beside changes and print the rows as one line of JSON
    Models {
        /// The app's program
        #[arg(long)]
        app: PathBuf,
        /// The bare window's program
        #[arg(long)]
        bare: PathBuf,
    },
}

#[tokio::main]
pub(super) async fn run() -> Result<()> {
    match Arguments::parse().task {
        Task::Shots { app, into } => shots::take(&app, &into).await,
        Task::Bench { app, bare } => {
            println!("{}", serde_json::to_string(&bench::measure(&app, &bare).await?)?);
            Ok(())
        }
        Task::Models { app, bare } => {
            println!("{}", serde_json::to_string(&bench::measure_models(&app, &bare).await?)?);
            Ok(())
        }
    }
}
