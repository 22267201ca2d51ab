//! Ollama servers that Corral knows: finding them, reaching them, saying how they are.

use corral_contract::instances::InstanceView;

use crate::{Core, Result};

/// Owned by the core.
#[derive(Default)]
pub(crate) struct State {}

/// Reads the stored instances, registers the seeds of a new database.
pub(crate) async fn recover(_core: &Core) -> Result<()> {
    Ok(())
}

/// Starts one poller per instance.
pub(crate) fn start(_core: &Core) {}

/// All instances in the order they were added.
pub(crate) async fn views(_core: &Core) -> Result<Vec<InstanceView>> {
    Ok(Vec::new())
}
