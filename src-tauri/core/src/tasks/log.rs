//! The log of one task: a plain text file, a line per step.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
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
pub struct TaskLog(Mutex<Option<File>>);

impl TaskLog {
    /// A log that cannot be made is left out: the task itself goes on.
    pub(super) fn create(path: PathBuf) -> Self {
        let open = || File::options().create(true).append(true).open(&path);
        let made = open().or_else(|error| match (error.kind(), path.parent()) {
            (std::io::ErrorKind::NotFound, Some(folder)) => {
                std::fs::create_dir_all(folder).and_then(|()| open())
            }
            _ => Err(error),
        });
        if let Err(error) = &made {
            tracing::warn!(%error, "no log file for a task");
        }
        TaskLog(Mutex::new(made.ok()))
    }

    /// Appends one line with its time. A full disk loses the line, not the task.
    pub fn line(&self, at: Timestamp, level: Level, text: &str) {
        let time = chrono::DateTime::from_timestamp_millis(at.0)
            .map(|time| time.to_rfc3339_opts(chrono::SecondsFormat::Millis, true))
            .unwrap_or_default();
        let text = crate::logs::redact(text).replace('\n', "\n    ");
        let line = format!("{time} {} {text}\n", level.as_str());
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = file.as_mut() {
            // Nothing sensible is left to do when even the log cannot be written.
            let _ = file.write_all(line.as_bytes());
        }
    }
}

/// Whole lines from or before a byte, at most [`PAGE`] bytes of them.
///
/// # Errors
/// `FILE_SYSTEM` for anything but a missing file.
pub(super) async fn read(path: PathBuf, request: LogRequest, growing: bool) -> Result<LogPage> {
    tokio::task::spawn_blocking(move || page(&path, request, growing))
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
