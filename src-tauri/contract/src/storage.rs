//! Corral's own database and its backups.

use serde::{Deserialize, Serialize};

use crate::{Timestamp, WireError, command::Nothing, commands};

commands! { "storage";
    read Status = status(Nothing) -> StorageStatus,
    /// Writes a backup now.
    write Backup = backup(Nothing) -> BackupFile,
    /// Puts a backup in place; it takes effect when Corral starts next.
    write Restore = restore(RestoreBackup) -> StorageStatus,
}

/// How the database is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StorageStatus {
    pub path: String,
    pub bytes: u64,
    /// Nothing is lost while this holds, but nothing new is kept either.
    pub read_only: bool,
    pub problem: Option<WireError>,
    /// Where a damaged file was set aside at this start.
    pub set_aside: Option<String>,
    /// Newest first.
    pub backups: Vec<BackupFile>,
    /// A restore waits for the next start.
    pub restore_pending: Option<String>,
}

/// One backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupFile {
    /// File name inside the backup folder.
    pub name: String,
    pub at: Timestamp,
    pub bytes: u64,
}

/// Names a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoreBackup {
    pub name: String,
}
