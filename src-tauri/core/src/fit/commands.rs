use corral_contract::{
    WireError,
    downloads::MemoryCheck,
    fit::{EstimateFit, call},
    name::ModelName,
};

use super::{Subject, check, heads};
use crate::{Core, Result, downloads, instances, models, router::Handle};

/// Longest context that anybody asks for, in tokens.
const LONGEST: u64 = 1 << 26;

impl Handle<call::Estimate> for Core {
    async fn handle(&self, request: EstimateFit) -> Result<MemoryCheck> {
        let EstimateFit { instance, model, name, shape } = request;
        if shape.context.is_some_and(|tokens| !(4..=LONGEST).contains(&tokens)) {
            let wrong = WireError::field("numCtx", "outOfRange");
            return Err(wrong.with("min", 4).with("max", LONGEST));
        }
        instances::client(self, instance)?;
        if let Some(id) = model {
            let model = models::get(self, id).await?;
            let head = heads::of_installed(self, &model).await;
            let subject = Subject {
                weights: model.bytes.unwrap_or(0),
                head: head.as_ref(),
                digest: model.digest.as_deref(),
            };
            return check(self, model.instance, subject, shape).await;
        }
        let name = ModelName::parse_loose(&name.unwrap_or_default())
            .map_err(|error| WireError::field("name", error.as_str()))?;
        let offered = downloads::offered(self, instance, &name).await?;
        let known = offered.weights_digest.as_deref().and_then(|it| self.fit.heads.get(it));
        let head = match known {
            Some(head) => Some(head),
            None => downloads::head_of(self, &offered).await,
        };
        let subject = Subject {
            weights: offered.weights,
            head: head.as_ref(),
            digest: Some(&offered.manifest.digest),
        };
        check(self, instance, subject, shape).await
    }
}
