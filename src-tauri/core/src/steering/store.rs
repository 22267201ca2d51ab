use corral_contract::InstanceId;

use crate::{
    Core, Result,
    db::{Db, failed},
};

/// Whether the user allowed it for good.
pub(super) async fn allowed(db: &Db, id: InstanceId) -> Result<bool> {
    let found: Option<i64> =
        sqlx::query_scalar("SELECT given_at FROM steering_consent WHERE instance_id = ?")
            .bind(id.0)
            .fetch_optional(db.read())
            .await
            .map_err(failed)?;
    Ok(found.is_some())
}

/// Keeps that he did, or that he does not any more.
pub(super) async fn allow(core: &Core, id: InstanceId, on: bool) -> Result<()> {
    let mut transaction = core.db.write().await?;
    let query = if on {
        sqlx::query(
            "INSERT INTO steering_consent (instance_id, given_at) VALUES (?, ?)
             ON CONFLICT (instance_id) DO NOTHING",
        )
        .bind(id.0)
        .bind(core.now().0)
    } else {
        sqlx::query("DELETE FROM steering_consent WHERE instance_id = ?").bind(id.0)
    };
    query.execute(&mut *transaction).await.map_err(failed)?;
    transaction.commit().await.map_err(failed)
}
