//! `cargo xtask demo`: Corral on servers that are only played.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::{Value, json};

use crate::{process, run};

/// Open the app on played servers with models in every state, on a data folder that is thrown away
#[derive(Args)]
pub(crate) struct Demo {}

impl Demo {
    pub(crate) fn run(self) -> Result<ExitCode> {
        if let Some(reason) = run::no_display() {
            eprintln!("{reason}");
            return Ok(ExitCode::from(2));
        }
        let app = run::build()?;
        process::run(process::cargo().args(["build", "--release", "--package", "corral-testbed"]))?;
        let servers = Servers::start()?;
        let data = tempfile::tempdir().context("no folder for temporary data")?;
        println!("demo: servers are played, data is in {}", data.path().display());
        run::open(
            Command::new(app)
                .env("CORRAL_DATA_DIR", data.path())
                .env("CORRAL_SEED_INSTANCES", servers.seed.to_string())
                .env("CORRAL_SEED_DOWNLOADS", servers.downloads.to_string())
                .env("CORRAL_REGISTRY_MIRRORS", servers.mirrors.to_string()),
        )
    }
}

/// The test bed, until dropped.
struct Servers {
    process: Child,
    /// `[{name, url}]`, as the app registers them in a new database.
    seed: Value,
    /// `[{instance, model}]`, as the app begins to download them.
    downloads: Value,
    /// `{host: [url]}`, as the app asks them instead of registries.
    mirrors: Value,
}

impl Servers {
    fn start() -> Result<Self> {
        let process = Command::new(run::program("corral-testbed"))
            .arg("demo")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the test bed")?;
        let mut servers =
            Self { process, seed: Value::Null, downloads: Value::Null, mirrors: Value::Null };
        let mut line = String::new();
        if let Some(output) = servers.process.stdout.as_mut() {
            BufReader::new(output).read_line(&mut line).context("the test bed says nothing")?;
        }
        (servers.seed, servers.downloads, servers.mirrors) = seeds(&line)?;
        Ok(servers)
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        // The test bed ends when its input closes; killing it is for the case that it does not.
        drop(self.process.stdin.take());
        if !matches!(self.process.try_wait(), Ok(Some(_))) {
            let _ = self.process.kill();
        }
        let _ = self.process.wait();
    }
}

/// Turns what the test bed prints into what the app reads.
fn seeds(line: &str) -> Result<(Value, Value, Value)> {
    let described: Value = serde_json::from_str(line)
        .with_context(|| format!("the test bed printed no JSON: {line}"))?;
    let Some(instances) = described["instances"].as_array() else {
        bail!("the test bed named no servers: {line}");
    };
    let instances = instances
        .iter()
        .map(|instance| json!({ "name": instance["label"], "url": instance["url"] }))
        .collect();
    Ok((instances, described["downloads"].clone(), described["mirrors"].clone()))
}
