use std::sync::PoisonError;

use corral_contract::{
    InstanceId,
    instances::{InstanceRef, call},
    models::OpRef,
    steering::{AllowSteering, Allowance, Consent, SetAutostart, SteeringView},
};

use super::{ServiceControl, Verb, control_of, operation, store};
use crate::{Core, Result, instances, router::Handle};

impl Handle<call::Steering> for Core {
    async fn handle(&self, InstanceRef { id }: InstanceRef) -> Result<SteeringView> {
        view(self, id).await
    }
}

impl Handle<call::Start> for Core {
    async fn handle(&self, InstanceRef { id }: InstanceRef) -> Result<OpRef> {
        operation::begin(self, id, Verb::Start).await
    }
}

impl Handle<call::Stop> for Core {
    async fn handle(&self, InstanceRef { id }: InstanceRef) -> Result<OpRef> {
        operation::begin(self, id, Verb::Stop).await
    }
}

impl Handle<call::Restart> for Core {
    async fn handle(&self, InstanceRef { id }: InstanceRef) -> Result<OpRef> {
        operation::begin(self, id, Verb::Restart).await
    }
}

impl Handle<call::Autostart> for Core {
    async fn handle(&self, SetAutostart { id, on }: SetAutostart) -> Result<SteeringView> {
        let control = control_of(self, id).await?;
        operation::consent(self, id, &*control).await?;
        control.set_autostart(on).await?;
        view(self, id).await
    }
}

impl Handle<call::Allow> for Core {
    async fn handle(&self, AllowSteering { id, how }: AllowSteering) -> Result<SteeringView> {
        instances::view(self, id).await?;
        match how {
            Allowance::Always => store::allow(self, id, true).await?,
            Allowance::Once => {
                self.steering.once.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
            }
            Allowance::Never => {
                self.steering.once.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
                store::allow(self, id, false).await?;
            }
        }
        view(self, id).await
    }
}

/// Whether the user has to be asked before a server is touched.
///
/// # Errors
/// Database errors.
pub(super) async fn consent(
    core: &Core,
    id: InstanceId,
    control: &dyn ServiceControl,
) -> Result<Consent> {
    Ok(if control.powers().ours {
        Consent::Ours
    } else if store::allowed(&core.db, id).await? {
        Consent::Always
    } else {
        Consent::Ask
    })
}

async fn view(core: &Core, id: InstanceId) -> Result<SteeringView> {
    let control = control_of(core, id).await?;
    let rivals = {
        let core = core.clone();
        tokio::task::spawn_blocking(move || instances::rivals(&core, id)).await
    };
    let powers = control.powers();
    // A system that does not answer does not tell; what it says when it is asked to act counts.
    let autostart = control.autostart().await.unwrap_or_else(|error| {
        tracing::debug!(%error, "autostart of a server not known");
        None
    });
    Ok(SteeringView {
        id,
        runner: instances::view(core, id).await?.runner,
        unit: control.unit(),
        can_start: powers.start,
        can_stop: powers.stop,
        can_configure: powers.environment,
        can_autostart: powers.autostart && autostart.is_some(),
        why_not: powers.why_not.map(str::to_owned),
        consent: consent(core, id, &*control).await?,
        autostart,
        start: control.equivalent(Verb::Start),
        stop: control.equivalent(Verb::Stop),
        restart: control.equivalent(Verb::Restart),
        enable: control.equivalent_autostart(true),
        disable: control.equivalent_autostart(false),
        conflicts: rivals.unwrap_or_default(),
    })
}
