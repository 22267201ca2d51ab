use corral_contract::registries::SecretPlace;

use crate::{
    Result,
    db::{Db, failed},
};

/// Where the key was put; `None` while there is none.
pub(super) async fn place(db: &Db) -> Result<Option<SecretPlace>> {
    let place: Option<String> = sqlx::query_scalar("SELECT place FROM secret_key WHERE one = 1")
        .fetch_optional(db.read())
        .await
        .map_err(failed)?;
    Ok(place.as_deref().and_then(SecretPlace::parse))
}

pub(super) async fn set_place(db: &Db, place: SecretPlace) -> Result<()> {
    let mut transaction = db.write().await?;
    sqlx::query(
        "INSERT INTO secret_key (one, place) VALUES (1, ?)
         ON CONFLICT (one) DO UPDATE SET place = excluded.place",
    )
    .bind(place.as_str())
    .execute(&mut *transaction)
    .await
    .map_err(failed)?;
    transaction.commit().await.map_err(failed)
}
