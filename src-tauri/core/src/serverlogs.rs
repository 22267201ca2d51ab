//! What servers write about themselves, read where it lies and never as a whole: pages from either
//! end, what is added, a search, a copy without secrets.
//!
//! Nothing is kept of it: every answer is read anew, so that rotation and a log that somebody cut
//! need no bookkeeping.

use std::{
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use corral_contract::{
    ErrorCode, InstanceId, WireError,
    command::Nothing,
    instances::InstanceRef,
    models::OpRef,
    serverlogs::{
        ExportLog, FindRequest, FollowRequest, LineLevel, LinePage, LogLine, LogOrigin, MOST_LINES,
        PageRequest, SearchRef, SetFile, call,
    },
};
use tokio_util::sync::CancellationToken;

use crate::{Core, Result, instances, logs, router::Handle, steering::LogSource};

mod export;
mod follow;
mod hunt;
mod journal;
mod line;
mod origin;
mod page;
mod parts;
mod search;
mod store;

use journal::Journal;
use page::{Sieve, Taken};
use parts::{Parts, Place};

/// Lines of a page when nobody says how many.
const USUAL: u32 = 200;
/// Longest path that is taken, in bytes.
const PATH_LENGTH: usize = 4096;

/// Owned by the core.
#[derive(Default)]
pub(crate) struct State {
    /// Logs that are followed, the oldest first.
    follows: Mutex<Vec<(InstanceId, CancellationToken)>>,
    /// The search in each log.
    searches: Mutex<Vec<(InstanceId, u64, CancellationToken)>>,
    last_search: AtomicU64,
}

impl State {
    fn next_search(&self) -> u64 {
        self.last_search.fetch_add(1, Ordering::Relaxed) + 1
    }
}

fn internal(error: tokio::task::JoinError) -> WireError {
    WireError::new(ErrorCode::Internal).detail(error.to_string())
}

/// The last lines of a log; empty where there is none to be read.
///
/// # Errors
/// As a page.
pub(crate) async fn tail(core: &Core, instance: InstanceId, limit: u32) -> Result<Vec<LogLine>> {
    let request = PageRequest {
        instance,
        before: None,
        after: None,
        from: None,
        least: LineLevel::Debug,
        limit,
    };
    Ok(read(core, &request).await?.lines)
}

/// A line as it is kept beside an incident: on one line, without secrets.
pub(crate) fn written(line: &LogLine) -> String {
    logs::redact(&export::written(line))
}

/// The newest lines that hold a text, newest first. Not looked for without end.
///
/// # Errors
/// As a page.
pub(crate) async fn newest_with(
    core: &Core,
    instance: InstanceId,
    text: &str,
    most: usize,
) -> Result<Vec<LogLine>> {
    hunt::newest(core, instance, text, most).await
}

async fn read(core: &Core, request: &PageRequest) -> Result<LinePage> {
    let origin = origin::of(core, request.instance).await?;
    let mut page = LinePage {
        origin: origin.view(),
        lines: Vec::new(),
        earlier: None,
        later: None,
        end: None,
        lost: false,
    };
    let limit = match request.limit {
        0 => USUAL,
        limit => limit.min(MOST_LINES),
    } as usize;
    match origin.source {
        LogSource::Nowhere => Ok(page),
        LogSource::Files(files) => {
            let (request, clock) = (request.clone(), core.config.clock.clone());
            let work = move || {
                let sieve = Sieve { least: request.least, limit, clock: &*clock };
                of_files(&files, &request, &sieve, &mut page).map(|()| page)
            };
            tokio::task::spawn_blocking(work).await.map_err(internal)?
        }
        LogSource::Journal { unit, user } => {
            let journal = Journal { core, unit: &unit, user };
            let from = match (&request.before, &request.after, request.from) {
                (Some(place), _, _) => journal::From::Before(place),
                (None, Some(place), _) => journal::From::After(place),
                (None, None, Some(at)) => journal::From::Time(at),
                (None, None, None) => journal::From::End,
            };
            match journal.page(&from, request.least, limit).await {
                Ok(taken) => {
                    page.end = match (&from, &taken.later) {
                        (journal::From::Before(_), _) | (_, Some(_)) => None,
                        _ => taken.lines.last().map(|line| line.place.clone()),
                    };
                    take(&mut page, taken);
                    Ok(page)
                }
                Err(error) if error.code == ErrorCode::ServiceMissing => {
                    page.origin.why = Some("noJournal".to_owned());
                    Ok(page)
                }
                Err(error) => Err(error),
            }
        }
    }
}

fn take(page: &mut LinePage, taken: Taken) {
    page.lines = taken.lines;
    page.earlier = taken.earlier;
    page.later = taken.later;
}

/// A page out of files. Blocks.
fn of_files(
    files: &[PathBuf],
    request: &PageRequest,
    sieve: &Sieve<'_>,
    page: &mut LinePage,
) -> Result<()> {
    let parts = Parts::open(files)?;
    page.origin.files = u32::try_from(parts.0.len()).unwrap_or(u32::MAX);
    page.origin.bytes = Some(parts.bytes());
    let Some(end) = parts.end() else {
        page.origin.why = Some("noFile".to_owned());
        page.end = Some(Place { file: 0, at: 0 }.write());
        return Ok(());
    };
    let asked = request.before.as_deref().or(request.after.as_deref());
    let place = match asked {
        Some(text) => {
            let place = Place::parse(text).ok_or_else(|| WireError::field("place", "malformed"))?;
            let found = parts.find(place).map(|index| (index, place.at));
            page.lost = found.is_none();
            found
        }
        None => None,
    };
    let taken = match (place, request.from) {
        (Some(place), _) if request.before.is_some() => page::before(&parts, place, sieve)?,
        (Some(place), _) => page::after(&parts, place, sieve)?,
        (None, Some(at)) if !page.lost => match parts.seek(at, sieve.clock)? {
            Some(place) => page::after(&parts, place, sieve)?,
            None => page::before(&parts, end, sieve)?,
        },
        (None, _) => Taken { later: None, ..page::before(&parts, end, sieve)? },
    };
    take(page, taken);
    if page.later.is_none() {
        page.end = page::end(&parts)?.map(Place::write);
    }
    Ok(())
}

impl Handle<call::Page> for Core {
    async fn handle(&self, request: PageRequest) -> Result<LinePage> {
        read(self, &request).await
    }
}

impl Handle<call::Follow> for Core {
    async fn handle(&self, request: FollowRequest) -> Result<Nothing> {
        follow::begin(self, request).await?;
        Ok(Nothing {})
    }
}

impl Handle<call::Unfollow> for Core {
    async fn handle(&self, InstanceRef { id }: InstanceRef) -> Result<Nothing> {
        follow::end(self, id);
        Ok(Nothing {})
    }
}

impl Handle<call::Find> for Core {
    async fn handle(&self, request: FindRequest) -> Result<SearchRef> {
        Ok(SearchRef { search: hunt::begin(self, request).await? })
    }
}

impl Handle<call::StopFind> for Core {
    async fn handle(&self, InstanceRef { id }: InstanceRef) -> Result<Nothing> {
        hunt::stop(self, id);
        Ok(Nothing {})
    }
}

impl Handle<call::ChooseFile> for Core {
    async fn handle(&self, request: SetFile) -> Result<LogOrigin> {
        let id = request.instance;
        let path = request.path.as_deref().map(str::trim).filter(|path| !path.is_empty());
        if let Some(path) = path {
            if !instances::is_local(self, id) {
                return Err(WireError::new(ErrorCode::StoreElsewhere).with("instance", id));
            }
            check_file(path).await?;
        }
        instances::view(self, id).await?;
        store::set_file(&self.db, id, path).await?;
        follow::end(self, id);
        Ok(origin::of(self, id).await?.view())
    }
}

impl Handle<call::Export> for Core {
    async fn handle(&self, request: ExportLog) -> Result<OpRef> {
        export::begin(self, request).await
    }
}

/// A file that a log may be: it need not be there yet.
async fn check_file(path: &str) -> Result<()> {
    let wrong = |reason| Err(WireError::field("path", reason).with("path", path));
    if path.len() > PATH_LENGTH {
        return wrong("tooLong");
    }
    if path.chars().any(char::is_control) {
        return wrong("controlCharacter");
    }
    if !Path::new(path).is_absolute() {
        return wrong("notAbsolute");
    }
    match tokio::fs::metadata(path).await {
        Ok(facts) if facts.is_dir() => wrong("isFolder"),
        _ => Ok(()),
    }
}

/// Ends what is running in a log.
fn cancel(searches: &Mutex<Vec<(InstanceId, u64, CancellationToken)>>, id: InstanceId) {
    let mut searches = searches.lock().unwrap_or_else(PoisonError::into_inner);
    searches.retain(|(each, _, token)| {
        if *each == id {
            token.cancel();
        }
        *each != id
    });
}
