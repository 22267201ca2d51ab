//! What is written down about the server's process, so that a Corral that was killed finds it again.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

/// A server that was or is about to be started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    /// In the environment of the process and of everything that it starts.
    pub(super) token: String,
    /// `None` until it was started.
    pub(super) pid: Option<u32>,
    /// Seconds since 1970, as the system reckons them.
    pub(super) started: Option<u64>,
    pub(super) version: String,
    pub(super) port: u16,
    /// Length of the log when it was started, in bytes.
    pub(super) log_from: u64,
}

fn path(folder: &Path) -> PathBuf {
    folder.join("server.json")
}

/// Writes it down as a whole: a crash leaves the one before or this one. Blocks.
///
/// # Errors
/// Whatever the file system says.
pub(super) fn write(folder: &Path, record: &Record) -> io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    serde_json::to_writer(&mut file, record)?;
    file.persist(path(folder)).map(|_| ()).map_err(|error| error.error)
}

/// What was written down last; `None` when there is nothing that can be read. Blocks.
pub(super) fn read(folder: &Path) -> Option<Record> {
    serde_json::from_slice(&fs::read(path(folder)).ok()?).ok()
}

/// The process is gone. Blocks.
pub(super) fn remove(folder: &Path) {
    let _ = fs::remove_file(path(folder));
}
