//! The window against a bare one of the same framework, in the same run and by turns; with 10,000
//! models known.

use std::path::Path;

use anyhow::Result;
use corral_testbed::window::Window;

use crate::row::{Measured, Row};
use crate::sample::mean;

mod fleet;
mod models;
mod scroll;
mod start;
mod steady;
mod typing;

use fleet::Fleet;
pub(super) use models::measure as measure_models;

/// Milliseconds from a key to the painted result, for 95 of 100 keys.
const KEY: f64 = 100.0;
/// Milliseconds per frame while the list scrolls: 50 frames per second.
const FRAME: f64 = 20.0;
/// Servers that share the models.
const SERVERS: u16 = 3;

/// Takes every row.
///
/// # Errors
/// When a window does not open or shows something else than it should.
pub(super) async fn measure(app: &Path, bare: &Path) -> Result<Measured> {
    let fleet = Fleet::start(SERVERS).await?;
    eprintln!("window: the first start reads {} models", fleet::MODELS);
    let known = fleet.known(app).await?;
    let mut rows = start::rows(app, bare, known.path()).await?;

    eprintln!("window: keys and scrolling beside three downloads");
    let folder = tempfile::tempdir()?;
    let window = Window::launch(&fleet.downloading(app, folder.path())).await?;
    fleet::all_known(&window).await?;
    fleet::all_downloading(&window).await?;
    rows.extend(typed(&window).await?);
    let frames = scroll::frames(&window).await?;
    window.quit().await?;
    rows.extend(scrolled(&frames, bare).await?);
    Ok(Measured { bench: "window".to_owned(), rows })
}

/// The rows of typing in the search field.
async fn typed(window: &Window) -> Result<[Row; 2]> {
    let keys = typing::keys(window).await?;
    Ok([
        Row::share("a key in the search field to its rows, p95", "ms", KEY, &keys, 0.95),
        Row::told("a key in the search field to its rows, median", "ms", &keys, 0.5),
    ])
}

/// The rows of scrolling; the bare window is opened for what this machine can do at all.
async fn scrolled(frames: &[f64], bare: &Path) -> Result<[Row; 2]> {
    let floor = scroll::floor(bare).await?;
    let peer = Some(mean(&floor));
    Ok([
        Row { peer, ..Row::mean("a frame while scrolling, mean", "ms", FRAME, frames) },
        Row::told("a frame while scrolling, p95", "ms", frames, 0.95),
    ])
}
