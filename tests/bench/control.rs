//! How quickly a running download obeys: limits, changes of them, pausing and going on. Seen from
//! the server, which counts what it sends.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use corral_core::transfers::{Order, Share, Transfers};

use super::{
    engine,
    peers::{Blob, Depot, Outcome, empty, make},
    rows::Rows,
};

/// Between two looks.
const LOOK: Duration = Duration::from_millis(10);
/// What is looked at when a rate is judged.
const WINDOW: Duration = Duration::from_millis(200);
/// Nothing may take longer.
const PATIENCE: Duration = Duration::from_secs(10);
const TURNS: usize = 5;

struct Scene {
    depot: Depot,
    transfers: Transfers,
    blob: Blob,
    staging: PathBuf,
}

impl Scene {
    fn join(&self) -> Outcome<Share> {
        let (repository, digest) = engine::repository(&self.depot.port, &self.blob)?;
        let order = Order::new(repository, &digest, self.blob.size, &self.staging);
        Ok(self.transfers.join(order.ok_or("a digest")?))
    }

    /// Bytes that the engine takes in one window, per second. What the server sends says less: the
    /// buffers of a loopback connection hold megabytes.
    async fn rate(&self) -> f64 {
        let throttle = self.transfers.throttle();
        let before = (throttle.taken(), Instant::now());
        tokio::time::sleep(WINDOW).await;
        (throttle.taken() - before.0) as f64 / before.1.elapsed().as_secs_f64()
    }
}

/// All rows about obedience.
pub(crate) fn measure(folder: &Path, work: &Path, rows: &mut Rows) -> Outcome<()> {
    let blob = make(folder, 98, 2_000_000_000)?;
    empty(work)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let scene = Scene {
            depot: Depot::start(folder, 20_000_000, 0, 0)?,
            transfers: engine::transfers()?,
            blob,
            staging: work.join(".corral"),
        };
        limits(&scene, rows).await?;
        pauses(&scene, rows).await?;
        std::fs::remove_file(folder.join("blobs").join(&scene.blob.hex))?;
        Outcome::Ok(())
    })
}

/// The time until a changed limit shows, up and down.
async fn limits(scene: &Scene, rows: &mut Rows) -> Outcome<()> {
    let throttle = scene.transfers.throttle();
    throttle.set(Some(10_000_000));
    let share = scene.join()?;
    let mut slowest = 0_f64;
    let mut at = 10e6;
    while (scene.rate().await / at - 1.0).abs() > 0.2 {}
    for to in [40e6, 5e6, 60e6, 10e6, 30e6] {
        throttle.set(Some(to as u64));
        let began = Instant::now();
        // The window that shows the new rate began a window earlier.
        loop {
            let rate = scene.rate().await;
            if (rate / to - 1.0).abs() <= 0.1 {
                break;
            }
            if began.elapsed() > PATIENCE {
                return Err(format!("from {at} to {to}: still {rate}").into());
            }
        }
        slowest = slowest.max((began.elapsed() - WINDOW).as_secs_f64());
        at = to;
    }
    rows.limit("change of the limit: until it holds", slowest, "s", 1.0, TURNS);
    drop(share);
    throttle.set(None);
    Ok(())
}

/// The time from a pause to the last byte, and from going on to the next one.
async fn pauses(scene: &Scene, rows: &mut Rows) -> Outcome<()> {
    let (mut longest_pause, mut longest_start) = (0_f64, 0_f64);
    for _ in 0..TURNS {
        let before = scene.depot.sent()?;
        let began = Instant::now();
        let share = scene.join()?;
        while scene.depot.sent()? <= before {
            tokio::time::sleep(LOOK).await;
            if began.elapsed() > PATIENCE {
                return Err("nothing came".into());
            }
        }
        longest_start = longest_start.max(began.elapsed().as_secs_f64());
        while scene.rate().await < 10e6 {}
        drop(share);
        let paused = Instant::now();
        let (mut last, mut since) = (scene.depot.sent()?, Duration::ZERO);
        // Half a second without a byte counts as none.
        while paused.elapsed() < since + Duration::from_millis(500) {
            tokio::time::sleep(LOOK).await;
            let now = scene.depot.sent()?;
            if now != last {
                (last, since) = (now, paused.elapsed());
            }
        }
        longest_pause = longest_pause.max(since.as_secs_f64());
    }
    rows.limit("pause: until no byte comes", longest_pause, "s", 0.5, TURNS);
    rows.limit("going on: until the next byte", longest_start, "s", 0.5, TURNS);
    Ok(())
}
