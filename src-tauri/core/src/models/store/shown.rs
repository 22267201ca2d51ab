//! Rows as windows see them: everything that the database knows, in one query.

use corral_contract::ModelId;
use sqlx::sqlite::SqliteRow;

use crate::{
    Core, Result,
    db::{failed, json},
};

/// The columns of `model m` that a shown row is made of, for use inside `concat!`: one query whatever the
/// number of rows, each part answered by an index.
macro_rules! row_columns {
    () => {
        concat!(
            $crate::models::store::model_columns!(),
            ", EXISTS (SELECT 1 FROM task t WHERE t.model_id = m.id AND t.log_exists = 1)
                 AS has_log,
               (SELECT json_group_array(a.name) FROM model a
                 WHERE a.instance_id = m.instance_id AND a.digest = m.digest AND a.id <> m.id
                   AND a.on_server = 1 AND a.hidden_until IS NULL) AS aliases,
               (SELECT i.last_sync FROM instance i WHERE i.id = m.instance_id) AS last_sync,
               (SELECT json_object('at', c.at, 'damaged', c.damaged) FROM model_check c
                 WHERE c.model_id = m.id AND c.digest IS m.digest) AS checked,
               (SELECT json_object('favourite', json(iif(l.favourite, 'true', 'false')),
                                   'tags', json(l.tags), 'note', l.note)
                 FROM label l WHERE l.key = ",
            $crate::labels::store::label_key!("m"),
            ") AS label,
               EXISTS (SELECT 1 FROM preload p
                 WHERE p.instance_id = m.instance_id AND p.key = m.key) AS preload,
               COALESCE(
                 (SELECT json_object('state', b.state, 'bytes', NULL, 'snoozed', json('false'))
                   FROM model_before b WHERE b.model_id = m.id
                     AND b.state IN ('fetching', 'unproven', 'rollingBack')),
                 (SELECT json_object('state', 'available', 'bytes', u.bytes, 'snoozed',
                         json(CASE WHEN u.snoozed IS u.offered THEN 'true' ELSE 'false' END))
                   FROM model_update u WHERE u.model_id = m.id AND u.digest IS m.digest
                     AND u.offered IS NOT NULL AND u.offered <> m.digest)) AS newer,
               (SELECT k.last_used FROM model_keep k WHERE k.model_id = m.id) AS last_used,
               COALESCE((SELECT k.pinned FROM model_keep k WHERE k.model_id = m.id), 0)
                 AS pinned"
        )
    };
}
pub(in crate::models) use row_columns;

const ROWS: &str = concat!(
    "SELECT ",
    row_columns!(),
    " FROM model m
      WHERE m.id IN (SELECT value FROM json_each(?)) AND m.hidden_until IS NULL ORDER BY m.id"
);

/// These rows by id, hidden and missing ones left out.
///
/// # Errors
/// Database errors.
pub(in crate::models) async fn rows(core: &Core, ids: &[ModelId]) -> Result<Vec<SqliteRow>> {
    sqlx::query(ROWS).bind(json(&ids)).fetch_all(core.db.read()).await.map_err(failed)
}
