//! Searches: begun, told while they run, ended.

use std::{
    sync::PoisonError,
    time::{Duration, Instant},
};

use corral_contract::{
    ErrorCode, InstanceId, WireError,
    event::AppEvent,
    serverlogs::{FindRequest, LineLevel, LogLine, LogSearch, MOST_HITS},
};
use tokio_util::sync::CancellationToken;

use super::{
    cancel, internal,
    journal::{self, Journal},
    origin, page,
    page::Sieve,
    parts::{Parts, Place},
    search::{self, Hits, Wanted},
};
use crate::{Core, Result, bus::Bus, steering::LogSource};

/// The windows are told at most this often.
const TELL_EVERY: Duration = Duration::from_millis(250);
/// Longest text, in bytes.
const LONGEST: usize = 500;
/// How far back the newest lines with a text are looked for, in bytes.
const BACK: u64 = 64 * 1024 * 1024;

/// Begins a search; an earlier one in the same log ends.
///
/// # Errors
/// `NOT_FOUND`, `INVALID_INPUT` about `text`.
pub(super) async fn begin(core: &Core, request: FindRequest) -> Result<u64> {
    let text = request.text.trim();
    if text.is_empty() {
        return Err(WireError::field("text", "empty"));
    }
    if text.len() > LONGEST {
        return Err(WireError::field("text", "tooLong"));
    }
    if text.chars().any(char::is_control) {
        return Err(WireError::field("text", "controlCharacter"));
    }
    let pattern = search::pattern(text)
        .map_err(|error| WireError::field("text", "malformed").detail(error.to_string()))?;
    let origin = origin::of(core, request.instance).await?;
    let wanted = Wanted { pattern, least: request.least, clock: core.config.clock.clone() };
    cancel(&core.serverlogs.searches, request.instance);
    let number = core.serverlogs.next_search();
    let token = core.supervisor.token().child_token();
    core.serverlogs.searches.lock().unwrap_or_else(PoisonError::into_inner).push((
        request.instance,
        number,
        token.clone(),
    ));
    let owner = core.clone();
    core.supervisor.run("search in a log", async move {
        let mut told = LogSearch {
            instance: request.instance,
            search: number,
            hits: Vec::new(),
            count: 0,
            done: 0,
            total: None,
            ended: false,
            problem: None,
        };
        let done = match origin.source {
            LogSource::Nowhere => Ok(()),
            LogSource::Files(files) => {
                let (bus, stop) = (owner.bus.clone(), token.clone());
                let work = move || {
                    let done = in_files(&files, &request, &wanted, &bus, &stop, &mut told);
                    (told, done)
                };
                match tokio::task::spawn_blocking(work).await.map_err(internal) {
                    Ok((found, done)) => {
                        told = found;
                        done
                    }
                    Err(_) => return,
                }
            }
            LogSource::Journal { unit, user } => {
                let journal = Journal { core: &owner, unit: &unit, user };
                tokio::select! {
                    () = token.cancelled() => return,
                    done = in_journal(&journal, &request, &wanted, &mut told) => done,
                }
            }
        };
        if token.is_cancelled() {
            return;
        }
        told.ended = true;
        told.problem = done.err();
        owner.bus.send(AppEvent::LogSearch(told));
        let mut searches = owner.serverlogs.searches.lock().unwrap_or_else(PoisonError::into_inner);
        searches.retain(|(_, each, _)| *each != number);
    });
    Ok(number)
}

/// Ends the search in a log.
pub(super) fn stop(core: &Core, id: InstanceId) {
    cancel(&core.serverlogs.searches, id);
}

/// Blocks.
fn in_files(
    files: &[std::path::PathBuf],
    request: &FindRequest,
    wanted: &Wanted,
    bus: &Bus,
    stop: &CancellationToken,
    told: &mut LogSearch,
) -> Result<()> {
    let parts = Parts::open(files)?;
    let Some(end) = parts.end() else { return Ok(()) };
    let first = match request.from {
        Some(at) => parts.seek(at, &*wanted.clock)?.unwrap_or(end),
        None => (0, 0),
    };
    let last = match request.to {
        Some(at) => parts.seek(at.plus(1), &*wanted.clock)?.unwrap_or(end),
        None => end,
    };
    let before = |place: (usize, u64)| {
        parts.0[..place.0].iter().map(|part| part.size).sum::<u64>() + place.1
    };
    told.total = Some(before(last).saturating_sub(before(first)));
    let mut last_told = Instant::now();
    let hits = search::find(&parts, (first, last), wanted, |hits| {
        if last_told.elapsed() >= TELL_EVERY {
            last_told = Instant::now();
            take(told, hits);
            bus.send(AppEvent::LogSearch(told.clone()));
        }
        !stop.is_cancelled()
    })?;
    take(told, &hits);
    Ok(())
}

fn take(told: &mut LogSearch, hits: &Hits) {
    told.hits.clone_from(&hits.places);
    (told.count, told.done) = (hits.count, hits.done);
}

async fn in_journal(
    journal: &Journal<'_>,
    request: &FindRequest,
    wanted: &Wanted,
    told: &mut LogSearch,
) -> Result<()> {
    let mut reading = journal.read(&journal::From::End, false)?;
    let mut last_told = Instant::now();
    while let Some(line) = reading.next(journal.core).await? {
        told.done += line.text.len() as u64 + line.cut;
        if request.from.is_some_and(|from| line.at.is_some_and(|at| at < from)) {
            break;
        }
        let late = request.to.is_some_and(|to| line.at.is_some_and(|at| at > to));
        if !late && line.level >= wanted.least && holds(&line, wanted) {
            told.count += 1;
            if told.hits.len() < MOST_HITS {
                told.hits.push(line.place);
            }
        }
        if last_told.elapsed() >= TELL_EVERY {
            last_told = Instant::now();
            journal.core.bus.send(AppEvent::LogSearch(told.clone()));
        }
    }
    Ok(())
}

fn holds(line: &LogLine, wanted: &Wanted) -> bool {
    let is_in = |text: &str| wanted.pattern.is_match(text.as_bytes());
    is_in(&line.text) || line.fields.iter().any(|(_, value)| is_in(value))
}

/// The newest lines that hold a text, newest first, looked for a certain way back only.
///
/// # Errors
/// As a page.
pub(super) async fn newest(
    core: &Core,
    instance: InstanceId,
    text: &str,
    most: usize,
) -> Result<Vec<LogLine>> {
    let pattern = search::pattern(text)
        .map_err(|error| WireError::new(ErrorCode::Internal).detail(error.to_string()))?;
    let wanted = Wanted { pattern, least: LineLevel::Debug, clock: core.config.clock.clone() };
    match origin::of(core, instance).await?.source {
        LogSource::Nowhere => Ok(Vec::new()),
        LogSource::Files(files) => {
            let work = move || {
                let parts = Parts::open(&files)?;
                let Some(end) = parts.end() else { return Ok(Vec::new()) };
                let hits = search::find(&parts, ((0, 0), end), &wanted, |hits| {
                    hits.places.len() < most && hits.done < BACK
                })?;
                let sieve = Sieve { least: LineLevel::Debug, limit: 1, clock: &*wanted.clock };
                let mut lines = Vec::new();
                for place in hits.places.iter().take(most).filter_map(|text| Place::parse(text)) {
                    let Some(index) = parts.find(place) else { continue };
                    lines.extend(page::after(&parts, (index, place.at), &sieve)?.lines);
                }
                Ok(lines)
            };
            tokio::task::spawn_blocking(work).await.map_err(internal)?
        }
        LogSource::Journal { unit, user } => {
            let journal = Journal { core, unit: &unit, user };
            let mut lines = journal.page(&journal::From::End, LineLevel::Debug, 5000).await?.lines;
            lines.retain(|line| holds(line, &wanted));
            lines.reverse();
            lines.truncate(most);
            Ok(lines)
        }
    }
}
