//! Figures by the hour in the database.

use sqlx::{Row, sqlite::SqliteRow};

use crate::{
    Result,
    db::{Db, failed},
    downloads::hours::Tally,
};

/// Adds to an hour (since 1970) and forgets those before `oldest`.
pub(in crate::downloads) async fn add(
    db: &Db,
    hour: i64,
    tally: &Tally,
    oldest: i64,
) -> Result<()> {
    let mut transaction = db.write().await?;
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    sqlx::query(
        "INSERT INTO download_hour (hour, bytes, started, waited_ms, done, failed, longest)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (hour) DO UPDATE SET
             bytes = bytes + excluded.bytes, started = started + excluded.started,
             waited_ms = waited_ms + excluded.waited_ms, done = done + excluded.done,
             failed = failed + excluded.failed, longest = MAX(longest, excluded.longest)",
    )
    .bind(hour)
    .bind(number(tally.bytes))
    .bind(tally.started)
    .bind(number(tally.waited_ms))
    .bind(tally.done)
    .bind(tally.failed)
    .bind(tally.longest)
    .execute(&mut *transaction)
    .await
    .map_err(failed)?;
    sqlx::query("DELETE FROM download_hour WHERE hour < ?")
        .bind(oldest)
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
    transaction.commit().await.map_err(failed)
}

/// Hours from `first` on, oldest first; those without anything are missing.
pub(in crate::downloads) async fn since(db: &Db, first: i64) -> Result<Vec<(i64, Tally)>> {
    let rows = sqlx::query(
        "SELECT hour, bytes, started, waited_ms, done, failed, longest
         FROM download_hour WHERE hour >= ? ORDER BY hour",
    )
    .bind(first)
    .fetch_all(db.read())
    .await
    .map_err(failed)?;
    Ok(rows.iter().map(read).collect())
}

fn read(row: &SqliteRow) -> (i64, Tally) {
    let number = |name: &str| u64::try_from(row.get::<i64, _>(name)).unwrap_or(0);
    let small = |name: &str| u32::try_from(number(name)).unwrap_or(u32::MAX);
    let tally = Tally {
        bytes: number("bytes"),
        started: small("started"),
        waited_ms: number("waited_ms"),
        done: small("done"),
        failed: small("failed"),
        longest: small("longest"),
    };
    (row.get("hour"), tally)
}
