//! Opening the database in whatever state the last run, the disk or the user left it.
//!
//! Order: a restore that was asked for is put in place; the file is checked; a damaged one is set
//! aside, never deleted, and the newest good backup is taken; without any, an empty database. If
//! the file cannot be written, the core runs on a copy in the system's temporary folder, or on an
//! empty database in memory, and says so: what is known stays visible, what is new is not kept.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use corral_contract::{ErrorCode, WireError};

use super::{Facts, Opened, backup};
use crate::{
    CoreConfig, Result,
    db::{Db, MIGRATIONS, failed},
};

/// Name of the database inside the data folder.
pub(super) const FILE: &str = "corral.db";

/// How long a file may be held by a connection that is closing, and the time between two tries.
const LET_GO: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(20);

/// See the module.
pub(crate) async fn open(config: &CoreConfig) -> Result<Opened> {
    if let Err(error) = std::fs::create_dir_all(&config.data_dir) {
        tracing::error!(%error, "no data folder");
        let problem = WireError::new(ErrorCode::DatabaseReadOnly).detail(error.to_string());
        return unwritable(None, problem).await;
    }
    restrict(&config.data_dir);
    let file = config.data_dir.join(FILE);
    if let Err(error) = backup::place_restore(config).await {
        tracing::error!(%error, "restore could not be put in place; the database stays as it is");
    }
    let mut facts = Facts::default();
    let first = match ready(config, &file).await {
        Ok(db) => return Ok(Opened { db, facts }),
        Err(error) => error,
    };
    if first.code != ErrorCode::DatabaseDamaged {
        return unwritable(Some(&file), first).await;
    }
    tracing::error!(error = %first, "database damaged, setting it aside");
    facts.set_aside = Some(set_aside(config, &file).await?.to_string_lossy().into_owned());
    facts.problem = Some(first);
    for backup in backup::newest_first(config) {
        if std::fs::copy(&backup, &file).is_ok() {
            match ready(config, &file).await {
                Ok(db) => return Ok(Opened { db, facts }),
                Err(error) => tracing::warn!(%error, ?backup, "this backup is no good either"),
            }
        }
        remove(&file).await;
    }
    match ready(config, &file).await {
        Ok(db) => Ok(Opened { db, facts }),
        Err(error) => unwritable(None, error).await,
    }
}

/// Opens, checks and migrates, with a backup before the first new migration.
async fn ready(config: &CoreConfig, file: &Path) -> Result<Db> {
    let new = !file.exists();
    let db = Db::open(file).await.map_err(failed)?;
    let migrated = async {
        if !new {
            check(&db).await?;
            if backup::migration_pending(&db).await? {
                backup::write(&db, config, backup::Reason::Migration).await?;
            }
        }
        MIGRATIONS.run(db.writer()).await.map_err(|error| match error {
            sqlx::migrate::MigrateError::Execute(error) => failed(error),
            other => WireError::new(ErrorCode::DatabaseDamaged).detail(other.to_string()),
        })?;
        // Opening succeeds on a read-only file; only a write tells.
        let probe = db.write().await?;
        probe.rollback().await.map_err(failed)
    }
    .await;
    match migrated {
        Ok(()) => Ok(db),
        Err(error) => {
            db.close().await;
            Err(error)
        }
    }
}

async fn check(db: &Db) -> Result<()> {
    let verdict: String =
        sqlx::query_scalar("PRAGMA quick_check(1)").fetch_one(db.writer()).await.map_err(failed)?;
    if verdict == "ok" {
        Ok(())
    } else {
        Err(WireError::new(ErrorCode::DatabaseDamaged).detail(verdict))
    }
}

/// Runs on a copy that may be written, or on nothing; both are gone with the process.
async fn unwritable(file: Option<&Path>, problem: WireError) -> Result<Opened> {
    tracing::error!(error = %problem, "database cannot be written, changes will not be kept");
    let copy = match file {
        Some(file) => on_a_copy(file).await,
        None => None,
    };
    let db = match copy {
        Some(db) => db,
        None => Db::in_memory().await.map_err(failed)?,
    };
    MIGRATIONS
        .run(db.writer())
        .await
        .map_err(|error| WireError::new(ErrorCode::Internal).detail(error.to_string()))?;
    let facts = Facts { read_only: true, problem: Some(problem), set_aside: None };
    Ok(Opened { db, facts })
}

/// `None` when there is nothing to copy or nowhere to copy it to.
async fn on_a_copy(file: &Path) -> Option<Db> {
    // Kept: the files must outlive this function, and the system clears its temporary folder.
    let folder = tempfile::tempdir().ok()?.keep();
    let copy = folder.join(FILE);
    std::fs::copy(file, &copy).ok()?;
    let log = PathBuf::from(format!("{}-wal", file.display()));
    if log.exists() {
        // Holds what was committed last.
        std::fs::copy(log, format!("{}-wal", copy.display())).ok()?;
    }
    Db::open(&copy).await.ok()
}

/// Renames the database and its write-ahead log beside it.
async fn set_aside(config: &CoreConfig, file: &Path) -> Result<PathBuf> {
    let stamp = config.clock.now().0;
    let target = config.data_dir.join(format!("corral.damaged-{stamp}.db"));
    let failed = |error: std::io::Error| {
        WireError::new(ErrorCode::DatabaseReadOnly).detail(error.to_string())
    };
    once_let_go(|| std::fs::rename(file, &target)).await.map_err(failed)?;
    for suffix in ["-wal", "-shm"] {
        let beside = PathBuf::from(format!("{}{suffix}", file.display()));
        let aside = PathBuf::from(format!("{}{suffix}", target.display()));
        match once_let_go(|| std::fs::rename(&beside, &aside)).await {
            // The connection that found the damage takes these with it when it closes, which may
            // be just now.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            renamed => renamed.map_err(failed)?,
        }
    }
    Ok(target)
}

async fn remove(file: &Path) {
    for suffix in ["", "-wal", "-shm"] {
        let path = format!("{}{suffix}", file.display());
        // What is not there need not go; what cannot go is found at the next open.
        let _ = once_let_go(|| std::fs::remove_file(&path)).await;
    }
}

/// Does something to a file that a connection has just let go of: one that did not open is closed
/// by a thread of its own, and until then Windows lets nobody move the file.
async fn once_let_go(act: impl Fn() -> std::io::Result<()>) -> std::io::Result<()> {
    let started = Instant::now();
    loop {
        match act() {
            Err(error) if held(&error) && started.elapsed() < LET_GO => {
                tokio::time::sleep(PAUSE).await;
            }
            done => return done,
        }
    }
}

/// ERROR_SHARING_VIOLATION; elsewhere an open file can be moved.
fn held(error: &std::io::Error) -> bool {
    cfg!(windows) && error.raw_os_error() == Some(32)
}

/// The database holds header values: only its owner may read the folder.
#[cfg(unix)]
fn restrict(folder: &Path) {
    use std::os::unix::fs::PermissionsExt;
    if let Err(error) = std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700)) {
        tracing::warn!(%error, "data folder keeps its permissions");
    }
}

/// Windows profiles are readable by their owner only.
#[cfg(not(unix))]
fn restrict(_folder: &Path) {}
