//! Corral's own database: opening it whatever state it is in, backups, and bringing one back.

use std::sync::Mutex;

use corral_contract::{
    WireError,
    command::Nothing,
    storage::{BackupFile, RestoreBackup, StorageStatus, call},
};

use crate::{Core, Result, db::Db, router::Handle};

mod backup;
mod open;

/// What opening found.
pub(crate) struct Opened {
    pub(crate) db: Db,
    pub(crate) facts: Facts,
}

/// How the database is, as far as it does not change by itself.
#[derive(Debug, Clone, Default)]
pub(crate) struct Facts {
    /// Runs in memory or cannot be written.
    pub(crate) read_only: bool,
    pub(crate) problem: Option<WireError>,
    /// Where a damaged file was put.
    pub(crate) set_aside: Option<String>,
}

/// Owned by the core.
pub(crate) struct State(Mutex<Facts>);

impl State {
    pub(crate) fn new(facts: Facts) -> Self {
        State(Mutex::new(facts))
    }
}

pub(crate) use open::open;

/// Starts the daily backup and the mirror of the model list.
pub(crate) fn start(core: &Core) {
    backup::start(core);
}

/// Last words before the database is closed.
pub(crate) async fn stop(core: &Core) {
    backup::write_mirror(core).await;
}

/// How the database is now.
///
/// # Errors
/// `FILE_SYSTEM` when the data folder cannot be read.
pub(crate) async fn status(core: &Core) -> Result<StorageStatus> {
    let facts = core.storage.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
    backup::status(&core.config, facts).await
}

impl Handle<call::Status> for Core {
    async fn handle(&self, _: Nothing) -> Result<StorageStatus> {
        status(self).await
    }
}

impl Handle<call::Backup> for Core {
    async fn handle(&self, _: Nothing) -> Result<BackupFile> {
        backup::write(&self.db, &self.config, backup::Reason::User).await
    }
}

impl Handle<call::Restore> for Core {
    async fn handle(&self, RestoreBackup { name }: RestoreBackup) -> Result<StorageStatus> {
        backup::prepare_restore(&self.config, &name).await?;
        status(self).await
    }
}
