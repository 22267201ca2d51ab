//! Backups of the database: before a migration, daily, on demand; seven of each kind are kept.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use corral_contract::{
    ErrorCode, Timestamp, WireError,
    storage::{BackupFile, StorageStatus},
};

use super::{Facts, open::FILE};
use crate::{
    Core, CoreConfig, Result,
    db::{Db, MIGRATIONS, failed},
};

const FOLDER: &str = "backups";
/// Backups kept per reason.
const KEPT: usize = 7;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// How often the worker looks whether a day is over and the mirror is out of date.
const LOOK: Duration = Duration::from_secs(60);
/// A restore that waits for the next start.
const PENDING: &str = "restore.pending";
const MIRROR: &str = "models.json";

/// Why a backup is written; part of its file name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    Daily,
    Migration,
    User,
}

impl Reason {
    fn as_str(self) -> &'static str {
        match self {
            Reason::Daily => "daily",
            Reason::Migration => "migration",
            Reason::User => "user",
        }
    }
}

fn io(error: std::io::Error) -> WireError {
    let full = error.kind() == std::io::ErrorKind::StorageFull;
    let code = if full { ErrorCode::DiskFull } else { ErrorCode::FileSystem };
    WireError::new(code).detail(error.to_string())
}

/// Writes one; consistent while others write.
///
/// # Errors
/// `DISK_FULL`, `FILE_SYSTEM`, database errors.
pub(crate) async fn write(db: &Db, config: &CoreConfig, reason: Reason) -> Result<BackupFile> {
    let folder = config.data_dir.join(FOLDER);
    std::fs::create_dir_all(&folder).map_err(io)?;
    let at = config.clock.now();
    let name = format!("corral-{}-{}.db", at.0, reason.as_str());
    let file = folder.join(&name);
    let half = folder.join(format!("{name}.half"));
    // Left by a crash in the middle of the last try; SQLite refuses to write over a file.
    let _ = std::fs::remove_file(&half);
    sqlx::query("VACUUM INTO ?")
        .bind(half.to_string_lossy().into_owned())
        .execute(db.writer())
        .await
        .map_err(failed)?;
    std::fs::rename(&half, &file).map_err(io)?;
    thin_out(config, reason);
    Ok(BackupFile { name, at, bytes: std::fs::metadata(&file).map_err(io)?.len() })
}

fn thin_out(config: &CoreConfig, reason: Reason) {
    let suffix = format!("-{}.db", reason.as_str());
    let old = newest_first(config)
        .into_iter()
        .filter(|file| file.to_string_lossy().ends_with(&suffix))
        .skip(KEPT);
    for file in old {
        if let Err(error) = std::fs::remove_file(&file) {
            tracing::warn!(%error, "old backup not removed");
        }
    }
}

/// Backup files, newest first.
pub(super) fn newest_first(config: &CoreConfig) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(config.data_dir.join(FOLDER)) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| time_of(path).is_some())
        .collect();
    files.sort_by_key(|path| std::cmp::Reverse(time_of(path)));
    files
}

/// The time in `corral-<ms>-<reason>.db`.
fn time_of(path: &Path) -> Option<i64> {
    let name = path.file_name()?.to_str()?;
    let (time, _) = name.strip_prefix("corral-")?.strip_suffix(".db")?.split_once('-')?;
    time.parse().ok()
}

/// Whether a migration waits that this file has not seen; a new file has seen none.
///
/// # Errors
/// Database errors.
pub(super) async fn migration_pending(db: &Db) -> Result<bool> {
    let tables: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = '_sqlx_migrations'",
    )
    .fetch_one(db.writer())
    .await
    .map_err(failed)?;
    if tables == 0 {
        return Ok(false);
    }
    let applied: i64 = sqlx::query_scalar("SELECT count(*) FROM _sqlx_migrations")
        .fetch_one(db.writer())
        .await
        .map_err(failed)?;
    Ok((applied as usize) < MIGRATIONS.iter().count())
}

/// Remembers which backup to put in place at the next start.
///
/// # Errors
/// `NOT_FOUND` for a name that is not in the list, `FILE_SYSTEM`.
pub(super) async fn prepare_restore(config: &CoreConfig, name: &str) -> Result<()> {
    // Only names from the list: what the caller sends never becomes a path.
    let known = newest_first(config)
        .iter()
        .any(|path| path.file_name().and_then(|name| name.to_str()) == Some(name));
    if !known {
        return Err(WireError::new(ErrorCode::NotFound).with("name", name));
    }
    std::fs::write(config.data_dir.join(PENDING), name).map_err(io)
}

/// Puts a prepared restore in place; the file it replaces is set aside.
///
/// # Errors
/// `FILE_SYSTEM`; the old file is then still there.
pub(super) async fn place_restore(config: &CoreConfig) -> Result<()> {
    let marker = config.data_dir.join(PENDING);
    let Ok(name) = std::fs::read_to_string(&marker) else { return Ok(()) };
    let source = config.data_dir.join(FOLDER).join(name.trim());
    let known = newest_first(config).contains(&source);
    if known {
        let file = config.data_dir.join(FILE);
        let half = config.data_dir.join("corral.restore.half");
        std::fs::copy(&source, &half).map_err(io)?;
        if file.exists() {
            let aside = format!("corral.replaced-{}.db", config.clock.now().0);
            std::fs::rename(&file, config.data_dir.join(aside)).map_err(io)?;
        }
        for suffix in ["-wal", "-shm"] {
            // Belongs to the replaced file and would be applied to the restored one.
            let _ = std::fs::remove_file(format!("{}{suffix}", file.display()));
        }
        std::fs::rename(&half, &file).map_err(io)?;
        tracing::info!(backup = %name, "database restored from a backup");
    }
    std::fs::remove_file(&marker).map_err(io)
}

/// The current status with all backups.
///
/// # Errors
/// None today; the folder not being readable shows as no backups.
pub(super) async fn status(config: &CoreConfig, facts: Facts) -> Result<StorageStatus> {
    let file = config.data_dir.join(FILE);
    let backups = newest_first(config)
        .into_iter()
        .filter_map(|path| {
            Some(BackupFile {
                name: path.file_name()?.to_str()?.to_owned(),
                at: Timestamp(time_of(&path)?),
                bytes: std::fs::metadata(&path).ok()?.len(),
            })
        })
        .collect();
    Ok(StorageStatus {
        path: file.to_string_lossy().into_owned(),
        bytes: std::fs::metadata(&file).map_or(0, |facts| facts.len()),
        read_only: facts.read_only,
        problem: facts.problem,
        set_aside: facts.set_aside,
        backups,
        restore_pending: std::fs::read_to_string(config.data_dir.join(PENDING)).ok(),
    })
}

/// Daily backup and the mirror of the model list, as long as Corral runs.
pub(super) fn start(core: &Core) {
    let owner = core.clone();
    core.supervisor.spawn("backup", move |token| {
        let core = owner.clone();
        async move {
            loop {
                let last = newest_first(&core.config)
                    .iter()
                    .filter(|file| file.to_string_lossy().ends_with("-daily.db"))
                    .find_map(|file| time_of(file));
                let now = core.now();
                // A clock that was set back must not stop backups for ever.
                let due =
                    last.is_none_or(|last| !(0..DAY_MS).contains(&now.since(Timestamp(last))));
                if due {
                    match write(&core.db, &core.config, Reason::Daily).await {
                        Ok(_) => core.supervisor.well("backup"),
                        Err(error) => core.supervisor.degraded("backup", error),
                    }
                }
                write_mirror(&core).await;
                tokio::select! {
                    () = token.cancelled() => return Ok(()),
                    () = tokio::time::sleep(LOOK) => {}
                }
            }
        }
    });
}

/// Writes the model list as JSON beside the database, so that it can be read without it.
pub(super) async fn write_mirror(core: &Core) {
    let written = async {
        let rows = crate::models::mirror(core).await?;
        let folder = core.config.data_dir.clone();
        let text = crate::db::json(&rows);
        tokio::task::spawn_blocking(move || {
            let mut file = tempfile::NamedTempFile::new_in(&folder)?;
            std::io::Write::write_all(&mut file, text.as_bytes())?;
            file.persist(folder.join(MIRROR)).map_err(|error| error.error)?;
            Ok(())
        })
        .await
        .map_err(|error| WireError::new(ErrorCode::Internal).detail(error.to_string()))?
        .map_err(io)
    }
    .await;
    if let Err(error) = written {
        tracing::warn!(%error, "mirror of the model list not written");
    }
}
