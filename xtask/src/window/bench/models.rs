//! The list of models while fifty of them change and three are downloaded.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use corral_testbed::window::{Launch, Window};

use super::fleet::{self, Fleet};
use super::{scroll, scrolled, steady, typed};
use crate::process;
use crate::row::{Measured, Row};
use crate::sample::median;

const SERVERS: u16 = 5;
/// How much more memory than the bare window it may take, in MB.
const MEMORY: f64 = 80.0;
/// How long a window is left alone before its memory is taken.
const SETTLE: Duration = Duration::from_secs(10);
/// How often its memory is taken, a second apart: the engine's garbage comes and goes.
const LOOKS: usize = 11;

/// Takes every row.
///
/// # Errors
/// When a window does not open or shows something else than it should.
pub(crate) async fn measure(app: &Path, bare: &Path) -> Result<Measured> {
    let data = tempfile::tempdir()?;
    let floor = Window::launch(&Launch::new(bare, data.path())).await?;
    tokio::time::sleep(SETTLE).await;
    let lean = memory(&floor).await;
    floor.quit().await?;

    let fleet = Fleet::start(SERVERS).await?;
    eprintln!("window: the first start reads {} models", fleet::MODELS);
    let folder = tempfile::tempdir()?;
    let window = Window::launch(&fleet.downloading(app, folder.path())).await?;
    fleet::all_known(&window).await?;
    fleet::all_downloading(&window).await?;
    let _changing = fleet.changing();
    tokio::time::sleep(SETTLE).await;
    let name = "memory of all processes, three downloads, 50 changing";
    let taken = memory(&window).await;
    let mut rows = vec![Row::beside(name, "MB", MEMORY, &[taken], lean)];

    eprintln!("window: rows, keys and scrolling beside three downloads and fifty changes");
    let seen = steady::watch(&window).await?;
    rows.push(Row::limited("rows at another place while others change", "", 0.0, seen.moved, 1));
    let changes = [seen.changed];
    rows.push(Row::told("changes seen meanwhile", "", &changes, 0.5));
    rows.extend(typed(&window).await?);
    let frames = scroll::frames(&window).await?;
    rows.push(Row::told("memory of the same in the end", "MB", &[memory(&window).await], 0.5));
    window.quit().await?;
    rows.extend(scrolled(&frames, bare).await?);
    Ok(Measured { bench: "models".to_owned(), rows })
}

/// What all its processes take, in MB: the median of some seconds.
async fn memory(window: &Window) -> f64 {
    let mut seen = Vec::with_capacity(LOOKS);
    for _ in 0..LOOKS {
        tokio::time::sleep(Duration::from_secs(1)).await;
        seen.push(process::memory(&window.processes()) as f64 / 1e6);
    }
    median(&seen)
}
