//! What `/api/ps` says, compared with what the rows say.

use std::collections::{HashMap, HashSet};

use corral_contract::{
    InstanceId, ModelId, Timestamp, WireError,
    app::NoticeKind,
    models::Memory,
    name::ModelName,
    status::{Cause, Install, Run},
};

use super::{
    change::{Change, edit, set_run},
    operation,
    publish::publish,
    store::{self, StoredModel},
};
use crate::{Core, Result, notices, ollama::LoadedModel};

/// A model that vanished this long before its time may still have been unloaded in time, by a
/// server whose clock differs a little; added to the time between two looks. In ms.
const SLACK: i64 = 5_000;
/// How long a crash waits for an explanation before anybody is notified, in ms.
const NOTICE_AFTER: i64 = 10_000;
/// A load that shows this long after another model vanished explains why, in ms.
const EVICTED_WITHIN: i64 = 5 * 60_000;

mod runners;

use runners::{Runners, Sight};

/// What one poller remembers between two looks at its instance.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// Keys listed last time; `None` before the first answer since the instance came up.
    listed: Option<HashSet<String>>,
    last_look: Option<Timestamp>,
    crashes: Vec<Suspected>,
    runners: Runners,
    /// The server was started anew since the last look, or may have been.
    anew: bool,
    /// It did not answer since the last look.
    away: bool,
    /// When each loaded model would be unloaded, as it was seen last: it moves with every request;
    /// and when its use was written down.
    expiries: HashMap<ModelId, (Option<Timestamp>, Timestamp)>,
}

/// A model that vanished without an explanation so far.
#[derive(Debug)]
struct Suspected {
    model: ModelId,
    at: Timestamp,
    told: bool,
    /// Its process was seen to end: no other model made that happen.
    seen: bool,
}

/// What a look found beside the rows it changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    Known,
    /// The server runs a model that has no row: the list is out of date.
    Stranger,
}

/// The key of a name as the server writes it.
pub(super) fn key_of(name: &str) -> String {
    ModelName::parse(name).map_or_else(|_| name.to_ascii_lowercase(), |name| name.key())
}

/// The entry of a model: that of its name, else one of the same content under another name, which
/// it shares the runner with.
pub(super) fn entry_of<'a>(
    loaded: &'a [LoadedModel],
    key: &str,
    digest: Option<&str>,
) -> Option<&'a LoadedModel> {
    loaded.iter().find(|each| key_of(&each.name) == key).or_else(|| {
        let digest = digest?;
        loaded.iter().find(|each| each.digest.as_deref() == Some(digest))
    })
}

/// Where a loaded model lies.
pub(super) fn memory_of(entry: &LoadedModel) -> Memory {
    Memory {
        bytes: entry.size,
        vram: entry.size_vram,
        context_length: entry.context_length,
        expires_at: entry.expires_at,
    }
}

/// The note is the name alone; the window puts words around it.
fn evicted_by(newcomer: &str) -> Change {
    Change { note: newcomer.to_owned(), ..Change::by(Cause::Evicted) }
}

impl Watch {
    /// Whether the server was started anew since the last look, or may have been: what it has no
    /// more then went with it.
    pub(super) fn anew(&mut self, anew: bool) {
        self.anew = anew || std::mem::take(&mut self.away);
    }

    /// Brings the rows of an instance in line with what it has loaded.
    ///
    /// A model whose time is over but that is still listed serves a request and runs. One that an
    /// operation of ours works on is left to that operation. A server goes on listing a model whose
    /// runner died; `sight` tells the two apart where the runners can be seen.
    pub(super) async fn look(
        &mut self,
        core: &Core,
        instance: InstanceId,
        loaded: &[LoadedModel],
        sight: &Sight,
    ) -> Result<Found> {
        let now = core.now();
        let listed: HashSet<String> = loaded.iter().map(|each| key_of(&each.name)).collect();
        // Its name, for the history of whatever made room for it.
        let newcomer = self
            .listed
            .as_ref()
            .and_then(|before| loaded.iter().find(|each| !before.contains(&key_of(&each.name))));
        let newcomer = newcomer.map(|each| each.name.as_str());
        let digests: Vec<&str> = loaded.iter().filter_map(|each| each.digest.as_deref()).collect();
        let rows = store::seen::candidates(core, instance, &listed, &digests).await?;
        let by_key: HashMap<&str, &StoredModel> =
            rows.iter().map(|row| (row.key.as_str(), row)).collect();
        let strangers = listed.iter().any(|key| !by_key.contains_key(key.as_str()));
        self.runners.learn(core, instance, &listed).await;
        if self.anew {
            self.explain(core, now, || Change::by(Cause::Instance)).await?;
        } else if let Some(newcomer) = newcomer {
            self.explain_guessed(core, now, || evicted_by(newcomer)).await?;
        }
        self.note_use(core, instance, loaded, &rows, now).await?;
        for row in &rows {
            if operation::running(core, row.id).is_some() {
                continue;
            }
            match entry_of(loaded, &row.key, row.digest.as_deref()) {
                Some(_) if self.runners.died(sight, &row.key) => {
                    // One that is being ended lists it for a moment more.
                    if row.run == Run::Running && !self.anew {
                        self.crashes(core, row, now, true).await?;
                    }
                }
                Some(entry) => appears(core, row, memory_of(entry)).await?,
                None => self.vanishes(core, row, now, newcomer).await?,
            }
        }
        self.runners.keep(sight, &listed);
        self.tell(core, now).await;
        self.listed = Some(listed);
        self.last_look = Some(now);
        Ok(if strangers { Found::Stranger } else { Found::Known })
    }

    /// Looks for the runners of what was loaded; before the list is asked for.
    pub(super) async fn runners(&self, core: &Core, instance: InstanceId) -> Sight {
        self.runners.look(core, instance).await
    }

    /// The instance went away: what vanished just before went with it, and what was seen before says
    /// nothing about what comes.
    pub(super) async fn went_away(&mut self, core: &Core) -> Result<()> {
        self.explain(core, core.now(), || Change::by(Cause::Instance)).await?;
        *self = Watch { away: true, ..Watch::default() };
        Ok(())
    }

    /// Keeps when models were used: newly loaded ones, those whose time was moved, and those that
    /// are listed although their time is over, because they answer just now.
    async fn note_use(
        &mut self,
        core: &Core,
        instance: InstanceId,
        loaded: &[LoadedModel],
        rows: &[StoredModel],
        now: Timestamp,
    ) -> Result<()> {
        if self.listed.is_none() {
            store::keep::watches(core, instance, now).await?;
        }
        let mut expiries = HashMap::new();
        let mut used = Vec::new();
        for row in rows {
            let named = loaded.iter().find(|each| key_of(&each.name) == row.key);
            let Some(entry) = named else { continue };
            let over = entry.expires_at.is_some_and(|at| at.since(now) <= 0);
            let before = self.expiries.get(&row.id);
            let moved = before.is_none_or(|(at, _)| *at != entry.expires_at);
            let due = before.is_none_or(|(_, noted)| now.since(*noted) >= store::keep::AGAIN_AFTER);
            let uses = due && (over || moved);
            if uses {
                used.push(row.id);
            }
            let noted = before.filter(|_| !uses).map_or(now, |(_, noted)| *noted);
            // A use that was not written down yet is seen as one the next time.
            let expiry = match before {
                Some((at, _)) if moved && !due => *at,
                _ => entry.expires_at,
            };
            expiries.insert(row.id, (expiry, noted));
        }
        self.expiries = expiries;
        if !used.is_empty() {
            let changed = store::keep::used(core, &used, now).await?;
            publish(core, &changed).await;
        }
        Ok(())
    }

    async fn vanishes(
        &mut self,
        core: &Core,
        row: &StoredModel,
        now: Timestamp,
        newcomer: Option<&str>,
    ) -> Result<()> {
        let change = match row.run {
            Run::Stopped | Run::Crashed => return Ok(()),
            // Left over from before a restart, or from before the instance went away.
            Run::Unknown | Run::Starting | Run::Stopping => Change::by(Cause::Instance),
            Run::Running if self.anew => Change::by(Cause::Instance),
            Run::Running => {
                let last_look = self.last_look.unwrap_or(now);
                let expires = row.memory.and_then(|memory| memory.expires_at);
                let over = expires.is_some_and(|at| at.since(now) <= SLACK);
                // Its time was set to the past while it was still listed: somebody asked to
                // unload it, or its last request ended after its time.
                let asked = expires.is_some_and(|at| at.since(last_look) <= 0);
                if over || asked {
                    Change::by(Cause::Idle)
                } else if let Some(newcomer) = newcomer {
                    evicted_by(newcomer)
                } else if operation::loading(core).iter().any(|id| *id != row.id) {
                    Change::by(Cause::Evicted)
                } else if self.runners.was_seen(&row.key)
                    || !store::seen::started_by_us(core, row.id).await?
                {
                    Change::by(Cause::External)
                } else {
                    return self.crashes(core, row, now, false).await;
                }
            }
        };
        set_run(core, row.id, Run::Stopped, change).await
    }

    async fn crashes(
        &mut self,
        core: &Core,
        row: &StoredModel,
        now: Timestamp,
        seen: bool,
    ) -> Result<()> {
        set_run(core, row.id, Run::Crashed, Change::by(Cause::Crash).problem(crash())).await?;
        self.crashes.push(Suspected { model: row.id, at: now, told: false, seen });
        Ok(())
    }

    /// Why those vanished that did shortly before is known now: their server ended or was started
    /// anew. One that is told to end ends its runners first, so a runner that was seen to end just
    /// before went with it too.
    async fn explain(
        &mut self,
        core: &Core,
        now: Timestamp,
        why: impl Fn() -> Change,
    ) -> Result<()> {
        for suspected in &mut self.crashes {
            suspected.seen &= now.since(suspected.at) > NOTICE_AFTER;
        }
        self.explain_guessed(core, now, why).await
    }

    /// The same of those whose runner was not seen to end: another model was loaded, and they had to
    /// make room.
    async fn explain_guessed(
        &mut self,
        core: &Core,
        now: Timestamp,
        why: impl Fn() -> Change,
    ) -> Result<()> {
        let (seen, guessed) = self.crashes.drain(..).partition(|each| each.seen);
        self.crashes = seen;
        let guessed: Vec<Suspected> = guessed;
        for suspected in guessed {
            if now.since(suspected.at) <= EVICTED_WITHIN {
                let evicted = edit(core, suspected.model, why(), |row| {
                    if row.run == Run::Crashed {
                        row.run = Run::Stopped;
                    }
                });
                if let Err(error) = evicted.await {
                    tracing::debug!(%error, "a model that vanished has no row any more");
                }
            }
        }
        Ok(())
    }

    /// Notifies of crashes that nothing explained for a while.
    async fn tell(&mut self, core: &Core, now: Timestamp) {
        self.crashes.retain(|each| now.since(each.at).abs() <= EVICTED_WITHIN);
        for suspected in &mut self.crashes {
            if suspected.told || now.since(suspected.at) < NOTICE_AFTER {
                continue;
            }
            suspected.told = true;
            if let Ok(row) = super::get(core, suspected.model).await
                && row.run == Run::Crashed
            {
                notices::tell(core, NoticeKind::ModelCrashed, row.name, row.problem).await;
            }
        }
    }
}

fn crash() -> WireError {
    WireError::new(corral_contract::ErrorCode::RunnerCrashed)
}

/// The server has it in memory.
async fn appears(core: &Core, row: &StoredModel, memory: Memory) -> Result<()> {
    if row.run == Run::Running && row.memory == Some(memory) {
        return Ok(());
    }
    let cause = if row.run == Run::Unknown { Cause::Instance } else { Cause::External };
    let mut change = Change::by(cause);
    if row.run == Run::Running {
        // Only figures change; what the row says stays.
        change = change.message(row.message.clone());
        change.problem.clone_from(&row.problem);
    }
    edit(core, row.id, change, |row| {
        row.run = Run::Running;
        row.memory = Some(memory);
        row.on_server = true;
        if matches!(row.install, Install::Failed | Install::Unavailable) {
            row.install = Install::Ready;
        }
    })
    .await?;
    Ok(())
}

#[cfg(test)]
#[path = "poll_test.rs"]
mod tests;
