//! Which way the bytes of a model take: through Corral, or through the server's own puller.

use corral_contract::{InstanceId, settings::FetchWay};

use super::{
    direct::{DirectFetch, Landing},
    fetch::Fetch,
    pull::{Patience, PullFetch},
};
use crate::{Core, Result, instances};

const MEGABYTE: u64 = 1_000_000;

/// The way for an instance, as the user set it. By itself Corral moves what goes into a store that
/// it can see; a server elsewhere has its own line to the registry, and what came here first would
/// travel twice.
///
/// # Errors
/// `NOT_FOUND`.
pub(super) async fn choose(core: &Core, instance: InstanceId) -> Result<Box<dyn Fetch>> {
    let api = instances::client(core, instance)?;
    let pull = PullFetch::new(api.clone(), Patience::default());
    let settings = core.settings();
    if settings.fetch_way == FetchWay::Server {
        return Ok(Box::new(pull));
    }
    let store = instances::store_now(core, instance).await?;
    let own = || Landing::Upload { staging: core.config.data_dir.join("staging") };
    let landing = match (store.path, store.writable) {
        (Some(path), Some(true)) => Landing::Store { models: path.into() },
        (Some(_), Some(false)) => own(),
        _ if settings.fetch_way == FetchWay::Direct => own(),
        _ => return Ok(Box::new(pull)),
    };
    let free = match &landing {
        Landing::Store { .. } => store.free,
        Landing::Upload { .. } => free(core).await,
    };
    Ok(Box::new(DirectFetch {
        registries: core.registries.clone(),
        transfers: core.transfers.clone(),
        api,
        pull,
        landing,
        server_version: instances::version(core, instance),
        reserve: u64::from(settings.disk_reserve_mb) * MEGABYTE,
        free,
    }))
}

/// What is free where Corral keeps its own data.
async fn free(core: &Core) -> Option<u64> {
    let (machine, folder) = (core.config.machine.clone(), core.config.data_dir.clone());
    let look = tokio::task::spawn_blocking(move || machine.space(&folder));
    Some(look.await.ok()??.free)
}
