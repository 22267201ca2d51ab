use std::collections::HashMap;

use corral_contract::{
    InstanceId, ModelId, Timestamp,
    checks::{CheckResult, DamagedList, DamagedModel, SmokeOutcome, SmokeResult},
};
use sqlx::{Row, sqlite::SqliteRow};

use crate::{
    Core, Result,
    db::{failed, from_json, json},
    models,
};

/// With more changed rows than this, windows ask for what they show.
const MOST_TOLD: usize = 200;

/// Keeps what was found, by the keys of models, and tells the windows. A model without a row has
/// nobody who would ask.
///
/// # Errors
/// Database errors.
pub(crate) async fn keep(
    core: &Core,
    instance: InstanceId,
    results: HashMap<String, CheckResult>,
) -> Result<()> {
    let mut transaction = core.db.write().await?;
    let mut changed = Vec::new();
    for (key, result) in results {
        let id: Option<i64> = sqlx::query_scalar(
            "INSERT INTO model_check (model_id, digest, at, bytes, damaged, layers)
             SELECT id, digest, ?3, ?4, ?5, ?6 FROM model WHERE instance_id = ?1 AND key = ?2
             ON CONFLICT (model_id) DO UPDATE SET digest = excluded.digest, at = excluded.at,
                 bytes = excluded.bytes, damaged = excluded.damaged, layers = excluded.layers
             RETURNING model_id",
        )
        .bind(instance.0)
        .bind(key)
        .bind(result.at.0)
        .bind(result.bytes.cast_signed())
        .bind(result.damaged.len() as i64)
        .bind(json(&result.damaged))
        .fetch_optional(&mut *transaction)
        .await
        .map_err(failed)?;
        changed.extend(id.map(ModelId));
    }
    transaction.commit().await.map_err(failed)?;
    if changed.len() > MOST_TOLD {
        models::publish_all(core, Some(instance));
    } else {
        models::publish(core, &changed).await;
    }
    Ok(())
}

/// Keeps the result of a smoke test.
///
/// # Errors
/// Database errors.
pub(crate) async fn keep_smoke(
    core: &Core,
    model: ModelId,
    digest: Option<&str>,
    result: &SmokeResult,
) -> Result<()> {
    let mut transaction = core.db.write().await?;
    sqlx::query(
        "INSERT INTO model_smoke (model_id, digest, at, outcome, ms, problem)
         SELECT id, ?6, ?2, ?3, ?4, ?5 FROM model WHERE id = ?1
         ON CONFLICT (model_id) DO UPDATE SET digest = excluded.digest, at = excluded.at,
             outcome = excluded.outcome, ms = excluded.ms, problem = excluded.problem",
    )
    .bind(model.0)
    .bind(result.at.0)
    .bind(result.outcome.as_str())
    .bind(result.ms.map(u64::cast_signed))
    .bind(result.problem.as_ref().map(json))
    .bind(digest)
    .execute(&mut *transaction)
    .await
    .map_err(failed)?;
    transaction.commit().await.map_err(failed)
}

/// What the last check and the last smoke test of a model said, if its files are still those.
///
/// # Errors
/// Database errors.
pub(crate) async fn of_model(
    core: &Core,
    model: ModelId,
) -> Result<(Option<CheckResult>, Option<SmokeResult>)> {
    let check = sqlx::query(
        "SELECT c.at, c.bytes, c.layers FROM model_check c
         JOIN model m ON m.id = c.model_id AND m.digest IS c.digest WHERE c.model_id = ?",
    )
    .bind(model.0)
    .fetch_optional(core.db.read())
    .await
    .map_err(failed)?;
    let smoke = sqlx::query(
        "SELECT s.at, s.outcome, s.ms, s.problem FROM model_smoke s
         JOIN model m ON m.id = s.model_id AND m.digest IS s.digest WHERE s.model_id = ?",
    )
    .bind(model.0)
    .fetch_optional(core.db.read())
    .await
    .map_err(failed)?;
    let smoke = smoke.and_then(|row| {
        Some(SmokeResult {
            at: Timestamp(row.get("at")),
            // A word of a newer version says nothing here.
            outcome: SmokeOutcome::parse(row.get("outcome"))?,
            ms: row.get::<Option<i64>, _>("ms").map(i64::cast_unsigned),
            problem: from_json(row.get::<Option<&str>, _>("problem")),
        })
    });
    Ok((check.as_ref().map(result), smoke))
}

fn result(row: &SqliteRow) -> CheckResult {
    CheckResult {
        at: Timestamp(row.get("at")),
        bytes: row.get::<i64, _>("bytes").cast_unsigned(),
        damaged: from_json(Some(row.get("layers"))).unwrap_or_default(),
    }
}

/// Models of an instance whose last check found damage, and how many others there are.
///
/// # Errors
/// Database errors.
pub(super) async fn damaged(core: &Core, instance: InstanceId) -> Result<DamagedList> {
    let rows = sqlx::query(
        "SELECT m.id, m.name, c.at, c.bytes, c.layers FROM model m
         JOIN model_check c ON c.model_id = m.id AND c.digest IS m.digest
         WHERE m.instance_id = ? AND c.damaged > 0 AND m.hidden_until IS NULL ORDER BY m.sort_key",
    )
    .bind(instance.0)
    .fetch_all(core.db.read())
    .await
    .map_err(failed)?;
    let (sound, unchecked): (i64, i64) = sqlx::query_as(
        "SELECT COUNT(*) FILTER (WHERE c.damaged = 0), COUNT(*) FILTER (WHERE c.damaged IS NULL)
         FROM model m LEFT JOIN model_check c ON c.model_id = m.id AND c.digest IS m.digest
         WHERE m.instance_id = ? AND m.on_server = 1 AND m.cloud = 0 AND m.hidden_until IS NULL",
    )
    .bind(instance.0)
    .fetch_one(core.db.read())
    .await
    .map_err(failed)?;
    let model = |row: &SqliteRow| DamagedModel {
        model: ModelId(row.get("id")),
        name: row.get("name"),
        result: result(row),
    };
    Ok(DamagedList {
        items: rows.iter().map(model).collect(),
        sound: sound.cast_unsigned(),
        unchecked: unchecked.cast_unsigned(),
    })
}

/// Damaged layers that a model had when it was checked last, whatever its manifest is by now.
///
/// # Errors
/// Database errors.
pub(super) async fn was_damaged(core: &Core, model: ModelId) -> Result<bool> {
    let damaged: Option<i64> =
        sqlx::query_scalar("SELECT damaged FROM model_check WHERE model_id = ?")
            .bind(model.0)
            .fetch_optional(core.db.read())
            .await
            .map_err(failed)?;
    Ok(damaged.unwrap_or(0) > 0)
}

/// Every layer that a download of an instance ever named, with the models it was for.
///
/// # Errors
/// Database errors.
pub(crate) async fn names_of_layers(
    core: &Core,
    instance: InstanceId,
) -> Result<HashMap<String, Vec<String>>> {
    let rows: Vec<(String, String)> = sqlx::query_as(
        "SELECT DISTINCT l.digest, j.name FROM job_layer l JOIN job j ON j.id = l.job_id
         WHERE j.instance_id = ? ORDER BY j.name",
    )
    .bind(instance.0)
    .fetch_all(core.db.read())
    .await
    .map_err(failed)?;
    let mut names: HashMap<String, Vec<String>> = HashMap::new();
    for (digest, name) in rows {
        names.entry(digest).or_default().push(name);
    }
    Ok(names)
}
