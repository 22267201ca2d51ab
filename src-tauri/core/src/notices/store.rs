use corral_contract::{
    Timestamp,
    app::{Notice, NoticeKind},
};
use sqlx::Row;

use crate::{
    Result,
    db::{Db, failed, from_json, json},
};

/// Rows kept; older ones go when a new one comes.
const KEPT: i64 = 2000;

pub(super) async fn insert(db: &Db, notice: &Notice) -> Result<i64> {
    let mut transaction = db.write().await?;
    let id: i64 = sqlx::query_scalar(
        "INSERT INTO notice (at, kind, subject, problem) VALUES (?, ?, ?, ?) RETURNING id",
    )
    .bind(notice.at.0)
    .bind(notice.kind.as_str())
    .bind(&notice.subject)
    .bind(notice.problem.as_ref().map(json))
    .fetch_one(&mut *transaction)
    .await
    .map_err(failed)?;
    sqlx::query("DELETE FROM notice WHERE id <= ?")
        .bind(id - KEPT)
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
    transaction.commit().await.map_err(failed)?;
    Ok(id)
}

pub(super) async fn recent(db: &Db, limit: i64) -> Result<Vec<Notice>> {
    let rows =
        sqlx::query("SELECT id, at, kind, subject, problem FROM notice ORDER BY id DESC LIMIT ?")
            .bind(limit)
            .fetch_all(db.read())
            .await
            .map_err(failed)?;
    let notice = |row: &sqlx::sqlite::SqliteRow| {
        Some(Notice {
            id: row.get("id"),
            at: Timestamp(row.get("at")),
            kind: NoticeKind::parse(row.get("kind"))?,
            subject: row.get("subject"),
            problem: from_json(row.get::<Option<&str>, _>("problem")),
        })
    };
    Ok(rows.iter().filter_map(notice).collect())
}
