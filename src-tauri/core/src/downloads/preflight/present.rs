//! Which layers the server has already.

use std::path::{Path, PathBuf};

use corral_contract::InstanceId;
use futures_util::{StreamExt, stream};

use crate::{
    Core, instances,
    registry::{Blob, Manifest},
};

/// Questions to a server at once.
const AT_ONCE: usize = 8;
/// Above this many layers a server elsewhere is not asked for each.
const MOST_ASKED: usize = 512;

/// What has to be moved.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Missing {
    pub(super) bytes: u64,
    pub(super) layers: usize,
}

/// What of a manifest is not in the store: by its files where they can be seen, else by asking
/// the server. `None` when neither says.
pub(super) async fn missing(
    core: &Core,
    instance: InstanceId,
    store: Option<&str>,
    manifest: &Manifest,
) -> Option<Missing> {
    let blobs = store.map(|store| PathBuf::from(store).join("blobs"));
    let wanted = manifest.blobs.clone();
    let seen = tokio::task::spawn_blocking(move || by_files(&blobs?, &wanted)).await.ok().flatten();
    match seen {
        Some(missing) => Some(missing),
        None => by_server(core, instance, &manifest.blobs).await,
    }
}

fn by_files(folder: &Path, blobs: &[Blob]) -> Option<Missing> {
    if !folder.is_dir() {
        return None;
    }
    let there = |blob: &&Blob| {
        let file = folder.join(blob.digest.replace(':', "-"));
        !std::fs::metadata(file).is_ok_and(|facts| facts.len() == blob.size)
    };
    Some(sum(blobs.iter().filter(there)))
}

async fn by_server(core: &Core, instance: InstanceId, blobs: &[Blob]) -> Option<Missing> {
    if blobs.len() > MOST_ASKED || !instances::online(core, instance) {
        return None;
    }
    let api = instances::client(core, instance).ok()?;
    let answers = stream::iter(blobs.to_vec())
        .map(|blob| {
            let api = api.clone();
            async move { (api.has_blob(&blob.digest).await, blob) }
        })
        .buffer_unordered(AT_ONCE)
        .collect::<Vec<_>>()
        .await;
    let mut missing = Vec::new();
    for (there, blob) in answers {
        if !there.ok()? {
            missing.push(blob);
        }
    }
    Some(sum(missing.iter()))
}

fn sum<'a>(blobs: impl Iterator<Item = &'a Blob>) -> Missing {
    blobs.fold(Missing::default(), |sum, blob| Missing {
        bytes: sum.bytes + blob.size,
        layers: sum.layers + 1,
    })
}
