//! The SQLite file: how it is opened, read and written.
//!
//! One connection writes, inside `BEGIN IMMEDIATE`, so that no writer is ever refused half way;
//! up to four read beside it (WAL).

use std::{path::Path, time::Duration};

use corral_contract::{ErrorCode, WireError};
use sqlx::{
    Sqlite, SqlitePool, Transaction,
    migrate::Migrator,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use crate::Result;

/// Every migration, embedded.
pub static MIGRATIONS: Migrator = sqlx::migrate!("../../migrations");

/// How long a statement waits for another process that holds the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Pages that a reading connection keeps; negative: KiB.
const READER_CACHE: &str = "-400";

/// The database. Clones share the connections.
#[derive(Clone)]
pub struct Db {
    writer: SqlitePool,
    readers: SqlitePool,
}

impl Db {
    /// Opens `file`, which is created if missing. Migrates nothing.
    ///
    /// # Errors
    /// As sqlx says: not a database, no permission, locked.
    pub async fn open(file: &Path) -> std::result::Result<Db, sqlx::Error> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT)
            .optimize_on_close(true, None);
        Db::connect(options).await
    }

    /// An empty database in memory, for when no file can be had.
    ///
    /// # Errors
    /// Only when memory is short.
    pub async fn in_memory() -> std::result::Result<Db, sqlx::Error> {
        // One shared connection: every further connection would see another, empty database.
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .connect_with(SqliteConnectOptions::new().in_memory(true).foreign_keys(true))
            .await?;
        Ok(Db { writer: pool.clone(), readers: pool })
    }

    // A connection is a thread of ours, not a peer that may have gone: asking it whether it is still
    // there would be a second wait for every query.
    async fn connect(options: SqliteConnectOptions) -> std::result::Result<Db, sqlx::Error> {
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .connect_with(options.clone())
            .await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(4)
            .min_connections(1)
            .test_before_acquire(false)
            .connect_with(reading(options))
            .await?;
        Ok(Db { writer, readers })
    }

    /// For queries that change nothing.
    #[must_use]
    pub fn read(&self) -> &SqlitePool {
        &self.readers
    }

    /// A write transaction; waits for the one before. Dropping it rolls back.
    ///
    /// # Errors
    /// See [`failed`].
    pub async fn write(&self) -> Result<Transaction<'static, Sqlite>> {
        match self.writer.begin_with("BEGIN IMMEDIATE").await {
            // A full disk makes SQLite roll back by itself; sqlx then still counts the transaction
            // as open and would refuse every further one. Another connection does not.
            Err(sqlx::Error::InvalidSavePointStatement) => {
                let stuck = self.writer.acquire().await.map_err(failed)?;
                stuck.close().await.map_err(failed)?;
                self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(failed)
            }
            begun => begun.map_err(failed),
        }
    }

    /// The writing connection itself, for statements that may not run inside a transaction.
    #[must_use]
    pub fn writer(&self) -> &SqlitePool {
        &self.writer
    }

    /// Closes all connections after their running statements.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// A connection that only reads. What it reads is in the system's file cache anyway, so a copy of
/// two megabytes in each of them would only be memory.
fn reading(options: SqliteConnectOptions) -> SqliteConnectOptions {
    options
        .pragma("query_only", "on")
        .pragma("cache_size", READER_CACHE)
        .optimize_on_close(false, None)
}

/// What a database error means to the user.
#[must_use]
pub fn failed(error: sqlx::Error) -> WireError {
    let code = match &error {
        sqlx::Error::Database(inner) => {
            // Primary result codes of SQLite; the extended ones carry them in their low byte.
            match inner.code().and_then(|code| code.parse::<u32>().ok()).map(|code| code & 0xff) {
                Some(5 | 6) => ErrorCode::DatabaseBusy,
                Some(8 | 14 | 23) => ErrorCode::DatabaseReadOnly,
                Some(13) => ErrorCode::DiskFull,
                Some(11 | 26) => ErrorCode::DatabaseDamaged,
                Some(10) => ErrorCode::FileSystem,
                _ => ErrorCode::Internal,
            }
        }
        sqlx::Error::RowNotFound => ErrorCode::NotFound,
        sqlx::Error::PoolTimedOut => ErrorCode::DatabaseBusy,
        sqlx::Error::PoolClosed => ErrorCode::ShuttingDown,
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => ErrorCode::StructTransform,
        sqlx::Error::Io(_) => ErrorCode::FileSystem,
        _ => ErrorCode::Internal,
    };
    WireError::new(code).detail(error.to_string())
}

/// JSON text of a value that is stored but not searched.
pub(crate) fn json(value: &impl serde::Serialize) -> String {
    // Our own types: maps have text keys and floats are finite.
    serde_json::to_string(value).expect("the contract's types serialise")
}

/// The value of a stored JSON text; a text of another version counts as absent.
pub(crate) fn from_json<T: serde::de::DeserializeOwned>(text: Option<&str>) -> Option<T> {
    text.and_then(|text| serde_json::from_str(text).ok())
}
