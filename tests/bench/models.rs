//! What is done with models, measured through the core as the window asks it. Each part lies in a
//! file of its own and can be chosen by its word; without one all are measured.
//!
//! `cargo xtask bench models [PART]…` runs this in release and prints the table. Nothing here
//! asserts: a row says whether it holds, and the caller decides.

mod models_deletes;
mod models_disk;
mod models_modelfile;
mod models_moves;
mod moving;
mod rows;
mod times;

use rows::Rows;

/// The words of all parts.
const PARTS: &[&str] = &["moves", "modelfile", "deletes", "disk"];

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Cargo adds words of its own.
    let chosen: Vec<String> =
        std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    if let Some(unknown) = chosen.iter().find(|word| !PARTS.contains(&word.as_str())) {
        return Err(format!("no part {unknown:?}; there are {PARTS:?}").into());
    }
    let mut rows = Rows::default();
    for part in PARTS.iter().filter(|part| chosen.is_empty() || chosen.iter().any(|it| it == *part))
    {
        match *part {
            "moves" => models_moves::measure(&mut rows).await?,
            "modelfile" => models_modelfile::measure(&mut rows)?,
            "deletes" => models_deletes::measure(&mut rows).await?,
            "disk" => models_disk::measure(&mut rows).await?,
            other => return Err(format!("{other} is not measured").into()),
        }
    }
    rows.write("models")
}
