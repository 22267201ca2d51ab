//! `models.create`: from what a person typed to a place in the queue.

use corral_contract::{
    ErrorCode, WireError,
    models::{CreateModel, JobRef, call},
    name::ModelName,
    status::{Cause, Install},
};

use super::{Enqueue, JobOptions, enqueue, live, preflight};
use crate::{Core, Result, instances, models, resources, router::Handle};

impl Handle<call::Create> for Core {
    async fn handle(&self, request: CreateModel) -> Result<JobRef> {
        let name = ModelName::parse_loose(&request.name)
            .map_err(|error| WireError::field("name", error.as_str()))?;
        // Only to know it: what it is asked comes later.
        instances::client(self, request.instance)?;
        if let Some(model) = models::find(self, request.instance, &name).await? {
            if model.hidden_until.is_some() {
                let busy = WireError::new(ErrorCode::Busy).with("operation", "delete");
                return Err(busy.with("name", &model.name));
            }
            let there = model.on_server && model.install != Install::Unavailable;
            if there && !request.update && live(self, model.id).is_none() {
                return Err(WireError::new(ErrorCode::AlreadyExists).with("name", &model.name));
            }
        }
        if !request.force {
            resources::admit_download(self, request.instance)?;
            preflight::gate(self, request.instance, &name, request.insecure).await?;
        }
        let options = JobOptions {
            insecure: request.insecure,
            start_when_done: request.start_when_done,
            ..JobOptions::default()
        };
        let wish = Enqueue {
            instance: request.instance,
            name,
            priority: request.priority,
            options,
            cause: Cause::User,
        };
        enqueue(self, wish).await
    }
}
