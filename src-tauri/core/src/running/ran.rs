//! Models that were in memory when Corral ended, and are to be again.

use corral_contract::{InstanceId, ModelId, WireError, app::NoticeKind};

use super::store;
use crate::{Core, Result, notices};

/// Keeps what ran, before what a start knows of it is forgotten. Without the user's wish nothing is
/// kept.
///
/// # Errors
/// Database errors.
pub(crate) async fn remember(core: &Core) -> Result<()> {
    if core.settings().restore_running {
        store::keep_ran(core).await
    } else {
        store::forget_ran(core, None).await
    }
}

/// Says what became of it; the next start begins with what runs then.
///
/// # Errors
/// Database errors.
pub(super) async fn report(
    core: &Core,
    instance: InstanceId,
    name: String,
    models: &[ModelId],
    failed: Option<WireError>,
) -> Result<()> {
    store::forget_ran(core, Some(instance)).await?;
    if !models.is_empty() {
        notices::tell(core, NoticeKind::ModelsRestored, name, failed).await;
    }
    Ok(())
}
