//! Starting a server that is gone, by what runs it.

use std::time::Duration;

use corral_contract::{ErrorCode, InstanceId, WireError, health::Reach};

use crate::{
    Core, Result,
    steering::{self, Verb},
};

/// How long the system may take to do what it is told.
const LIMIT: Duration = Duration::from_secs(60);

/// Whether a server can be started from here, and why not.
///
/// # Errors
/// Database errors.
pub(super) async fn reach(core: &Core, id: InstanceId) -> Result<(Reach, Option<&'static str>)> {
    let Ok(control) = steering::control_of(core, id).await else {
        return Ok((Reach::Never, None));
    };
    let powers = control.powers();
    Ok(match (powers.start, powers.ours) {
        (true, true) => (Reach::Ours, None),
        (true, false) if steering::allowed(core, id).await? => (Reach::Allowed, None),
        (true, false) => (Reach::WithConsent, None),
        (false, _) => (Reach::Never, powers.why_not),
    })
}

/// Starts it, or starts it anew when its process is there and does not answer. Returns when the
/// system says that it was done.
///
/// # Errors
/// As the system says; `TIMED_OUT`.
pub(super) async fn start(core: &Core, id: InstanceId, anew: bool) -> Result<()> {
    let work = async {
        let control = steering::control(core, id)?;
        let anew = anew && control.powers().stop;
        control.act(if anew { Verb::Restart } else { Verb::Start }).await
    };
    tokio::time::timeout(LIMIT, work).await.unwrap_or_else(|_| {
        Err(WireError::new(ErrorCode::TimedOut).with("seconds", LIMIT.as_secs()))
    })
}
