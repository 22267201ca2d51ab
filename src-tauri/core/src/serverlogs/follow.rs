//! What is added to a log, told while somebody looks: through rotation, cutting, removal.

use std::{path::PathBuf, sync::PoisonError, time::Duration};

use corral_contract::{
    InstanceId,
    event::AppEvent,
    serverlogs::{AddedLines, FollowRequest, LineLevel, LogLine},
};
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use super::{
    journal::{self, Journal},
    origin, page,
    page::Sieve,
    parts::{Parts, Place},
};
use crate::{Core, Result, signal::Signal, steering::LogSource};

/// Between two looks at the files.
const EVERY: Duration = Duration::from_millis(400);
/// Lines that are told at once; with more, only the last of them.
const AT_ONCE: usize = 500;
/// Most that is read of what was added, in bytes.
const MOST: u64 = 4 * 1024 * 1024;
/// Logs that are followed at the same time.
const LOGS: usize = 4;

/// Begins to tell what is added; an earlier following of the same log ends.
///
/// # Errors
/// `NOT_FOUND`.
pub(super) async fn begin(core: &Core, request: FollowRequest) -> Result<()> {
    let origin = origin::of(core, request.instance).await?;
    let token = core.supervisor.token().child_token();
    {
        let mut follows = core.serverlogs.follows.lock().unwrap_or_else(PoisonError::into_inner);
        let before = follows.iter().position(|(id, _)| *id == request.instance);
        if let Some(place) = before.or((follows.len() >= LOGS).then_some(0)) {
            follows.remove(place).1.cancel();
        }
        follows.push((request.instance, token.clone()));
    }
    let owner = core.clone();
    core.supervisor.run("following a log", async move {
        let id = request.instance;
        let done = tokio::select! {
            () = token.cancelled() => return,
            () = gone(&owner, id) => return end(&owner, id),
            done = follow(&owner, &request, origin.source, &token) => done,
        };
        if let Err(problem) = done {
            let told =
                AddedLines { instance: id, lines: Vec::new(), gap: false, problem: Some(problem) };
            owner.bus.send(AppEvent::LogLines(told));
        }
        end(&owner, id);
    });
    Ok(())
}

/// Nobody looks any more.
pub(super) fn end(core: &Core, id: InstanceId) {
    let mut follows = core.serverlogs.follows.lock().unwrap_or_else(PoisonError::into_inner);
    follows.retain(|(each, token)| {
        if *each == id {
            token.cancel();
        }
        *each != id
    });
}

async fn gone(core: &Core, id: InstanceId) {
    let mut signals = core.signals.listen();
    loop {
        match signals.recv().await {
            Ok(Signal::InstanceRemoved(removed)) if removed == id => return,
            Ok(_) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
    }
}

async fn follow(
    core: &Core,
    request: &FollowRequest,
    source: LogSource,
    token: &CancellationToken,
) -> Result<()> {
    let (id, least) = (request.instance, request.least);
    match source {
        LogSource::Nowhere => Ok(()),
        LogSource::Journal { unit, user } => {
            let journal = Journal { core, unit: &unit, user };
            follow_journal(&journal, request).await
        }
        LogSource::Files(files) => {
            let mut place = request.from.as_deref().and_then(Place::parse);
            let mut signals = core.signals.listen();
            let mut visible = true;
            while !token.is_cancelled() {
                if visible {
                    place = look(core, id, &files, place, least).await?;
                }
                tokio::select! {
                    () = tokio::time::sleep(EVERY), if visible => {}
                    signal = signals.recv() => match signal {
                        Ok(Signal::Visible(now)) => visible = now,
                        Ok(_) | Err(RecvError::Lagged(_)) => {}
                        Err(RecvError::Closed) => return Ok(()),
                    },
                }
            }
            Ok(())
        }
    }
}

async fn look(
    core: &Core,
    id: InstanceId,
    files: &[PathBuf],
    place: Option<Place>,
    least: LineLevel,
) -> Result<Option<Place>> {
    let (files, clock) = (files.to_vec(), core.config.clock.clone());
    let added = tokio::task::spawn_blocking(move || {
        let sieve = Sieve { least, limit: AT_ONCE, clock: &*clock };
        added(&files, place, &sieve)
    });
    let Added { lines, gap, end } = match added.await {
        Ok(added) => added?,
        Err(_) => return Ok(place),
    };
    if gap || !lines.is_empty() {
        core.bus.send(AppEvent::LogLines(AddedLines { instance: id, lines, gap, problem: None }));
    }
    Ok(end)
}

struct Added {
    lines: Vec<LogLine>,
    gap: bool,
    /// Where to look from next.
    end: Option<Place>,
}

/// What came behind a place: the rest of its file, then the files that began after it.
fn added(files: &[PathBuf], place: Option<Place>, sieve: &Sieve<'_>) -> Result<Added> {
    let parts = Parts::open(files)?;
    let end = page::end(&parts)?;
    let (Some(last), Some((newest, _))) = (end, parts.end()) else {
        // Nothing there: whatever comes begins anew.
        return Ok(Added { lines: Vec::new(), gap: false, end: Some(Place { file: 0, at: 0 }) });
    };
    let Some(place) = place else {
        return Ok(Added { lines: Vec::new(), gap: false, end });
    };
    let found = parts.find(place);
    // Cut, or replaced by another file, without a trace of the one before.
    let mut gap = found.is_none();
    let from = found.map_or((newest, 0), |index| (index, place.at));
    if from == (newest, last.at) {
        return Ok(Added { lines: Vec::new(), gap, end });
    }
    let rest: u64 = parts.0[from.0..].iter().map(|part| part.size).sum();
    let lines = if rest.saturating_sub(from.1) > MOST {
        gap = true;
        page::before(&parts, (newest, last.at), sieve)?.lines
    } else {
        let mut all = Vec::new();
        let mut at = from;
        loop {
            let taken = page::after(&parts, at, sieve)?;
            all.extend(taken.lines);
            let next = taken.later.as_deref().and_then(Place::parse);
            match next.and_then(|next| Some((parts.find(next)?, next.at))) {
                Some(next) if next > at => at = next,
                _ => break,
            }
        }
        // One that is not whole yet comes when it is.
        let whole = |line: &LogLine| {
            Place::parse(&line.place).is_none_or(|at| at.file != last.file || at.at < last.at)
        };
        all.retain(whole);
        if all.len() > AT_ONCE {
            gap = true;
            all.drain(..all.len() - AT_ONCE);
        }
        all
    };
    Ok(Added { lines, gap, end })
}

async fn follow_journal(journal: &Journal<'_>, request: &FollowRequest) -> Result<()> {
    let from = match &request.from {
        Some(place) => journal::From::After(place),
        None => journal::From::End,
    };
    let mut reading = journal.read(&from, true)?;
    let mut waiting = Vec::new();
    let mut tick = tokio::time::interval(EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            line = reading.next(journal.core) => match line? {
                Some(line) if line.level >= request.least => waiting.push(line),
                Some(_) => {}
                None => return Ok(()),
            },
            _ = tick.tick(), if !waiting.is_empty() => {
                let mut lines = std::mem::take(&mut waiting);
                let gap = lines.len() > AT_ONCE;
                lines.drain(..lines.len().saturating_sub(AT_ONCE));
                let told = AddedLines { instance: request.instance, lines, gap, problem: None };
                journal.core.bus.send(AppEvent::LogLines(told));
            }
        }
    }
}
