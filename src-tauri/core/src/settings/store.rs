use corral_contract::settings::Settings;

use crate::{
    Result,
    db::{Db, failed, from_json, json},
};

const KEY: &str = "settings";

pub(super) async fn load(db: &Db) -> Result<Option<Settings>> {
    let text: Option<String> = sqlx::query_scalar("SELECT value FROM setting WHERE key = ?")
        .bind(KEY)
        .fetch_optional(db.read())
        .await
        .map_err(failed)?;
    Ok(from_json(text.as_deref()))
}

pub(super) async fn save(db: &Db, settings: &Settings) -> Result<()> {
    let mut transaction = db.write().await?;
    sqlx::query(
        "INSERT INTO setting (key, value) VALUES (?, ?)
         ON CONFLICT (key) DO UPDATE SET value = excluded.value",
    )
    .bind(KEY)
    .bind(json(settings))
    .execute(&mut *transaction)
    .await
    .map_err(failed)?;
    transaction.commit().await.map_err(failed)
}
