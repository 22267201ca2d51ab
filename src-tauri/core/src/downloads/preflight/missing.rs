//! What of a manifest the server does not have.

use std::path::PathBuf;

use corral_contract::InstanceId;

use crate::{
    Core,
    downloads::present,
    instances,
    registry::{Blob, Manifest},
};

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
    let look = move || present::by_files(&blobs?, &wanted);
    let there = match tokio::task::spawn_blocking(look).await.ok().flatten() {
        Some(there) => there,
        None => by_server(core, instance, &manifest.blobs).await?,
    };
    let missing = manifest.blobs.iter().zip(there).filter(|(_, there)| !there);
    Some(missing.fold(Missing::default(), |sum, (blob, _)| Missing {
        bytes: sum.bytes + blob.size,
        layers: sum.layers + 1,
    }))
}

async fn by_server(core: &Core, instance: InstanceId, blobs: &[Blob]) -> Option<Vec<bool>> {
    if blobs.len() > MOST_ASKED || !instances::online(core, instance) {
        return None;
    }
    let api = instances::client(core, instance).ok()?;
    present::by_server(&api, blobs).await.ok()
}
