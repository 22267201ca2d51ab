//! The window against a bare one of the same framework, in the same run and by turns; with 10,000
//! models known.

use std::path::Path;

use anyhow::Result;
use corral_testbed::window::Window;

use crate::row::{Measured, Row};
use crate::sample::mean;

mod fleet;
mod scroll;
mod start;
mod typing;

use fleet::Fleet;

/// Milliseconds from a key to the painted result, for 95 of 100 keys.
const KEY: f64 = 100.0;
/// Milliseconds per frame while the list scrolls: 50 frames per second.
const FRAME: f64 = 20.0;

/// Takes every row.
///
/// # Errors
/// When a window does not open or shows something else than it should.
pub(super) async fn measure(app: &Path, bare: &Path) -> Result<Measured> {
    let fleet = Fleet::start().await?;
    eprintln!("window: the first start reads {} models", fleet::MODELS);
    let known = fleet.known(app).await?;
    let mut rows = start::rows(app, bare, known.path()).await?;

    eprintln!("window: keys and scrolling beside three downloads");
    let folder = tempfile::tempdir()?;
    let window = Window::launch(&fleet.downloading(app, folder.path())).await?;
    fleet::all_known(&window).await?;
    fleet::all_downloading(&window).await?;
    let keys = typing::keys(&window).await?;
    rows.push(Row::share("a key in the search field to its rows, p95", "ms", KEY, &keys, 0.95));
    rows.push(Row::told("a key in the search field to its rows, median", "ms", &keys, 0.5));
    let frames = scroll::frames(&window).await?;
    window.quit().await?;
    let floor = scroll::floor(bare).await?;
    let peer = Some(mean(&floor));
    rows.push(Row { peer, ..Row::mean("a frame while scrolling, mean", "ms", FRAME, &frames) });
    rows.push(Row::told("a frame while scrolling, p95", "ms", &frames, 0.95));
    Ok(Measured { bench: "window".to_owned(), rows })
}
