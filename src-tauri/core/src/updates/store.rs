use corral_contract::{
    InstanceId, ModelId, Timestamp, WireError,
    status::Origin,
    updates::{Unchecked, UpdateCounts, UpdateState, UpdateView, WhyUnchecked},
};
use sqlx::{Row, sqlite::SqliteRow};

use super::Scope;
use crate::{
    Core, Result,
    db::{failed, from_json, json},
};

pub(super) mod before;

/// A model that may have something newer in its registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) id: ModelId,
    pub(super) instance: InstanceId,
    pub(super) name: String,
    pub(super) key: String,
    pub(super) digest: String,
    /// When this very manifest was compared last.
    pub(super) checked_at: Option<Timestamp>,
}

/// Models on their servers that came from a registry.
///
/// # Errors
/// Database errors.
pub(super) async fn candidates(core: &Core, scope: Scope) -> Result<Vec<Candidate>> {
    let rows = sqlx::query(
        "SELECT m.id, m.instance_id, m.name, m.key, m.digest, u.checked_at
         FROM model m LEFT JOIN model_update u ON u.model_id = m.id AND u.digest IS m.digest
         WHERE m.on_server = 1 AND m.cloud = 0 AND m.hidden_until IS NULL
             AND m.digest IS NOT NULL AND m.origin IN (?1, ?2)
             AND (?3 IS NULL OR m.instance_id = ?3) ORDER BY u.checked_at, m.id",
    )
    .bind(Origin::Official.as_str())
    .bind(Origin::Remote.as_str())
    .bind(scope.map(|id| id.0))
    .fetch_all(core.db.read())
    .await
    .map_err(failed)?;
    let read = |row: &SqliteRow| Candidate {
        id: ModelId(row.get("id")),
        instance: InstanceId(row.get("instance_id")),
        name: row.get("name"),
        key: row.get("key"),
        digest: row.get("digest"),
        checked_at: row.get::<Option<i64>, _>("checked_at").map(Timestamp),
    };
    Ok(rows.iter().map(read).collect())
}

/// What a comparison found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    Offered { digest: String, bytes: Option<u64>, changed: Vec<String>, pushed_at: Option<i64> },
    Not { why: WhyUnchecked, problem: Option<WireError> },
}

/// Keeps what was found; that an offer was put off holds as long as it is the same offer. A
/// registry that is silent takes nothing back that it said before.
///
/// # Errors
/// Database errors.
pub(super) async fn keep(core: &Core, of: &Candidate, found: &Found) -> Result<()> {
    let (offered, bytes, changed, pushed_at, why, problem) = match found {
        Found::Offered { digest, bytes, changed, pushed_at } => {
            (Some(digest), *bytes, changed.as_slice(), *pushed_at, None, None)
        }
        Found::Not { why, problem } => {
            (None, None, [].as_slice(), None, Some(*why), problem.as_ref())
        }
    };
    let silent = why == Some(WhyUnchecked::Silent);
    let mut transaction = core.db.write().await?;
    sqlx::query(
        "INSERT INTO model_update (model_id, digest, offered, why, problem, bytes, changed,
                                   pushed_at, checked_at)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9 WHERE EXISTS (SELECT 1 FROM model WHERE id = ?1)
         ON CONFLICT (model_id) DO UPDATE SET why = excluded.why, problem = excluded.problem,
             offered = CASE WHEN ?10 AND digest = excluded.digest THEN offered
                            ELSE excluded.offered END,
             bytes = CASE WHEN ?10 AND digest = excluded.digest THEN bytes ELSE excluded.bytes END,
             changed = CASE WHEN ?10 AND digest = excluded.digest THEN changed
                            ELSE excluded.changed END,
             pushed_at = CASE WHEN ?10 AND digest = excluded.digest THEN pushed_at
                              ELSE excluded.pushed_at END,
             digest = excluded.digest, checked_at = excluded.checked_at",
    )
    .bind(of.id.0)
    .bind(&of.digest)
    .bind(offered)
    .bind(why.map(WhyUnchecked::as_str))
    .bind(problem.map(json))
    .bind(bytes.map(u64::cast_signed))
    .bind(json(&changed))
    .bind(pushed_at)
    .bind(core.now().0)
    .bind(silent)
    .execute(&mut *transaction)
    .await
    .map_err(failed)?;
    transaction.commit().await.map_err(failed)
}

/// After a way back: what was just given back is not offered again.
///
/// # Errors
/// Database errors.
pub(super) async fn put_off(
    core: &Core,
    model: ModelId,
    digest: &str,
    offered: &str,
) -> Result<()> {
    let mut transaction = core.db.write().await?;
    sqlx::query(
        "INSERT INTO model_update (model_id, digest, offered, checked_at, snoozed)
         SELECT ?1, ?2, ?3, ?4, ?3 WHERE EXISTS (SELECT 1 FROM model WHERE id = ?1)
         ON CONFLICT (model_id) DO UPDATE SET digest = excluded.digest, why = NULL, problem = NULL,
             offered = excluded.offered, bytes = NULL, changed = '[]', snoozed = excluded.snoozed",
    )
    .bind(model.0)
    .bind(digest)
    .bind(offered)
    .bind(core.now().0)
    .execute(&mut *transaction)
    .await
    .map_err(failed)?;
    transaction.commit().await.map_err(failed)
}

/// Puts offers off; answers whose.
///
/// # Errors
/// Database errors.
pub(super) async fn snooze(core: &Core, ids: &[ModelId]) -> Result<Vec<ModelId>> {
    let mut transaction = core.db.write().await?;
    let changed: Vec<i64> = sqlx::query_scalar(
        "UPDATE model_update SET snoozed = offered
         WHERE offered IS NOT NULL AND snoozed IS NOT offered
             AND model_id IN (SELECT value FROM json_each(?)) RETURNING model_id",
    )
    .bind(json(&ids))
    .fetch_all(&mut *transaction)
    .await
    .map_err(failed)?;
    transaction.commit().await.map_err(failed)?;
    Ok(changed.into_iter().map(ModelId).collect())
}

/// The manifest that is offered for a model as it is now.
///
/// # Errors
/// Database errors.
pub(super) async fn offered(core: &Core, model: ModelId) -> Result<Option<String>> {
    sqlx::query_scalar(
        "SELECT u.offered FROM model_update u
         JOIN model m ON m.id = u.model_id AND m.digest IS u.digest
         WHERE u.model_id = ? AND u.offered IS NOT NULL AND u.offered <> m.digest",
    )
    .bind(model.0)
    .fetch_optional(core.db.read())
    .await
    .map_err(failed)
}

/// How many updates there are, layers of the same offer counted once.
///
/// # Errors
/// Database errors.
pub(crate) async fn counts(core: &Core, scope: Scope) -> Result<UpdateCounts> {
    let row = sqlx::query(
        "SELECT COALESCE(SUM(models), 0) AS models, COALESCE(SUM(bytes), 0) AS bytes,
                (SELECT COUNT(*) FROM model_before b JOIN model m ON m.id = b.model_id
                  WHERE b.state = 'unproven' AND m.hidden_until IS NULL
                      AND (?1 IS NULL OR b.instance_id = ?1)) AS unproven
         FROM (SELECT COUNT(*) AS models, MAX(u.bytes) AS bytes
               FROM model_update u JOIN model m ON m.id = u.model_id AND m.digest IS u.digest
               WHERE u.offered IS NOT NULL AND u.offered <> m.digest AND u.snoozed IS NOT u.offered
                   AND m.hidden_until IS NULL AND m.on_server = 1
                   AND (?1 IS NULL OR m.instance_id = ?1)
                   AND NOT EXISTS (SELECT 1 FROM model_before b WHERE b.model_id = m.id
                                       AND b.state IN ('fetching', 'rollingBack'))
               GROUP BY m.instance_id, u.offered)",
    )
    .bind(scope.map(|id| id.0))
    .fetch_one(core.db.read())
    .await
    .map_err(failed)?;
    let count = |column: &str| row.get::<i64, _>(column).cast_unsigned();
    Ok(UpdateCounts { models: count("models"), bytes: count("bytes"), unproven: count("unproven") })
}

/// What is newer, and what is kept of before.
///
/// # Errors
/// Database errors.
pub(super) async fn list(core: &Core, scope: Scope) -> Result<Vec<UpdateView>> {
    let rows = sqlx::query(
        "SELECT m.id, m.instance_id, m.name, b.state, u.offered, u.bytes, u.changed, u.pushed_at,
                u.checked_at, u.snoozed IS u.offered AND u.snoozed IS NOT NULL AS snoozed
         FROM model m
         LEFT JOIN model_update u ON u.model_id = m.id AND u.digest IS m.digest
             AND u.offered IS NOT NULL AND u.offered <> m.digest
         LEFT JOIN model_before b ON b.model_id = m.id
             AND b.state IN ('fetching', 'unproven', 'rollingBack')
         WHERE m.hidden_until IS NULL AND m.on_server = 1
             AND (u.model_id IS NOT NULL OR b.model_id IS NOT NULL)
             AND (?1 IS NULL OR m.instance_id = ?1) ORDER BY m.sort_key, m.id",
    )
    .bind(scope.map(|id| id.0))
    .fetch_all(core.db.read())
    .await
    .map_err(failed)?;
    let view = |row: &SqliteRow| UpdateView {
        model: ModelId(row.get("id")),
        instance: InstanceId(row.get("instance_id")),
        name: row.get("name"),
        state: row
            .get::<Option<&str>, _>("state")
            .and_then(UpdateState::parse)
            .unwrap_or(UpdateState::Available),
        digest: row.get("offered"),
        bytes: row.get::<Option<i64>, _>("bytes").map(i64::cast_unsigned),
        changed: from_json(row.get::<Option<&str>, _>("changed")).unwrap_or_default(),
        pushed_at: row.get::<Option<i64>, _>("pushed_at").map(Timestamp),
        checked_at: row.get::<Option<i64>, _>("checked_at").map(Timestamp),
        snoozed: row.get("snoozed"),
    };
    Ok(rows.iter().map(view).collect())
}

/// When any of them was compared last.
///
/// # Errors
/// Database errors.
pub(super) async fn checked_at(core: &Core, scope: Scope) -> Result<Option<Timestamp>> {
    let at: Option<i64> = sqlx::query_scalar(
        "SELECT MAX(u.checked_at) FROM model_update u JOIN model m ON m.id = u.model_id
         WHERE ?1 IS NULL OR m.instance_id = ?1",
    )
    .bind(scope.map(|id| id.0))
    .fetch_one(core.db.read())
    .await
    .map_err(failed)?;
    Ok(at.map(Timestamp))
}

/// Models that could not be compared as they are now.
///
/// # Errors
/// Database errors.
pub(super) async fn unchecked(core: &Core, scope: Scope) -> Result<Vec<Unchecked>> {
    let rows = sqlx::query(
        "SELECT m.id, m.name, u.why, u.problem, u.checked_at FROM model_update u
         JOIN model m ON m.id = u.model_id AND m.digest IS u.digest
         WHERE u.why IS NOT NULL AND m.hidden_until IS NULL AND m.on_server = 1
             AND (?1 IS NULL OR m.instance_id = ?1) ORDER BY m.sort_key",
    )
    .bind(scope.map(|id| id.0))
    .fetch_all(core.db.read())
    .await
    .map_err(failed)?;
    let view = |row: &SqliteRow| {
        Some(Unchecked {
            model: ModelId(row.get("id")),
            name: row.get("name"),
            why: WhyUnchecked::parse(row.get("why"))?,
            problem: from_json(row.get::<Option<&str>, _>("problem")),
            at: Timestamp(row.get("checked_at")),
        })
    };
    Ok(rows.iter().filter_map(view).collect())
}
