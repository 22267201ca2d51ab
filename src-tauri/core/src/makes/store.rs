//! Names that were ordered and not seen yet.

use corral_contract::{InstanceId, Timestamp};
use sqlx::SqliteConnection;

use crate::{Core, Result, db::failed};

/// An order that no sync saw for so long came to nothing, ms.
const FORGOTTEN: i64 = 24 * 3600 * 1000;

/// Notes that a model of this name was ordered, before the server is asked for it.
///
/// # Errors
/// Database errors.
pub(crate) async fn order(core: &Core, instance: InstanceId, key: &str, note: &str) -> Result<()> {
    let mut transaction = core.db.write().await?;
    sqlx::query(
        "INSERT INTO made (instance_id, key, note, at) VALUES (?, ?, ?, ?)
         ON CONFLICT (instance_id, key) DO UPDATE SET note = excluded.note, at = excluded.at",
    )
    .bind(instance.0)
    .bind(key)
    .bind(note)
    .bind(core.now().0)
    .execute(&mut *transaction)
    .await
    .map_err(failed)?;
    transaction.commit().await.map_err(failed)
}

/// The order came to nothing.
///
/// # Errors
/// Database errors.
pub(crate) async fn forget(core: &Core, instance: InstanceId, key: &str) -> Result<()> {
    let mut transaction = core.db.write().await?;
    take(&mut transaction, instance, key).await?;
    transaction.commit().await.map_err(failed)
}

/// Takes an order away and answers its note, when there was one.
///
/// # Errors
/// Database errors.
pub(crate) async fn take(
    connection: &mut SqliteConnection,
    instance: InstanceId,
    key: &str,
) -> Result<Option<String>> {
    sqlx::query_scalar("DELETE FROM made WHERE instance_id = ? AND key = ? RETURNING note")
        .bind(instance.0)
        .bind(key)
        .fetch_optional(connection)
        .await
        .map_err(failed)
}

/// After a crash an order stays until a sync sees its model; one that nothing came of goes.
///
/// # Errors
/// Database errors.
pub(crate) async fn recover(core: &Core) -> Result<()> {
    let before: Timestamp = core.now().plus(-FORGOTTEN);
    let mut transaction = core.db.write().await?;
    sqlx::query("DELETE FROM made WHERE at < ?")
        .bind(before.0)
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
    transaction.commit().await.map_err(failed)
}
