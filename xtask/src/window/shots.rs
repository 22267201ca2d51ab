use anyhow::Result;
use std::path::Path;
pub(super) async fn take(_app: &Path, _into: &Path) -> Result<()> {
    Ok(())
}
