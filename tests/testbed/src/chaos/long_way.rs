//! A line that is long, and loses something now and then.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};

use super::Weather;

/// Pieces that are under way at once.
const UNDERWAY: usize = 512;

/// Passes everything on, each piece later than it came, until the other side closes.
pub(super) async fn pass(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    weather: &Weather,
    number: u64,
) -> io::Result<()> {
    let (pieces, mut arriving) = mpsc::channel::<(Instant, Vec<u8>)>(UNDERWAY);
    let delay = weather.delay;
    let leave = async move {
        let mut buffer = vec![0; 16_384];
        loop {
            let read = from.read(&mut buffer).await?;
            if read == 0
                || pieces.send((Instant::now() + delay, buffer[..read].to_vec())).await.is_err()
            {
                return io::Result::Ok(());
            }
        }
    };
    let arrive = async {
        let mut dice = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        while let Some((due, piece)) = arriving.recv().await {
            sleep_until(due).await;
            sleep(stall(weather.stalls, &mut dice)).await;
            to.write_all(&piece).await?;
        }
        to.shutdown().await
    };
    let (left, arrived) = tokio::join!(leave, arrive);
    left.and(arrived)
}

fn stall(stalls: Option<(u32, Duration)>, dice: &mut u64) -> Duration {
    let Some((per_mille, pause)) = stalls else { return Duration::ZERO };
    *dice ^= *dice << 13;
    *dice ^= *dice >> 7;
    *dice ^= *dice << 17;
    if (*dice >> 11) % 1000 < u64::from(per_mille) { pause } else { Duration::ZERO }
}
