//! The window against a bare one of the same framework, in the same run and by turns.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use corral_testbed::window::{Launch, Window};

use crate::process::{self, Timed};
use crate::row::{Measured, Row};

/// How often each window is opened. Odd, so that the median is one of them.
const STARTS: usize = 9;

/// How long a window is left alone before and while its idle cost is taken.
const SETTLE: Duration = Duration::from_secs(5);
const IDLE: Duration = Duration::from_secs(20);

/// How much later than the bare window the first frame may be, in milliseconds.
const PAINTED: f64 = 30.0;
/// How much more memory the window may take, in bytes.
const MEMORY: f64 = 60e6;
/// Share of one core, in percent, while visible and nothing happens.
const VISIBLE: f64 = 1.5;

/// One opening of a window.
struct Opened {
    /// From process start to first contentful paint, in milliseconds.
    painted: f64,
    /// In bytes, once settled.
    memory: f64,
    /// Percent of one core; taken on the last opening only.
    idle: Option<f64>,
}

/// Opens both by turns and compares.
pub(super) async fn measure(app: &Path, bare: &Path) -> Result<Measured> {
    let (mut ours, mut floor) = (Vec::new(), Vec::new());
    for round in 1..=STARTS {
        eprintln!("window: start {round} of {STARTS}");
        let last = round == STARTS;
        floor.push(open(bare, last).await.context("the bare window")?);
        ours.push(open(app, last).await.context("Corral's window")?);
    }
    let rows = vec![
        compared("process start to first paint, median", "ms", PAINTED, &ours, &floor, |one| {
            one.painted
        }),
        compared("memory of all processes, median", "MB", MEMORY / 1e6, &ours, &floor, |one| {
            one.memory / 1e6
        }),
        idle(&ours, &floor),
    ];
    Ok(Measured { bench: "window".to_owned(), rows })
}

async fn open(app: &Path, idle: bool) -> Result<Opened> {
    let data = tempfile::tempdir()?;
    let timed = Timed::new(app, data.path())?;
    let window = Window::launch(&Launch::new(&timed.program, data.path().join("data"))).await?;
    window.painted().await?;
    let body = "return performance.timeOrigin \
                + performance.getEntriesByName('first-contentful-paint')[0].startTime";
    let painted = window.script(body, Vec::new()).await?;
    let painted = painted.as_f64().context("the page was not painted")? - timed.started()?;
    tokio::time::sleep(SETTLE).await;
    let processes = window.processes();
    let memory = process::memory(&processes) as f64;
    let idle = if idle { Some(process::load(&processes, IDLE).await) } else { None };
    window.quit().await?;
    Ok(Opened { painted, memory, idle })
}

/// Our median against the floor's, which ours may exceed by `above`.
fn compared(
    name: &str,
    unit: &str,
    above: f64,
    ours: &[Opened],
    floor: &[Opened],
    value: fn(&Opened) -> f64,
) -> Row {
    let middle = |all: &[Opened]| median(all.iter().map(value).collect());
    let (value, peer) = (middle(ours), middle(floor));
    let limit = peer + above;
    Row {
        name: name.to_owned(),
        value,
        unit: unit.to_owned(),
        limit: Some(limit),
        holds: Some(value <= limit),
        samples: ours.len(),
        peer: Some(peer),
    }
}

fn idle(ours: &[Opened], floor: &[Opened]) -> Row {
    let value = ours.iter().find_map(|one| one.idle).unwrap_or_default();
    Row {
        name: "processor while visible and idle".to_owned(),
        value,
        unit: "%".to_owned(),
        limit: Some(VISIBLE),
        holds: Some(value <= VISIBLE),
        samples: 1,
        peer: floor.iter().find_map(|one| one.idle),
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
