//! Pinned models.

use corral_contract::disk::{PinModels, Pinned, call};

use super::{changed, store};
use crate::{Core, Result, models, router::Handle};

impl Handle<call::Pin> for Core {
    async fn handle(&self, PinModels { ids, pinned }: PinModels) -> Result<Pinned> {
        let ids = store::pin(self, &ids, pinned).await?;
        models::publish(self, &ids).await;
        for id in &ids {
            if let Ok(model) = models::get(self, *id).await {
                changed(self, model.instance);
            }
        }
        Ok(Pinned { changed: ids.len() as u32 })
    }
}
