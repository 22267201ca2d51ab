//! Corral's engine by itself: a process that brings blobs and says what that took.

use std::{fs, path::PathBuf, time::Instant};

use corral_contract::name::ModelName;
use corral_core::{
    registry::{Registries, RegistryConfig, Repository},
    transfers::{self, Order, Transfers},
};
use futures_util::{StreamExt, TryStreamExt, stream};

use super::peers::{Blob, Outcome};

/// Blobs that come at once, as many as of one model in Corral.
const AT_ONCE: usize = 12;

pub(crate) fn transfers() -> Outcome<Transfers> {
    Ok(Transfers::new(Registries::new(RegistryConfig::default())?))
}

/// Where a blob is to be had, and its digest.
pub(crate) fn repository(port: &str, blob: &Blob) -> Outcome<(Repository, String)> {
    let name = ModelName::parse(&format!("127.0.0.1:{port}/library/bench:latest"));
    let name = name.map_err(|error| error.as_str())?;
    let repository = Repository { name, insecure: true, server_version: None, file: None };
    Ok((repository, format!("sha256:{}", blob.hex)))
}

/// Brings blobs, publishes them, and prints how long that took and how much memory.
pub(crate) fn fetch(port: &str, folder: &str, limit: &str, words: &[String]) -> Outcome<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let transfers = transfers()?;
        transfers.throttle().set(limit.parse::<u64>().ok().filter(|limit| *limit > 0));
        let folder = PathBuf::from(folder);
        let idle = memory("VmHWM");
        let began = Instant::now();
        let one = |word: &String| {
            let (transfers, folder) = (transfers.clone(), folder.clone());
            let blob = Blob::of(word);
            async move {
                let (repository, digest) = repository(port, &blob)?;
                let order = Order::new(repository, &digest, blob.size, folder.join(".corral"));
                let share = transfers.join(order.ok_or("a digest")?);
                let whole = share.whole().await.map_err(|failed| failed.error.to_string())?;
                let place = folder.join(&blob.hex);
                tokio::task::spawn_blocking(move || whole.publish(&place))
                    .await?
                    .map_err(|failed| failed.error.to_string())?;
                Outcome::Ok(())
            }
        };
        stream::iter(words.iter().map(one)).buffer_unordered(AT_ONCE).try_collect::<()>().await?;
        tokio::task::spawn_blocking(move || transfers::settle(&folder))
            .await?
            .map_err(|failed| failed.error.to_string())?;
        println!("{} {} {}", began.elapsed().as_secs_f64(), idle, memory("VmHWM"));
        Outcome::Ok(())
    })
}

/// A figure of this process in kibibytes; 0 where the system does not tell.
fn memory(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(name));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok()).unwrap_or(0)
}
