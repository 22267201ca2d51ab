//! What starting and being there costs.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use corral_testbed::window::{Desktop, Launch, Services, Window};

use super::fleet;
use crate::process::{self, Timed};
use crate::row::Row;
use crate::sample::median;

/// How often each window is opened. Odd, so that the median is one of them.
const STARTS: usize = 9;

/// How long a window is left alone before and while its idle cost is taken.
const SETTLE: Duration = Duration::from_secs(10);
const IDLE: Duration = Duration::from_secs(60);

/// How much later than the bare window's first frame ours may be, in milliseconds.
const PAINTED: f64 = 30.0;
/// How much later than the bare window's first frame the first row may be, in milliseconds.
const FIRST_ROW: f64 = 300.0;
/// How much more memory the window may take, in MB.
const MEMORY: f64 = 60.0;
/// Share of one core, in percent, while nothing happens.
const VISIBLE: f64 = 1.5;
const HIDDEN: f64 = 0.3;

/// The window leaves this mark in the performance timeline once rows have been painted.
const ROWS: &str = "models-painted";

/// One opening of a window. Times are from the start of the process, in milliseconds.
struct Opened {
    /// First contentful paint.
    painted: f64,
    /// Rows of the list; `None` for the bare window.
    rows: Option<f64>,
    /// In MB, once settled.
    memory: f64,
}

/// Opens both by turns and compares; then leaves ours alone, seen and unseen.
pub(super) async fn rows(app: &Path, bare: &Path, known: &Path) -> Result<Vec<Row>> {
    let (mut ours, mut floor) = (Vec::new(), Vec::new());
    for round in 1..=STARTS {
        eprintln!("window: start {round} of {STARTS}");
        let data = tempfile::tempdir()?;
        floor.push(open(bare, data.path(), false).await.context("the bare window")?);
        ours.push(open(app, known, true).await.context("Corral's window")?);
    }
    let of = |all: &[Opened], value: fn(&Opened) -> f64| all.iter().map(value).collect::<Vec<_>>();
    let painted = median(&of(&floor, |one| one.painted));
    let shown: Vec<f64> = ours.iter().filter_map(|one| one.rows).collect();
    let lean = median(&of(&floor, |one| one.memory));
    let painted_ours = of(&ours, |one| one.painted);
    let memory = of(&ours, |one| one.memory);
    let mut rows = vec![
        Row::beside("start to first frame, median", "ms", PAINTED, &painted_ours, painted),
        Row::beside("start to first row of models, median", "ms", FIRST_ROW, &shown, painted),
        Row::beside("memory of all processes, median", "MB", MEMORY, &memory, lean),
    ];
    rows.extend(idle(app, bare, known).await?);
    Ok(rows)
}

async fn open(app: &Path, data: &Path, ours: bool) -> Result<Opened> {
    let folder = tempfile::tempdir()?;
    let timed = Timed::new(app, folder.path())?;
    let window = Window::launch(&fleet::english(Launch::new(&timed.program, data))).await?;
    window.painted().await?;
    let body = "return performance.timeOrigin \
                + performance.getEntriesByName('first-contentful-paint')[0].startTime";
    let painted = window.script(body, Vec::new()).await?;
    let started = timed.started()?;
    let painted = painted.as_f64().context("the page was not painted")? - started;
    let rows = if ours { Some(first_row(&window).await? - started) } else { None };
    tokio::time::sleep(SETTLE).await;
    let memory = process::memory(&window.processes()) as f64 / 1e6;
    window.quit().await?;
    Ok(Opened { painted, rows, memory })
}

async fn first_row(window: &Window) -> Result<f64> {
    let body = format!(
        "const mark = performance.getEntriesByName('{ROWS}')[0]; \
         return mark ? performance.timeOrigin + mark.startTime : 0"
    );
    let mut at = 0.0;
    window
        .wait_for("rows have been painted", async |window| {
            at = window.script(&body, Vec::new()).await?.as_f64().unwrap_or_default();
            Ok(at > 0.0)
        })
        .await?;
    Ok(at)
}

/// The processor's time while nobody does anything. Hidden needs somebody who shows the tray.
async fn idle(app: &Path, bare: &Path, known: &Path) -> Result<[Row; 2]> {
    eprintln!("window: left alone");
    let data = tempfile::tempdir()?;
    let window = Window::launch(&Launch::new(bare, data.path())).await?;
    tokio::time::sleep(SETTLE).await;
    let floor = process::load(&window.processes(), IDLE).await;
    window.quit().await?;

    let desktop = Arc::new(Desktop::start().await?);
    let services = Services::start(&desktop).await?;
    let launch = fleet::english(Launch::new(app, known));
    let window = Window::launch_on(desktop, &launch).await?;
    services.entry("Open Corral").await?;
    fleet::all_known(&window).await?;
    tokio::time::sleep(SETTLE).await;
    let visible = process::load(&window.processes(), IDLE).await;
    window.put_away().await?;
    window.visibility("hidden").await?;
    tokio::time::sleep(SETTLE).await;
    let hidden = process::load(&window.processes(), IDLE).await;
    window.quit().await?;
    let row =
        |name, limit, value| Row { peer: Some(floor), ..Row::mean(name, "%", limit, &[value]) };
    Ok([
        row("processor while visible and idle", VISIBLE, visible),
        row("processor while hidden and idle", HIDDEN, hidden),
    ])
}
