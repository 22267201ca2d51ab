//! One poller per instance: what is loaded, every few seconds; what is installed, every half
//! minute while somebody looks.

use std::{sync::atomic::Ordering, time::Duration};

use corral_contract::{
    InstanceId,
    status::{Cause, Run},
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{
    change::Change,
    operation,
    poll::{Found, Watch},
    publish, store,
};
use crate::{Core, Result, fit, health, instances, signal::Signal, steering, sync, updates};

/// How often the list of installed models is looked at while the window shows.
const TAGS_EVERY: Duration = Duration::from_secs(30);
/// How far apart looks are when operations ask for them: a batch of hundreds asks again and again,
/// and each look reads the processes of this machine.
const APART: Duration = Duration::from_millis(250);
/// How often an instance that does not answer is looked at, should its signal have been lost.
const OFFLINE_EVERY: Duration = Duration::from_secs(5);

/// Looks at one instance until `token` is cancelled.
pub(super) async fn watch(
    core: Core,
    instance: InstanceId,
    token: CancellationToken,
) -> Result<()> {
    let mut signals = core.signals.listen();
    let mut watch = Watch::default();
    let mut server = Server::default();
    let mut online = instances::online(&core, instance);
    let mut next = Instant::now();
    let mut next_tags = Instant::now() + TAGS_EVERY;
    // Nobody looked yet: the first operation is seen at once.
    let mut soonest = Instant::now();
    loop {
        let signal = tokio::select! {
            () = token.cancelled() => return Ok(()),
            () = tokio::time::sleep_until(next) => None,
            signal = signals.recv() => signal.ok(),
        };
        // Whatever was signalled, the state itself is asked: a lost signal changes nothing.
        if online != instances::online(&core, instance) {
            online = !online;
            if !online {
                watch.went_away(&core).await?;
                went_away(&core, instance).await?;
            }
            publish::publish_all(&core, Some(instance));
            next = Instant::now();
        }
        if let Some(signal) = signal {
            match signal {
                Signal::Visible(visible) => {
                    core.models.hidden.store(!visible, Ordering::Relaxed);
                    next = Instant::now();
                }
                Signal::InstanceUp(id) if id == instance => next = Instant::now(),
                Signal::Operated(id) if id == instance => next = next.min(soonest),
                Signal::SettingsChanged => next = Instant::now(),
                _ => {}
            }
        }
        if Instant::now() < next {
            continue;
        }
        if online {
            watch.anew(server.anew(&core, instance));
            look(&core, instance, &mut watch, &mut next_tags).await?;
        }
        soonest = Instant::now() + APART;
        next = Instant::now() + if online { between(&core) } else { OFFLINE_EVERY };
    }
}

/// What was known of the server at the last look.
#[derive(Default)]
struct Server {
    process: Option<u32>,
    /// Somebody had it in hands to start or stop it.
    turn: bool,
}

impl Server {
    /// Whether it was started anew since the last look, or may have been.
    fn anew(&mut self, core: &Core, instance: InstanceId) -> bool {
        let turn = steering::under_way(core, instance);
        let process = instances::process(core, instance);
        let other = process.is_some() && self.process.is_some() && process != self.process;
        let before = std::mem::replace(&mut self.turn, turn);
        self.process = process.or(self.process);
        other || turn || before
    }
}

/// The time between two looks.
fn between(core: &Core) -> Duration {
    let settings = core.settings();
    let seconds = if core.models.hidden.load(Ordering::Relaxed) {
        settings.poll_hidden_seconds
    } else {
        settings.poll_visible_seconds
    };
    Duration::from_secs(seconds.max(1).into())
}

async fn look(
    core: &Core,
    instance: InstanceId,
    watch: &mut Watch,
    next_tags: &mut Instant,
) -> Result<()> {
    let client = instances::client(core, instance)?;
    let runners = watch.runners(core, instance).await;
    let found = match client.ps().await {
        Ok(loaded) => {
            fit::learn(core, instance, &loaded);
            health::loaded(core, instance, &loaded);
            updates::loaded(core, instance, &loaded).await;
            watch.look(core, instance, &loaded, &runners).await?
        }
        Err(error) => {
            // The instance's own poller decides how it is; the models are left as they are.
            tracing::debug!(instance = instance.0, %error, "loaded models could not be read");
            instances::suspect(core, instance);
            return Ok(());
        }
    };
    core.supervisor.well(&format!("models:{instance}"));
    let due = Instant::now() >= *next_tags && !core.models.hidden.load(Ordering::Relaxed);
    if due || found == Found::Stranger {
        *next_tags = Instant::now() + TAGS_EVERY;
        sync::look(core, instance);
    }
    Ok(())
}

/// The instance does not answer: its models are neither stopped nor crashed, nobody knows.
async fn went_away(core: &Core, instance: InstanceId) -> Result<()> {
    for id in store::seen::running(core, instance).await? {
        if operation::running(core, id).is_none() {
            super::change::edit(core, id, Change::by(Cause::Instance), |row| {
                row.run = Run::Unknown;
            })
            .await?;
        }
    }
    Ok(())
}
