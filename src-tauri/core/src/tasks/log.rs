//! The log of one task: a plain text file, a line per step.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use corral_contract::{
    ErrorCode, Timestamp, WireError,
    tasks::{LogPage, LogRequest},
};

use crate::Result;

/// Most that one page of a log carries, in bytes.
const PAGE: u64 = 256 * 1024;

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    Info,
    /// Something went wrong; the task goes on.
    Warn,
    /// What ended the task.
    Error,
}

impl Level {
    fn as_str(self) -> &'static str {
        match self {
            Level::Info => "INFO",
            Level::Warn => "WARN",
            Level::Error => "ERROR",
        }
    }
}

/// Where a task writes down what it does. Secrets are taken out of every line.
pub struct TaskLog(Mutex<Place>);

/// Where its lines go.
enum Place {
    File(File),
    /// They are kept until [`TaskLog::write`].
    Kept(PathBuf, String),
    /// No file could be made, and the task itself goes on; or the task is over.
    Nowhere,
}

impl Place {
    fn open(path: &Path) -> Place {
        let open = || File::options().create(true).append(true).open(path);
        let made = open().or_else(|error| match (error.kind(), path.parent()) {
            (std::io::ErrorKind::NotFound, Some(folder)) => {
                std::fs::create_dir_all(folder).and_then(|()| open())
            }
            _ => Err(error),
        });
        match made {
            Ok(file) => Place::File(file),
            Err(error) => {
                tracing::warn!(%error, "no log file for a task");
                Place::Nowhere
            }
        }
    }

    fn add(&mut self, lines: &str) {
        match self {
            Place::File(file) => {
                // Nothing sensible is left to do when even the log cannot be written.
                let _ = file.write_all(lines.as_bytes());
            }
            Place::Kept(_, text) => text.push_str(lines),
            Place::Nowhere => {}
        }
    }
}

impl TaskLog {
    /// A log whose every line is in its file at once. Blocks for the file to be made.
    pub(super) fn create(path: &Path) -> Self {
        TaskLog(Mutex::new(Place::open(path)))
    }

    /// The log of one of many short tasks: a file for each of them costs more than what they do. Its
    /// lines are kept until somebody reads them, or until they are in the row of the task.
    pub(super) fn later(path: PathBuf) -> Self {
        TaskLog(Mutex::new(Place::Kept(path, String::new())))
    }

    /// Writes what was kept; lines that come afterwards are written at once. Blocks.
    pub(super) fn write(&self) {
        let mut place = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Place::Kept(path, text) = &mut *place {
            let text = std::mem::take(text);
            *place = Place::open(path);
            place.add(&text);
        }
    }

    /// What is kept, to be written into the row of the task.
    pub(super) fn kept(&self) -> Option<String> {
        match &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Place::Kept(_, text) => Some(text.clone()),
            Place::File(_) | Place::Nowhere => None,
        }
    }

    /// What was kept is in the row of the task.
    pub(super) fn is_in_row(&self) {
        let mut place = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(&*place, Place::Kept(..)) {
            *place = Place::Nowhere;
        }
    }

    /// Appends one line with its time. A full disk loses the line, not the task.
    pub fn line(&self, at: Timestamp, level: Level, text: &str) {
        let time = chrono::DateTime::from_timestamp_millis(at.0)
            .map(|time| time.to_rfc3339_opts(chrono::SecondsFormat::Millis, true))
            .unwrap_or_default();
        let text = crate::logs::redact(text).replace('\n', "\n    ");
        let line = format!("{time} {} {text}\n", level.as_str());
        self.0.lock().unwrap_or_else(PoisonError::into_inner).add(&line);
    }
}

impl Drop for TaskLog {
    fn drop(&mut self) {
        // Of a task that ends otherwise than those beside it.
        self.write();
    }
}

/// Whole lines from or before a byte, at most [`PAGE`] bytes of them. The log of a task that still
/// runs grows.
///
/// # Errors
/// `FILE_SYSTEM` for anything but a missing file.
pub(super) async fn read(
    path: PathBuf,
    request: LogRequest,
    running: Option<Arc<TaskLog>>,
) -> Result<LogPage> {
    blocking(move || {
        if let Some(log) = &running {
            log.write();
        }
        page(&path, request, running.is_some())
    })
    .await
}

/// Makes the file of a log that was kept elsewhere.
///
/// # Errors
/// `FILE_SYSTEM`.
pub(super) async fn make(path: PathBuf, text: String) -> Result<()> {
    blocking(move || {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(&path, text)
    })
    .await
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| WireError::new(ErrorCode::Internal).detail(error.to_string()))?
        .map_err(|error| WireError::new(ErrorCode::FileSystem).detail(error.to_string()))
}

fn page(path: &Path, request: LogRequest, growing: bool) -> std::io::Result<LogPage> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Ok(LogPage {
                text: String::new(),
                offset: 0,
                next_offset: 0,
                total: 0,
                growing: false,
                exists: false,
            });
        }
        Err(error) => return Err(error),
    };
    let total = file.metadata()?.len();
    // A shorter file than before was replaced: start again.
    let mut offset = if request.offset > total { 0 } else { request.offset };
    let mut most = PAGE;
    if let Some(before) = request.before {
        let end = before.min(total);
        offset = end.saturating_sub(PAGE);
        most = end - offset;
    }
    file.seek(SeekFrom::Start(offset))?;
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes)?;
    if request.before.is_some()
        && offset > 0
        && let Some(end) = bytes.iter().position(|byte| *byte == b'\n')
    {
        // The line that began before belongs to the page before.
        bytes.drain(..=end);
        offset += end as u64 + 1;
    }
    let at_end = offset + bytes.len() as u64 == total;
    if (growing || !at_end)
        && let Some(end) = bytes.iter().rposition(|byte| *byte == b'\n')
    {
        bytes.truncate(end + 1);
    }
    Ok(LogPage {
        offset,
        next_offset: offset + bytes.len() as u64,
        text: String::from_utf8_lossy(&bytes).into_owned(),
        total,
        growing,
        exists: true,
    })
}
