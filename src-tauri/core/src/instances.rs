//! Ollama servers that Corral knows: finding them, reaching them, saying how they are.

use std::sync::Arc;

use corral_contract::{ErrorCode, InstanceId, WireError, instances::InstanceView};

use crate::{Core, Result, ollama::OllamaApi};

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

/// The client of one instance.
///
/// # Errors
/// `NOT_FOUND`.
pub(crate) fn client(_core: &Core, _id: InstanceId) -> Result<Arc<dyn OllamaApi>> {
    Err(WireError::new(ErrorCode::NotFound))
}

/// Whether it answered when it was last asked.
pub(crate) fn online(_core: &Core, _id: InstanceId) -> bool {
    false
}

/// A call to an instance failed because the instance could not be reached: looks at it at once
/// instead of at the next poll.
pub(crate) fn suspect(_core: &Core, _id: InstanceId) {}
