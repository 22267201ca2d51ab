//! Lines of a log into a file, without what nobody else may read.

use std::{
    io::{BufWriter, Write},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use corral_contract::{
    ErrorCode, Timestamp, WireError,
    models::OpRef,
    serverlogs::{ExportLog, LineLevel, LogLine},
    tasks::{Figures, TaskKind},
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{
    journal::{self, Journal},
    origin, page,
    page::Sieve,
    parts::{Parts, Place},
};
use crate::{
    Core, Result,
    clock::Clock,
    instances, logs,
    steering::LogSource,
    tasks::{self, NewTask, Task},
};

/// Between two looks at how far it is.
const LOOK_EVERY: Duration = Duration::from_millis(250);
const AT_ONCE: usize = 500;

/// Begins it.
///
/// # Errors
/// `NOT_FOUND`, `INVALID_INPUT` about `path`, `NOT_FOUND` of a log that is nowhere.
pub(super) async fn begin(core: &Core, request: ExportLog) -> Result<OpRef> {
    let path = PathBuf::from(request.path.trim());
    if !path.is_absolute() || path.file_name().is_none() {
        return Err(WireError::field("path", "notAbsolute"));
    }
    let name = instances::view(core, request.instance).await?.name;
    let source = origin::of(core, request.instance).await?.source;
    if source == LogSource::Nowhere {
        return Err(WireError::new(ErrorCode::NotFound).with("instance", request.instance));
    }
    let new = NewTask {
        kind: TaskKind::LogExport,
        instance: Some(request.instance),
        model: None,
        target: name,
        can_cancel: true,
    };
    let task = tasks::begin(core, new).await?;
    let id = task.id();
    let owner = core.clone();
    core.supervisor.run("export of a log", async move {
        let done = perform(&owner, &request, path, source, &task).await;
        task.finish(&done).await;
    });
    Ok(OpRef { task: id })
}

async fn perform(
    core: &Core,
    request: &ExportLog,
    path: PathBuf,
    source: LogSource,
    task: &Task,
) -> Result<()> {
    task.phase("writing");
    let token = task.token();
    let written = match source {
        LogSource::Files(files) => {
            let (done, total) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
            let job = Files {
                files,
                path,
                least: request.least,
                from: request.from,
                to: request.to,
                clock: core.config.clock.clone(),
                done: done.clone(),
                total: total.clone(),
                token: token.clone(),
            };
            let mut work = tokio::task::spawn_blocking(move || job.write());
            loop {
                tokio::select! {
                    written = &mut work => break written.map_err(|error| {
                        WireError::new(ErrorCode::Internal).detail(error.to_string())
                    })??,
                    () = tokio::time::sleep(LOOK_EVERY) => {
                        let (done, total) =
                            (done.load(Ordering::Relaxed), total.load(Ordering::Relaxed));
                        task.figures(Figures { done, total, speed: None });
                    }
                }
            }
        }
        LogSource::Journal { unit, user } => {
            let journal = Journal { core, unit: &unit, user };
            tokio::select! {
                () = token.cancelled() => return Err(WireError::new(ErrorCode::Cancelled)),
                written = of_journal(&journal, request, &path) => written?,
            }
        }
        LogSource::Nowhere => 0,
    };
    task.note(format!("{written} lines written"));
    Ok(())
}

struct Files {
    files: Vec<PathBuf>,
    path: PathBuf,
    least: LineLevel,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    clock: Arc<dyn Clock>,
    done: Arc<AtomicU64>,
    total: Arc<AtomicU64>,
    token: CancellationToken,
}

impl Files {
    /// Writes beside the wanted file and gives it its name at the end. Blocks.
    fn write(&self) -> Result<u64> {
        let parts = Parts::open(&self.files)?;
        self.total.store(parts.bytes(), Ordering::Relaxed);
        let mut out = Out::new(&self.path)?;
        let sieve = Sieve { least: self.least, limit: AT_ONCE, clock: &*self.clock };
        let mut at = match self.from {
            Some(from) => parts.seek(from, &*self.clock)?,
            None => Some((0, 0)),
        };
        while let Some(from) = at {
            if self.token.is_cancelled() {
                return Err(WireError::new(ErrorCode::Cancelled));
            }
            let taken = page::after(&parts, from, &sieve)?;
            let late = |line: &LogLine| self.to.is_some_and(|to| line.at.is_some_and(|at| at > to));
            for line in taken.lines.iter().filter(|line| !late(line)) {
                out.line(line)?;
            }
            // Past the end of what is wanted everything is later.
            if taken.lines.last().is_some_and(late) {
                break;
            }
            let next = taken.later.as_deref().and_then(Place::parse);
            at = next
                .and_then(|next| Some((parts.find(next)?, next.at)))
                .filter(|next| *next > from);
            let before: u64 = parts.0[..from.0].iter().map(|part| part.size).sum();
            self.done.store(before + at.map_or(from.1, |at| at.1), Ordering::Relaxed);
        }
        out.keep()
    }
}

async fn of_journal(journal: &Journal<'_>, request: &ExportLog, path: &Path) -> Result<u64> {
    let (lines, mut rest) = mpsc::channel::<LogLine>(1000);
    let path = path.to_owned();
    let writing = tokio::task::spawn_blocking(move || {
        let mut out = Out::new(&path)?;
        while let Some(line) = rest.blocking_recv() {
            out.line(&line)?;
        }
        Ok(out)
    });
    let from = request.from.unwrap_or(Timestamp(0));
    let mut reading = journal.read(&journal::From::Time(from), false)?;
    while let Some(line) = reading.next(journal.core).await? {
        if request.to.is_some_and(|to| line.at.is_some_and(|at| at > to)) {
            break;
        }
        if line.level >= request.least && lines.send(line).await.is_err() {
            // The writer ended with an error of its own.
            break;
        }
    }
    drop(lines);
    let internal = |error: tokio::task::JoinError| {
        WireError::new(ErrorCode::Internal).detail(error.to_string())
    };
    let out: Result<Out> = writing.await.map_err(internal)?;
    let out = out?;
    tokio::task::spawn_blocking(move || out.keep()).await.map_err(internal)?
}

/// A file that has its name only once it is whole.
struct Out {
    file: BufWriter<tempfile::NamedTempFile>,
    path: PathBuf,
    written: u64,
}

impl Out {
    fn new(path: &Path) -> Result<Out> {
        let folder = path.parent().unwrap_or(Path::new("/"));
        let file = tempfile::Builder::new().prefix(".corral-").tempfile_in(folder);
        let file = file.map_err(|error| failed(path, &error))?;
        Ok(Out { file: BufWriter::new(file), path: path.to_owned(), written: 0 })
    }

    fn line(&mut self, line: &LogLine) -> Result<()> {
        let text = logs::redact(&written(line));
        writeln!(self.file, "{text}").map_err(|error| failed(&self.path, &error))?;
        self.written += 1;
        Ok(())
    }

    fn keep(self) -> Result<u64> {
        let Out { file, path, written } = self;
        let file = file.into_inner().map_err(|error| failed(&path, error.error()))?;
        file.persist(&path).map_err(|error| failed(&path, &error.error))?;
        Ok(written)
    }
}

/// A line as it is written into a file, and among the lines of an incident.
pub(super) fn written(line: &LogLine) -> String {
    let time = line.at.and_then(|at| chrono::DateTime::from_timestamp_millis(at.0));
    let time = time.map(|time| time.to_rfc3339_opts(chrono::SecondsFormat::Millis, true));
    let mut text = format!(
        "{} {} {}",
        time.as_deref().unwrap_or("-"),
        line.level.as_str().to_ascii_uppercase(),
        line.text.replace('\n', " ")
    );
    for (name, value) in &line.fields {
        text.push_str(&format!(" {name}={value:?}"));
    }
    text
}

fn failed(path: &Path, error: &std::io::Error) -> WireError {
    WireError::new(ErrorCode::FileSystem).with("path", path.display()).detail(error.to_string())
}
