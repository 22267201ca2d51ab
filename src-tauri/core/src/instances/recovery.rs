//! What is known when Corral starts.

use corral_contract::instances::InstanceDraft;

use super::{draft, model::Live, sealed, store};
use crate::{Core, Result};

/// Reads the stored instances, registers the seeds of a new database; whether it did.
pub(crate) async fn recover(core: &Core) -> Result<bool> {
    let new = !core.config.seed.is_empty() && !store::ever_had_one(&core.db).await?;
    if new {
        for seed in &core.config.seed {
            let draft = InstanceDraft {
                name: seed.name.clone(),
                url: seed.url.clone(),
                ..InstanceDraft::default()
            };
            let profile = draft::checked(&draft)?;
            store::insert(core, &profile).await?;
        }
    }
    let mut records = store::all(&core.db).await?;
    for record in &mut records {
        sealed::take_up(core, record).await;
    }
    let mut live = core.instances.lock();
    live.extend(records.into_iter().map(|record| (record.id, Live::new(record))));
    Ok(new)
}
