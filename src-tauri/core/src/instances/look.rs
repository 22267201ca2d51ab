//! One look at an instance: asking its API, and what follows from the answer.

use std::{sync::Arc, time::Duration};

use corral_contract::{ErrorCode, InstanceId, WireError, app::NoticeKind};
use tokio::time::Instant;

use super::{
    health::{Change, Seen},
    publish, store, unknown,
};
use crate::{Core, Result, health, notices, ollama::OllamaApi, signal::Signal, steering};

/// How long one question may take where nobody set it: longer than any healthy server, shorter than
/// a user waits.
pub(super) const LIMIT: Duration = Duration::from_secs(10);
/// Between two questions to one that may only have hiccuped.
const BLIP: Duration = Duration::from_millis(300);

/// How often an instance that does not answer is asked again before it counts as down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    /// One failure is a blip, two are not; or as often as the user set.
    Usual,
    /// The machine slept or the clock jumped: the network may need a moment.
    AfterGap,
}

impl Patience {
    fn waits(self, retries: u32) -> Vec<Duration> {
        const AFTER_GAP: [Duration; 5] = [
            Duration::from_millis(500),
            Duration::from_secs(1),
            Duration::from_secs(2),
            Duration::from_secs(4),
            Duration::from_secs(8),
        ];
        match self {
            Patience::Usual => vec![BLIP; retries as usize],
            Patience::AfterGap => AFTER_GAP.to_vec(),
        }
    }
}

/// Asks once.
///
/// # Errors
/// Why it is not well.
pub(super) async fn ask(client: &dyn OllamaApi, limit: Duration) -> Result<Seen> {
    let began = Instant::now();
    let version = match tokio::time::timeout(limit, client.version()).await {
        Ok(version) => version?,
        Err(_) => {
            return Err(WireError::new(ErrorCode::TimedOut).with("seconds", limit.as_secs()));
        }
    };
    let latency = u32::try_from(began.elapsed().as_millis()).unwrap_or(u32::MAX);
    Ok(Seen { version, latency_ms: latency })
}

/// Looks at an instance and tells everybody what changed. An instance that is down already, or
/// was never asked, is not asked twice.
///
/// # Errors
/// `NOT_FOUND`.
pub(super) async fn look(core: &Core, id: InstanceId, patience: Patience) -> Result<()> {
    let asking = core.instances.lock().get(&id).ok_or_else(|| unknown(id))?.asking.clone();
    let _one_at_a_time = asking.lock().await;
    let asked = {
        let mut live = core.instances.lock();
        let live = live.get_mut(&id).ok_or_else(|| unknown(id))?;
        match &live.client {
            Ok(client) => Some((client.clone(), live.health.is_up())),
            Err(problem) => {
                // Nothing can be asked, because of what was stored or because it is sealed.
                live.health.hear(&Err(problem.clone()), core.now());
                None
            }
        }
    };
    let Some((client, was_up)) = asked else {
        publish(core, id).await;
        return Ok(());
    };
    let (limit, retries) = health::patience(core, id);
    let mut outcome = ask(&*client, limit).await;
    if was_up {
        for wait in patience.waits(retries) {
            if outcome.is_ok() {
                break;
            }
            tokio::time::sleep(wait).await;
            outcome = ask(&*client, limit).await;
        }
    }
    hear(core, id, &client, &outcome).await;
    Ok(())
}

/// Takes in an answer and tells everybody what it changed.
pub(super) async fn hear(
    core: &Core,
    id: InstanceId,
    client: &Arc<dyn OllamaApi>,
    outcome: &Result<Seen>,
) {
    let now = core.now();
    let heard = {
        let mut live = core.instances.lock();
        // Removed or pointed elsewhere while it was asked: the answer is about nothing any more.
        let Some(live) = live.get_mut(&id).filter(|live| live.uses(client)) else { return };
        let change = live.health.hear(outcome, now);
        let version = outcome.as_ref().ok().map(|seen| seen.version.clone());
        let new_version = version.filter(|version| Some(version) != live.record.version.as_ref());
        if new_version.is_some() {
            live.record.version.clone_from(&new_version);
        }
        (change, new_version, live.record.profile.name.clone())
    };
    let (change, new_version, name) = heard;
    // Before the answer is taken in: what was expected is not told.
    // Neither is what happens while its folder is moved or it is set up.
    let expected = health::expected(core, id) || steering::under_way(core, id);
    health::heard(core, id, outcome.as_ref().map(|seen| seen.latency_ms));
    if let Some(version) = new_version
        && let Err(error) = store::set_version(&core.db, id, &version).await
    {
        tracing::warn!(%error, "version of an instance not kept");
    }
    publish(core, id).await;
    match change {
        Change::None => {}
        Change::Up { back } => {
            tracing::info!(instance = %id, "instance answers");
            core.signals.send(Signal::InstanceUp(id));
            if back && !expected {
                notices::tell(core, NoticeKind::InstanceBack, name, None).await;
            }
        }
        Change::Down { lost } => {
            let problem = outcome.as_ref().err().cloned();
            tracing::warn!(
                instance = %id,
                problem = problem.as_ref().map(tracing::field::display),
                "instance does not answer"
            );
            core.signals.send(Signal::InstanceDown(id));
            if lost && !expected {
                notices::tell(core, NoticeKind::InstanceDown, name, problem).await;
            }
        }
    }
}
