//! Killed without a word, again and again: what has to be fetched again, how soon the next start
//! moves bytes, and how large the journal grows.

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use corral_core::transfers;

use super::{
    PER_CONNECTION,
    peers::{Blob, Depot, Outcome, corral, empty},
    rows::Rows,
};

const KILLS: u32 = 10;
/// Most connections of a blob.
const CONNECTIONS: f64 = 16.0;
const MIB: f64 = (1 << 20) as f64;

pub(crate) fn measure(folder: &Path, work: &Path, blob: &Blob, rows: &mut Rows) -> Outcome<()> {
    let depot = Depot::start(folder, PER_CONNECTION, 0, 0)?;
    empty(work)?;
    let staging = work.join(".corral");
    let (mut claimed, mut sent) = (0, 0);
    let (mut worst, mut latest, mut reading) = (0_f64, 0_f64, 0_f64);
    for round in 0..KILLS {
        let began = Instant::now();
        let mut child = start(&depot, work, blob)?;
        while depot.sent()? <= sent {
            std::thread::sleep(Duration::from_millis(5));
        }
        if round > 0 {
            let first = began.elapsed().as_secs_f64();
            let read = read_back(&staging.join(format!("{}.data", blob.hex)), claimed)?;
            // What counts is what lies above one read of what is claimed.
            latest = latest.max((first - read).max(0.0));
            reading = reading.max(read);
        }
        // Somewhere in a second of work, another place each time.
        std::thread::sleep(Duration::from_millis(500 + u64::from(round) * 53 % 500));
        child.kill()?;
        child.wait()?;
        let now = depot.sent()?;
        let left = transfers::left_of(&staging, &format!("sha256:{}", blob.hex), blob.size);
        let left = left.unwrap_or(0);
        let again = (now - sent).saturating_sub(left.saturating_sub(claimed));
        worst = worst.max(again as f64 / MIB / CONNECTIONS);
        (claimed, sent) = (left, now);
    }
    let journal = fs::metadata(staging.join(format!("{}.journal", blob.hex)))?.len() as f64;
    let of_20_gb = journal / claimed as f64 * 20e9 / MIB;
    corral(&depot, work, &[blob], 0)?;
    let again = (depot.sent()?.saturating_sub(blob.size)) as f64 / MIB / CONNECTIONS;
    rows.limit("kill -9: again per kill and connection", worst, "MiB", 16.0, KILLS as usize);
    rows.fact("kill -9: again after all, per connection", again, "MiB", 1);
    rows.limit("kill -9: start to first byte, above the read", latest, "s", 1.0, 9);
    rows.fact("kill -9: longest read of what was claimed", reading, "s", 9);
    rows.limit("journal of 20 GB, from what it has per byte", of_20_gb, "MiB", 1.0, 1);
    Ok(())
}

fn start(depot: &Depot, work: &Path, blob: &Blob) -> Outcome<Child> {
    let child = Command::new(std::env::current_exe()?)
        .args(["fetch", &depot.port])
        .arg(work)
        .args(["0", &blob.word()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()?;
    Ok(child)
}

/// How long it takes to read as many bytes once.
fn read_back(file: &Path, bytes: u64) -> Outcome<f64> {
    use std::io::Read;
    let began = Instant::now();
    let mut from = fs::File::open(file)?.take(bytes);
    let mut block = vec![0; 1 << 20];
    while from.read(&mut block)? > 0 {}
    Ok(began.elapsed().as_secs_f64())
}
