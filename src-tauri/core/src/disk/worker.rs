//! What happens by itself: the trash is emptied when its time is over, the rules of the clean-up
//! are followed once a day, and windows hear that a look is out of date.

use std::{collections::BTreeSet, time::Duration};

use corral_contract::{
    InstanceId,
    app::NoticeKind,
    audit::Actor,
    disk::{ReclaimChoice, ReclaimItem, ReclaimItems, ReclaimKind, call},
    settings::{CleanupMode, CleanupSettings},
    size,
};
use tokio_util::sync::CancellationToken;

use super::{
    changed, look,
    store::{self, Stage, uses},
    trash::{self, DAY},
};
use crate::{Core, Result, instances, notices, signal::Signal};

/// How often is looked whether something is due.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// Changes of a disk are told at most this often.
const TELL_EVERY: Duration = Duration::from_millis(500);

/// Starts the workers.
pub(crate) fn start(core: &Core) {
    let owner = core.clone();
    core.supervisor.spawn("trash", move |token| keep_clean(owner.clone(), token));
    let owner = core.clone();
    core.supervisor.spawn("disk", move |token| tell(owner.clone(), token));
}

async fn keep_clean(core: Core, token: CancellationToken) -> Result<()> {
    let mut signals = core.signals.listen();
    loop {
        empty_due(&core).await?;
        for instance in instances::ids(&core).await? {
            if let Err(error) = follow_rules(&core, instance).await {
                tracing::warn!(instance = instance.0, %error, "the clean-up was not looked at");
            }
        }
        core.supervisor.well("trash");
        tokio::select! {
            () = token.cancelled() => return Ok(()),
            () = core.disk.due.notified() => {}
            () = rules_changed(&mut signals) => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

/// Waits until other rules may hold.
async fn rules_changed(signals: &mut tokio::sync::broadcast::Receiver<Signal>) {
    use tokio::sync::broadcast::error::RecvError;
    loop {
        match signals.recv().await {
            Ok(Signal::SettingsChanged) | Err(RecvError::Lagged(_)) => return,
            Ok(_) => {}
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}

/// Deletes for good what was kept long enough.
async fn empty_due(core: &Core) -> Result<()> {
    let now = core.now();
    let mut instances = BTreeSet::new();
    for entry in store::entries(core).await? {
        let due = entry.stage == Stage::Kept && entry.until <= now;
        if !due && entry.stage != Stage::Leaving {
            continue;
        }
        let (instance, stage) = (entry.instance, entry.stage);
        if trash::leave(core, entry, stage).await? {
            instances.extend(instance);
        }
    }
    for instance in instances {
        changed(core, instance);
    }
    Ok(())
}

/// Proposes or removes what the user's rules name, once a day.
async fn follow_rules(core: &Core, instance: InstanceId) -> Result<()> {
    let rules = core.settings().cleanup;
    if rules.mode == CleanupMode::Off {
        return Ok(());
    }
    let now = core.now();
    let last = uses::cleaned_at(core, instance).await?;
    if last.is_some_and(|at| (0..DAY).contains(&now.since(at))) {
        return Ok(());
    }
    uses::set_cleaned(core, instance, now).await?;
    let found = look::look(core, instance, rules.unused_days).await?.view.items;
    let chosen: Vec<ReclaimItem> = found.into_iter().filter(|item| named(rules, item)).collect();
    if chosen.is_empty() {
        return Ok(());
    }
    let name = instances::view(core, instance).await?.name;
    let bytes = chosen.iter().map(|item| item.bytes).sum();
    let kind = match rules.mode {
        CleanupMode::Do => {
            let choice = |item: ReclaimItem| ReclaimChoice { id: item.id, mark: item.mark };
            let items = chosen.into_iter().map(choice).collect();
            let request = ReclaimItems { instance, items };
            core.run::<call::Reclaim>(Actor::Scheduler, request).await?;
            NoticeKind::CleanedUp
        }
        CleanupMode::Propose | CleanupMode::Off => NoticeKind::CleanupProposed,
    };
    let subject = format!("{name} · {}", size::format(bytes));
    notices::tell(core, kind, subject, None).await;
    Ok(())
}

/// Whether the rules name an item. The trash has a time of its own.
fn named(rules: CleanupSettings, item: &ReclaimItem) -> bool {
    match item.kind {
        ReclaimKind::Temporary | ReclaimKind::OllamaPartial | ReclaimKind::Staged => true,
        ReclaimKind::Orphan => rules.orphans,
        ReclaimKind::Model => rules.unused_days > 0,
        ReclaimKind::SetAside | ReclaimKind::Trash => false,
    }
}

/// Tells the windows that files came or went, whoever did it.
async fn tell(core: Core, token: CancellationToken) -> Result<()> {
    let mut signals = core.signals.listen();
    let mut due = BTreeSet::new();
    loop {
        tokio::select! {
            () = token.cancelled() => return Ok(()),
            signal = signals.recv() => match signal {
                Ok(Signal::Operated(instance) | Signal::JobDone { instance, .. }) => {
                    due.insert(instance);
                }
                Ok(_) => {}
                Err(_) => due.extend(instances::ids(&core).await?),
            },
            () = tokio::time::sleep(TELL_EVERY), if !due.is_empty() => {
                for instance in std::mem::take(&mut due) {
                    changed(&core, instance);
                }
            }
        }
    }
}
