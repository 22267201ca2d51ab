use corral_contract::InstanceId;

use crate::{
    Core, Result,
    db::{Db, failed},
};

/// What the texts are sealed for.
const PURPOSE: &str = "environment";

/// A change that has begun.
pub(super) struct Begun {
    pub(super) id: InstanceId,
    pub(super) before: String,
    pub(super) after: String,
}

/// Writes down that a change begins.
pub(super) async fn begin(core: &Core, id: InstanceId, before: &str, after: &str) -> Result<()> {
    let before = core.secrets().seal(PURPOSE, before).await?;
    let after = core.secrets().seal(PURPOSE, after).await?;
    let mut transaction = core.db.write().await?;
    sqlx::query(
        "INSERT OR REPLACE INTO environment_change (instance_id, before_text, after_text, begun_at)
         VALUES (?, ?, ?, ?)",
    )
    .bind(id.0)
    .bind(before)
    .bind(after)
    .bind(core.now().0)
    .execute(&mut *transaction)
    .await
    .map_err(failed)?;
    transaction.commit().await.map_err(failed)
}

/// Forgets a change that works or was taken back.
pub(super) async fn end(db: &Db, id: InstanceId) -> Result<()> {
    let mut transaction = db.write().await?;
    sqlx::query("DELETE FROM environment_change WHERE instance_id = ?")
        .bind(id.0)
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
    transaction.commit().await.map_err(failed)
}

/// Every change that began and did not end.
pub(super) async fn open(core: &Core) -> Result<Vec<Begun>> {
    let rows: Vec<(i64, String, String)> =
        sqlx::query_as("SELECT instance_id, before_text, after_text FROM environment_change")
            .fetch_all(core.db.read())
            .await
            .map_err(failed)?;
    let mut open = Vec::new();
    for (id, before, after) in rows {
        open.push(Begun {
            id: InstanceId(id),
            before: core.secrets().open(PURPOSE, &before).await?,
            after: core.secrets().open(PURPOSE, &after).await?,
        });
    }
    Ok(open)
}
