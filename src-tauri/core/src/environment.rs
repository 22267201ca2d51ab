//! The variables that servers are started with: what is set and by whom, and changing them.
//!
//! A change is written, the server restarted and tried out; when it does not come up again, what
//! was there before is put back to the byte. A crash of Corral in between leaves a row, and the
//! next start finishes or takes back what it finds.

use corral_contract::{
    environment::{ApplyEnvironment, EnvironmentChange, EnvironmentPreview, EnvironmentView, call},
    instances::InstanceRef,
    models::OpRef,
};

use crate::{Core, Result, router::Handle};

mod apply;
mod check;
mod config_line;
mod diff;
mod preview;
mod read;
mod recovery;
mod store;
mod trial;

pub(crate) use recovery::start;

impl Handle<call::Read> for Core {
    async fn handle(&self, InstanceRef { id }: InstanceRef) -> Result<EnvironmentView> {
        read::read(self, id).await
    }
}

impl Handle<call::Preview> for Core {
    async fn handle(&self, change: EnvironmentChange) -> Result<EnvironmentPreview> {
        preview::preview(self, &change).await
    }
}

impl Handle<call::Apply> for Core {
    async fn handle(&self, request: ApplyEnvironment) -> Result<OpRef> {
        apply::begin(self, request).await
    }
}
