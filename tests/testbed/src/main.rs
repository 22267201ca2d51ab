//! Starts a set of stand-in servers, prints where they are, and runs until told to end.
//!
//! Started as `ollama serve` is, it is a server by itself: see `serve`.
//!
//! `corral-testbed demo` or `corral-testbed many --models 10000 --instances 3`; both take
//! `--rate`, `--slow-rate` (bytes per second) and `--port` (the first of several in a row).

use anyhow::{Context, Result, bail};
use corral_testbed::scenario::{self, Options};

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let set = arguments.next().unwrap_or_default();
    if corral_testbed::serve::run(&set).await? {
        return Ok(());
    }
    let mut options = Options::default();
    let (mut models, mut instances) = (10_000, 3);
    while let Some(flag) = arguments.next() {
        let value = arguments.next().with_context(|| format!("{flag} needs a number"))?;
        let wrong = || format!("{flag} needs a number, not {value}");
        match flag.as_str() {
            "--models" => models = value.parse().with_context(wrong)?,
            "--instances" => instances = value.parse().with_context(wrong)?,
            "--rate" => options.rate = value.parse().with_context(wrong)?,
            "--slow-rate" => options.slow_rate = value.parse().with_context(wrong)?,
            "--port" => options.port = value.parse().with_context(wrong)?,
            _ => bail!("unknown flag {flag}"),
        }
    }
    let scene = match set.as_str() {
        "demo" => scenario::demo(options).await?,
        "many" => scenario::many(models, instances, options).await?,
        _ => bail!(
            "usage: corral-testbed demo|many [--models N] [--instances N] [--rate B] [--slow-rate B] [--port P]"
        ),
    };
    println!("{}", scene.describe());
    let input_closed = tokio::task::spawn_blocking(|| {
        // Whatever is typed does not matter, and a broken input is a closed one.
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
    });
    tokio::select! {
        ended = tokio::signal::ctrl_c() => ended.context("wait for the interrupt")?,
        ended = input_closed => ended.context("wait for the input's end")?,
    }
    drop(scene);
    // A thread still blocked on standard input must not keep the process.
    std::process::exit(0)
}
