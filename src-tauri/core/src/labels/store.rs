//! Labels and views in the database.

use corral_contract::{
    ErrorCode, ModelId, Timestamp, WireError,
    labels::{Label, LabelsView, SavedView, TagCount},
};
use sqlx::{Row, SqliteConnection};

use super::draft::ViewDraft;
use crate::{
    Core, Result,
    db::{failed, from_json, json},
};

/// The key of the label of `model`, whatever its alias: that of its name, else the newest one of
/// its content. For use inside `concat!`, with `model` as the name of the table in the query.
macro_rules! label_key {
    ($model:literal) => {
        concat!(
            "COALESCE((SELECT own.key FROM label own WHERE own.key = ",
            $model,
            ".key), (SELECT of.key FROM label of WHERE of.digest = ",
            $model,
            ".digest ORDER BY of.changed_at DESC, of.key LIMIT 1))"
        )
    };
}
pub(crate) use label_key;

/// A label with the name it belongs to.
pub(super) struct Named {
    key: String,
    digest: Option<String>,
    pub(super) label: Label,
}

const OF_MODEL: &str = concat!(
    "SELECT m.key, m.digest, l.favourite, l.tags, l.note
     FROM model m LEFT JOIN label l ON l.key = ",
    label_key!("m"),
    " WHERE m.id = ? AND m.hidden_until IS NULL"
);

/// The label that holds for a model; `None` when the row is gone.
pub(super) async fn of_model(
    connection: &mut SqliteConnection,
    id: ModelId,
) -> Result<Option<Named>> {
    let row = sqlx::query(OF_MODEL).bind(id.0).fetch_optional(connection).await.map_err(failed)?;
    Ok(row.map(|row| Named {
        key: row.get("key"),
        digest: row.get("digest"),
        label: Label {
            favourite: row.get::<Option<bool>, _>("favourite").unwrap_or_default(),
            tags: from_json(row.get("tags")).unwrap_or_default(),
            note: row.get::<Option<String>, _>("note").unwrap_or_default(),
        },
    }))
}

/// Writes the label of a name. An empty one is kept: it says that the name does not inherit.
pub(super) async fn put(
    connection: &mut SqliteConnection,
    named: &Named,
    label: &Label,
    search: &str,
    now: Timestamp,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO label (key, digest, favourite, tags, note, search, changed_at)
         VALUES (?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (key) DO UPDATE SET
             digest = COALESCE(excluded.digest, digest), favourite = excluded.favourite,
             tags = excluded.tags, note = excluded.note, search = excluded.search,
             changed_at = excluded.changed_at",
    )
    .bind(&named.key)
    .bind(&named.digest)
    .bind(label.favourite)
    .bind(json(&label.tags))
    .bind(&label.note)
    .bind(search)
    .bind(now.0)
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}

/// Rows that share a name or a content with one of these, themselves included.
pub(super) async fn sharing(core: &Core, ids: &[ModelId]) -> Result<Vec<ModelId>> {
    let ids: Vec<i64> = sqlx::query_scalar(
        "WITH chosen AS MATERIALIZED (
             SELECT key, digest FROM model WHERE id IN (SELECT value FROM json_each(?)))
         SELECT id FROM model WHERE hidden_until IS NULL
             AND (key IN (SELECT key FROM chosen)
                  OR digest IN (SELECT digest FROM chosen WHERE digest IS NOT NULL))
         ORDER BY id",
    )
    .bind(json(&ids))
    .fetch_all(core.db.read())
    .await
    .map_err(failed)?;
    Ok(ids.into_iter().map(ModelId).collect())
}

const TAGS: &str = concat!(
    "SELECT t.value AS tag, COUNT(*) AS models FROM model m
     JOIN label l ON l.key = ",
    label_key!("m"),
    " JOIN json_each(l.tags) t WHERE m.hidden_until IS NULL
     GROUP BY t.value COLLATE NOCASE ORDER BY t.value COLLATE NOCASE"
);

const FAVOURITES: &str = concat!(
    "SELECT COUNT(*) FROM model m JOIN label l ON l.key = ",
    label_key!("m"),
    " WHERE m.hidden_until IS NULL AND l.favourite = 1"
);

/// Tags in use, favourites and views. Costs nothing while nobody labelled anything.
pub(super) async fn view(core: &Core) -> Result<LabelsView> {
    let mut view = LabelsView { views: views(core).await?, ..LabelsView::default() };
    if !any(core).await? {
        return Ok(view);
    }
    let rows = sqlx::query(TAGS).fetch_all(core.db.read()).await.map_err(failed)?;
    view.tags = rows
        .iter()
        .map(|row| TagCount {
            tag: row.get("tag"),
            models: row.get::<i64, _>("models").cast_unsigned(),
        })
        .collect();
    let favourites: i64 =
        sqlx::query_scalar(FAVOURITES).fetch_one(core.db.read()).await.map_err(failed)?;
    view.favourites = favourites.cast_unsigned();
    Ok(view)
}

/// Whether there is any label.
pub(crate) async fn any(core: &Core) -> Result<bool> {
    sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM label)")
        .fetch_one(core.db.read())
        .await
        .map_err(failed)
}

async fn views(core: &Core) -> Result<Vec<SavedView>> {
    let rows = sqlx::query("SELECT id, name, filter FROM saved_view ORDER BY id")
        .fetch_all(core.db.read())
        .await
        .map_err(failed)?;
    Ok(rows.iter().map(decode).collect())
}

fn decode(row: &sqlx::sqlite::SqliteRow) -> SavedView {
    SavedView {
        id: row.get("id"),
        name: row.get("name"),
        filter: from_json(Some(row.get("filter"))).unwrap_or_default(),
    }
}

/// # Errors
/// `ALREADY_EXISTS` for a name that another view has, `NOT_FOUND` for one that is gone.
pub(super) async fn save_view(core: &Core, draft: &ViewDraft) -> Result<i64> {
    let key = draft.name.to_lowercase();
    let mut transaction = core.db.write().await?;
    let taken: Option<i64> = sqlx::query_scalar("SELECT id FROM saved_view WHERE key = ?")
        .bind(&key)
        .fetch_optional(&mut *transaction)
        .await
        .map_err(failed)?;
    if taken.is_some_and(|taken| Some(taken) != draft.id) {
        return Err(WireError::new(ErrorCode::AlreadyExists).with("name", &draft.name));
    }
    let id: Option<i64> = match draft.id {
        Some(id) => {
            sqlx::query_scalar(
                "UPDATE saved_view SET name = ?, key = ?, filter = ? WHERE id = ? RETURNING id",
            )
            .bind(&draft.name)
            .bind(&key)
            .bind(&draft.filter)
            .bind(id)
            .fetch_optional(&mut *transaction)
            .await
        }
        None => {
            sqlx::query_scalar(
                "INSERT INTO saved_view (name, key, filter) VALUES (?, ?, ?) RETURNING id",
            )
            .bind(&draft.name)
            .bind(&key)
            .bind(&draft.filter)
            .fetch_optional(&mut *transaction)
            .await
        }
    }
    .map_err(failed)?;
    transaction.commit().await.map_err(failed)?;
    id.ok_or_else(|| WireError::new(ErrorCode::NotFound).with("view", &draft.name))
}

/// # Errors
/// `NOT_FOUND`, database errors.
pub(super) async fn remove_view(core: &Core, id: i64) -> Result<SavedView> {
    let mut transaction = core.db.write().await?;
    let row = sqlx::query("DELETE FROM saved_view WHERE id = ? RETURNING id, name, filter")
        .bind(id)
        .fetch_optional(&mut *transaction)
        .await
        .map_err(failed)?;
    transaction.commit().await.map_err(failed)?;
    row.as_ref().map(decode).ok_or_else(|| WireError::new(ErrorCode::NotFound).with("view", id))
}
