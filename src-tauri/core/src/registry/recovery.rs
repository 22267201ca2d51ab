//! What is known when Corral starts. No secret is opened for it.

use std::collections::HashMap;

use super::{
    site::{Setup, Site},
    store,
};
use crate::{Core, Result};

/// Takes up what was set up. Without it registries are asked as everybody asks them.
pub(crate) async fn recover(core: &Core) {
    if let Err(error) = reload(core).await {
        tracing::error!(%error, "what was set up of registries could not be read");
    }
}

/// Puts what is stored in force.
pub(super) async fn reload(core: &Core) -> Result<()> {
    let sites = store::all(&core.db).await?.into_iter();
    let sites: HashMap<String, Site> = sites.map(|site| (site.host.clone(), site)).collect();
    let proxy = store::proxy(&core.db).await?;
    core.registries.set_up(Setup::new(sites, proxy, Some(core.secrets().clone())));
    Ok(())
}
