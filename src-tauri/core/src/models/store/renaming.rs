//! Changes of case that are under way, or were when Corral ended.

use corral_contract::{InstanceId, ModelId};
use sqlx::{Row, sqlite::SqliteRow};

use crate::{Core, Result, db::failed};

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::models) struct Renaming {
    pub(in crate::models) instance: InstanceId,
    /// The name in between.
    pub(in crate::models) third: String,
    pub(in crate::models) model: ModelId,
    /// The name that it is to have.
    pub(in crate::models) wanted: String,
}

fn read(row: &SqliteRow) -> Renaming {
    Renaming {
        instance: InstanceId(row.get("instance_id")),
        third: row.get("third"),
        model: ModelId(row.get("model_id")),
        wanted: row.get("wanted"),
    }
}

/// Those of one instance.
///
/// # Errors
/// Database errors.
pub(in crate::models) async fn of_instance(
    core: &Core,
    instance: InstanceId,
) -> Result<Vec<Renaming>> {
    let rows = sqlx::query("SELECT * FROM renaming WHERE instance_id = ? ORDER BY third")
        .bind(instance.0)
        .fetch_all(core.db.read())
        .await
        .map_err(failed)?;
    Ok(rows.iter().map(read).collect())
}

/// Notes one before its first step.
///
/// # Errors
/// Database errors.
pub(in crate::models) async fn begin(core: &Core, renaming: &Renaming) -> Result<()> {
    let mut transaction = core.db.write().await?;
    sqlx::query(
        "INSERT INTO renaming (instance_id, third, model_id, wanted, at) VALUES (?, ?, ?, ?, ?)",
    )
    .bind(renaming.instance.0)
    .bind(&renaming.third)
    .bind(renaming.model.0)
    .bind(&renaming.wanted)
    .bind(core.now().0)
    .execute(&mut *transaction)
    .await
    .map_err(failed)?;
    transaction.commit().await.map_err(failed)
}

/// The name in between is gone from the server.
///
/// # Errors
/// Database errors.
pub(in crate::models) async fn end(core: &Core, renaming: &Renaming) -> Result<()> {
    let mut transaction = core.db.write().await?;
    sqlx::query("DELETE FROM renaming WHERE instance_id = ? AND third = ?")
        .bind(renaming.instance.0)
        .bind(&renaming.third)
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
    transaction.commit().await.map_err(failed)
}
