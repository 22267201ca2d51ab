//! State changes of one model or of all.

use corral_contract::{
    InstanceId, ModelId, Timestamp, WireError,
    models::{HistoryEntry, HistoryPage, HistoryRequest, call},
    status::{Cause, Status},
};
use sqlx::{Row, sqlite::SqliteRow};

use crate::{Core, Result, db::failed, router::Handle};

/// Entries of a page when none are asked for, and at most.
const USUAL: u32 = 100;
const MOST: u32 = 500;

impl Handle<call::History> for Core {
    async fn handle(&self, request: HistoryRequest) -> Result<HistoryPage> {
        history(self, &request).await
    }
}

/// A page of history, newest first.
///
/// # Errors
/// `INVALID_INPUT` for a page of more than 500 entries, database errors.
pub(in crate::models) async fn history(
    core: &Core,
    request: &HistoryRequest,
) -> Result<HistoryPage> {
    let limit = match request.limit {
        0 => USUAL,
        1..=MOST => request.limit,
        _ => return Err(WireError::field("limit", "outOfRange").with("min", 1).with("max", MOST)),
    };
    let statement = if request.model.is_some() {
        "SELECT * FROM history WHERE model_id = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3"
    } else {
        "SELECT * FROM history WHERE ?1 IS NULL AND id < ?2 ORDER BY id DESC LIMIT ?3"
    };
    let rows = sqlx::query(statement)
        .bind(request.model.map(|id| id.0))
        .bind(request.before.unwrap_or(i64::MAX))
        .bind(i64::from(limit) + 1)
        .fetch_all(core.db.read())
        .await
        .map_err(failed)?;
    let more = rows.len() > limit as usize;
    Ok(HistoryPage { items: rows.iter().take(limit as usize).filter_map(entry).collect(), more })
}

/// `None` for a row of a newer version whose words are unknown here.
fn entry(row: &SqliteRow) -> Option<HistoryEntry> {
    let from = match row.get::<Option<&str>, _>("from_status") {
        Some(word) => Some(Status::parse(word)?),
        None => None,
    };
    Some(HistoryEntry {
        id: row.get("id"),
        model: ModelId(row.get("model_id")),
        name: row.get("name"),
        instance: InstanceId(row.get("instance_id")),
        from,
        to: Status::parse(row.get("to_status"))?,
        at: Timestamp(row.get("at")),
        cause: Cause::parse(row.get("cause"))?,
        note: row.get("note"),
    })
}
