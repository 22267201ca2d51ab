//! A blob so small that it comes in one answer: held in memory until its digest is known, then
//! written once. A journal, threads and several connections would cost more than its bytes; what
//! breaks is simply asked for again.

use std::{
    io::{self, Write},
    path::Path,
};

use corral_contract::{ErrorCode, WireError};
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;
use tokio::time::sleep;

use super::{
    Failed, Order, Why, failed,
    line::{same_size, silent, wrong},
    run::{self, FAILURES, LONGEST_PAUSE, Means, PAUSE},
    staging::readable_by_all,
};
use crate::registry::{Failure, Place};

/// Largest blob that comes this way, in bytes.
pub(super) const LARGEST: u64 = 1 << 20;

const SUFFIX: &str = ".small";

/// Brings the blob of an order; answers its file once the digest is the one that was ordered.
pub(super) async fn run(order: &Order, means: &Means) -> Result<NamedTempFile, Failed> {
    let bytes = tokio::select! {
        biased;
        () = means.token.cancelled() => return Err(failed::stopped()),
        bytes = bring(order, means) => bytes?,
    };
    let folder = order.folder.clone();
    let name = crate::digest::hex(&order.sum);
    run::blocking(move || write(&folder, &name, &bytes)).await
}

/// A name of its own each time: another copy of Corral may bring the same blob at the same moment.
fn write(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<NamedTempFile> {
    std::fs::create_dir_all(folder)?;
    sweep(folder, name);
    let prefix = format!("{name}-");
    let mut file = tempfile::Builder::new().prefix(&prefix).suffix(SUFFIX).tempfile_in(folder)?;
    // Says that somebody is at it. Where there are no locks it may be taken for a leftover; then
    // it is brought again.
    let _ = file.as_file().try_lock();
    file.write_all(bytes)?;
    Ok(file)
}

/// Removes what a process that was killed left of a blob. Blocks.
pub(super) fn sweep(folder: &Path, name: &str) {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    for file in files {
        let of_it = file.file_name().to_str().is_some_and(|file| {
            file.strip_prefix(name).is_some_and(|rest| rest.starts_with('-'))
                && file.ends_with(SUFFIX)
        });
        if of_it
            && let Ok(held) = std::fs::File::open(file.path())
            && held.try_lock().is_ok()
        {
            let _ = std::fs::remove_file(file.path());
        }
    }
}

/// Forces it to disk and moves it to its place, over whatever lies there. Blocks.
pub(super) fn publish(file: NamedTempFile, place: &Path) -> io::Result<()> {
    file.as_file().sync_all()?;
    readable_by_all(file.as_file())?;
    file.persist(place).map(|_| ()).map_err(|refused| refused.error)
}

async fn bring(order: &Order, means: &Means) -> Result<Vec<u8>, Failed> {
    let (mut failures, mut mismatches, mut place) = (0, 0, None);
    loop {
        means.standing.send_modify(|standing| standing.done = 0);
        match once(order, means, &mut place).await {
            Ok(bytes) if Sha256::digest(&bytes)[..] == order.sum => {
                means.sources.praise(&means.registries);
                return Ok(bytes);
            }
            Ok(_) => {
                mismatches += 1;
                let error = WireError::new(ErrorCode::DigestMismatch).with("layer", &order.digest);
                means.sources.doubt(&means.registries, &error);
                place = None;
                if mismatches == 2 {
                    return Err(Failed { why: Why::Final, error, retry_after: None });
                }
            }
            Err(failure) => {
                failures += 1;
                let own = PAUSE.saturating_mul(1 << (failures - 1).min(6)).min(LONGEST_PAUSE);
                let pause = failure.retry_after.map_or(own, |asked| asked.max(own));
                if failures >= FAILURES || !may_repeat(&failure) || pause > LONGEST_PAUSE * 2 {
                    return Err(failure.into());
                }
                // The address may have expired, or lead to something that is gone.
                place = None;
                sleep(pause).await;
            }
        }
    }
}

fn may_repeat(failure: &Failure) -> bool {
    !matches!(failure.error.code, ErrorCode::RedirectBlocked | ErrorCode::NeedsNewerOllama)
}

/// One question, and what came of it: as many bytes as were ordered.
async fn once(order: &Order, means: &Means, known: &mut Option<Place>) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::with_capacity(order.size as usize);
    if order.size == 0 {
        return Ok(bytes);
    }
    let (registries, repository) = (&means.registries, &order.repository);
    let place = match known {
        Some(place) => place.clone(),
        None => means.sources.place(registries, order).await?,
    };
    *known = Some(place.clone());
    let opened = registries.open(repository, &place, 0..order.size);
    let limit = means.timers.first_byte;
    let opened = tokio::time::timeout(limit, opened).await;
    let mut response = opened.map_err(|_| silent(limit))??;
    same_size(&response, order.size)?;
    loop {
        let limit = means.timers.stall;
        let chunk = tokio::time::timeout(limit, response.chunk()).await;
        let chunk = chunk.map_err(|_| silent(limit))?.map_err(crate::registry::unreachable)?;
        let Some(chunk) = chunk else { break };
        if (bytes.len() + chunk.len()) as u64 > order.size {
            return Err(wrong(format!("more than {} bytes", order.size)));
        }
        bytes.extend_from_slice(&chunk);
        means.standing.send_modify(|standing| standing.done = bytes.len() as u64);
        means.brake.take(chunk.len()).await;
    }
    if (bytes.len() as u64) < order.size {
        return Err(wrong("the answer ended early".to_owned()));
    }
    Ok(bytes)
}
