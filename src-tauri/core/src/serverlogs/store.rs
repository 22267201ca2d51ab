use corral_contract::InstanceId;

use crate::{
    Result,
    db::{Db, failed},
};

/// The file that the user named.
pub(super) async fn file(db: &Db, instance: InstanceId) -> Result<Option<String>> {
    sqlx::query_scalar("SELECT path FROM server_log WHERE instance_id = ?")
        .bind(instance.0)
        .fetch_optional(db.read())
        .await
        .map_err(failed)
}

/// Keeps the file that the user named, or forgets it.
pub(super) async fn set_file(db: &Db, instance: InstanceId, path: Option<&str>) -> Result<()> {
    let mut transaction = db.write().await?;
    match path {
        Some(path) => {
            sqlx::query(
                "INSERT INTO server_log (instance_id, path) VALUES (?, ?)
                 ON CONFLICT (instance_id) DO UPDATE SET path = excluded.path",
            )
            .bind(instance.0)
            .bind(path)
            .execute(&mut *transaction)
            .await
        }
        None => {
            sqlx::query("DELETE FROM server_log WHERE instance_id = ?")
                .bind(instance.0)
                .execute(&mut *transaction)
                .await
        }
    }
    .map_err(failed)?;
    transaction.commit().await.map_err(failed)
}
