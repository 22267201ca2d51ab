//! Whether downloads may move now: the connection is paid by volume, or somebody works at this
//! machine. Looked at only while one of the two switches is on.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use corral_contract::{
    command::Nothing,
    downloads::{ConditionsNow, call},
    progress::WaitReason,
    settings::Settings,
};
use tokio::time::timeout;

use crate::{Core, Result, router::Handle, signal::Signal};

/// Between two looks.
const EVERY: Duration = Duration::from_secs(5);
/// How long the system may take to answer.
const LIMIT: Duration = Duration::from_secs(3);

/// Why all downloads wait, as it was seen last.
#[derive(Default)]
pub(super) struct Hold(Mutex<Option<WaitReason>>);

impl Hold {
    pub(super) fn now(&self) -> Option<WaitReason> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether it was another one before.
    fn set(&self, reason: Option<WaitReason>) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *last, reason.clone()) != reason
    }
}

/// Whether a job waits because of what is looked at here.
pub(super) fn is_hold(wait: &WaitReason) -> bool {
    matches!(wait, WaitReason::Metered | WaitReason::InUse { .. })
}

/// Starts the worker that looks.
pub(super) fn start(core: &Core) {
    let core_of_worker = core.clone();
    core.supervisor.spawn("conditions", move |token| {
        let core = core_of_worker.clone();
        async move {
            let mut signals = core.signals.listen();
            loop {
                let looks = refresh(&core).await;
                let changed = async {
                    // A lag may have swallowed the one that counts.
                    while matches!(signals.recv().await, Ok(signal) if signal != Signal::SettingsChanged) {}
                };
                tokio::select! {
                    () = token.cancelled() => return Ok(()),
                    () = changed => {}
                    () = tokio::time::sleep(EVERY), if looks => {}
                }
            }
        }
    });
}

/// Looks now, if that was asked for at all, and tells the queue what changed.
pub(super) async fn refresh(core: &Core) -> bool {
    let settings = core.settings();
    let looks = settings.pause_on_metered || settings.only_while_idle;
    let now = if looks { look(core).await } else { ConditionsNow::default() };
    if core.downloads.hold.set(reason(&settings, now)) {
        core.downloads.wake.notify_one();
    }
    looks
}

/// What is not told holds nobody up.
fn reason(settings: &Settings, now: ConditionsNow) -> Option<WaitReason> {
    if settings.pause_on_metered && now.metered == Some(true) {
        return Some(WaitReason::Metered);
    }
    let minutes = settings.idle_minutes;
    let in_use = now.idle_seconds.is_some_and(|seconds| seconds < u64::from(minutes) * 60);
    (settings.only_while_idle && in_use).then_some(WaitReason::InUse { minutes })
}

/// Whether the connection is paid by volume; `None` = the system does not tell.
pub(crate) async fn metered(core: &Core) -> Option<bool> {
    look(core).await.metered
}

pub(crate) async fn look(core: &Core) -> ConditionsNow {
    let machine = core.config.machine.clone();
    let asked = tokio::task::spawn_blocking(move || ConditionsNow {
        metered: machine.metered(),
        idle_seconds: machine.idle().map(|idle| idle.as_secs()),
    });
    timeout(LIMIT, asked).await.ok().and_then(std::result::Result::ok).unwrap_or_default()
}

impl Handle<call::Conditions> for Core {
    async fn handle(&self, _: Nothing) -> Result<ConditionsNow> {
        Ok(look(self).await)
    }
}
