//! What a family of processes costs, as the kernel counts it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};

/// Clock ticks per second that `/proc` counts processor time in, on every Linux Rust runs on.
const TICKS: f64 = 100.0;

/// Memory of these processes in bytes. Pages that several share are counted once, in parts.
pub(super) fn memory(processes: &[u32]) -> u64 {
    let kibibytes: u64 = processes.iter().filter_map(|id| proportional(*id)).sum();
    kibibytes * 1024
}

/// Share of one core, in percent, that these processes use over the given time.
pub(super) async fn load(processes: &[u32], time: Duration) -> f64 {
    let (before, started) = (ticks(processes), Instant::now());
    tokio::time::sleep(time).await;
    let used = (ticks(processes) - before) / TICKS;
    100.0 * used / started.elapsed().as_secs_f64()
}

/// A program that notes the time and becomes `app`: the kernel itself tells when a process started
/// only to a hundredth of a second.
pub(super) struct Timed {
    /// What to start instead of the app.
    pub(super) program: PathBuf,
    note: PathBuf,
}

impl Timed {
    pub(super) fn new(app: &Path, folder: &Path) -> Result<Self> {
        use std::os::unix::fs::PermissionsExt;
        let timed = Self { program: folder.join("timed"), note: folder.join("started") };
        let (app, note) = (quoted(app)?, quoted(&timed.note)?);
        let script = format!("#!/bin/sh\ndate +%s%N > {note}\nexec {app} \"$@\"\n");
        fs::write(&timed.program, script)?;
        fs::set_permissions(&timed.program, fs::Permissions::from_mode(0o755))?;
        Ok(timed)
    }

    /// When the app was started, in milliseconds since 1970.
    pub(super) fn started(&self) -> Result<f64> {
        let nanoseconds: f64 = fs::read_to_string(&self.note)
            .context("the app was not started")?
            .trim()
            .parse()
            .context("date printed no number")?;
        Ok(nanoseconds / 1e6)
    }
}

fn quoted(path: &Path) -> Result<String> {
    let path = path.to_str().ok_or_else(|| anyhow!("{} is no text", path.display()))?;
    Ok(format!("'{}'", path.replace('\'', r"'\''")))
}

fn proportional(process: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{process}/smaps_rollup")).ok()?;
    let value = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    value.trim().trim_end_matches(" kB").parse().ok()
}

fn ticks(processes: &[u32]) -> f64 {
    processes.iter().filter_map(|id| ticks_of(*id)).sum()
}

fn ticks_of(process: u32) -> Option<f64> {
    let text = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // After the name: state first, user time twelfth, system time thirteenth.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let user: f64 = fields.get(11)?.parse().ok()?;
    let system: f64 = fields.get(12)?.parse().ok()?;
    Some(user + system)
}
