//! Servers that Corral installs and runs, measured through the core as the window asks it. Each part
//! lies in a file of its own and can be chosen by its word; without one all are measured.
//!
//! `cargo xtask bench instances [PART]…` runs this in release and prints the table. Nothing here
//! asserts: a row says whether it holds, and the caller decides.

mod instances_crash;
mod instances_install;
mod instances_kills;
mod instances_logs;
mod instances_move;
mod instances_site;
mod moving;
mod rows;
#[allow(dead_code, unreachable_pub, reason = "it is shared with the tests, which use all of it")]
#[path = "../core/steered.rs"]
mod steered;
mod times;

use rows::Rows;

pub(crate) type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// The words of all parts.
const PARTS: &[&str] = &["install", "crash", "kills", "logs", "move"];

fn main() -> Outcome<()> {
    // Cargo adds words of its own.
    let words: Vec<String> =
        std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        // Processes of their own, started by the parts.
        ["site", version, archive] => runtime.block_on(instances_site::serve(version, archive)),
        [instances_logs::SERVE] => {
            runtime.block_on(instances_logs::serve()).map_err(|error| error.to_string().into())
        }
        ["corral", folder, site] => runtime.block_on(instances_kills::corral(folder, site)),
        _ => runtime.block_on(measure(&words)),
    }
}

async fn measure(chosen: &[String]) -> Outcome<()> {
    if let Some(unknown) = chosen.iter().find(|word| !PARTS.contains(&word.as_str())) {
        return Err(format!("no part {unknown:?}; there are {PARTS:?}").into());
    }
    let mut rows = Rows::default();
    for part in PARTS.iter().filter(|part| chosen.is_empty() || chosen.iter().any(|it| it == *part))
    {
        match *part {
            "install" => instances_install::measure(&mut rows).await?,
            "crash" => instances_crash::measure(&mut rows).await?,
            "kills" => instances_kills::measure(&mut rows).await?,
            "logs" => {
                instances_logs::measure(&mut rows).await.map_err(|error| error.to_string())?
            }
            "move" => {
                instances_move::measure(&mut rows).await.map_err(|error| error.to_string())?
            }
            other => return Err(format!("{other} is not measured").into()),
        }
    }
    rows.write("instances").map_err(|error| error.to_string().into())
}
