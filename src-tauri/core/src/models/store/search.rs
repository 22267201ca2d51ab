//! Finding models: one query for the page, one for how many there are.

use corral_contract::{
    ModelId, WireError,
    models::{ModelPage, ModelSearchRequest, SortKey, call},
    size,
    status::{Origin, Run, Status},
};
use sqlx::{QueryBuilder, Row, Sqlite, SqliteExecutor, sqlite::SqliteRow};

use super::shown::row_columns;
use crate::{
    Core, Result,
    db::{failed, json},
    labels::{self, store::label_key},
    models::publish,
    router::Handle,
};

/// Rows of a page when none are asked for, and at most.
const USUAL: u32 = 50;
const MOST: u32 = 500;

/// Rows that are passed over sooner than a count comes back.
const NEAR: u64 = 2000;

/// Begins a condition about the label of the row, `l`; two brackets end it.
const HAS_LABEL: &str =
    concat!(" OR EXISTS (SELECT 1 FROM label l WHERE l.key = ", label_key!("model"), " AND ");

/// Only the ids of the page are looked for, in the index that has their order and holds everything
/// that is filtered by; the rows themselves are read for the page alone.
const PAGE: &str =
    concat!("SELECT ", row_columns!(), " FROM (SELECT id AS place FROM model INDEXED BY ");

impl Handle<call::Search> for Core {
    async fn handle(&self, request: ModelSearchRequest) -> Result<ModelPage> {
        search(self, &request).await
    }
}

/// One page of what is asked for.
///
/// # Errors
/// `INVALID_INPUT` naming the field, database errors.
pub(in crate::models) async fn search(
    core: &Core,
    request: &ModelSearchRequest,
) -> Result<ModelPage> {
    let mut wanted = Wanted::read(request)?;
    // While nobody labelled anything, names alone are looked at: the index holds them.
    wanted.labelled = !request.name.trim().is_empty() && labels::store::any(core).await?;
    // First, as in the snapshot: an event in between is applied twice instead of lost.
    let seq = core.bus.seq();
    let found = match near(core, &wanted).await? {
        Some(found) => found,
        None => anywhere(core, &wanted).await?,
    };
    let items = found.rows.iter().map(|row| publish::shown(core, row));
    Ok(ModelPage {
        items: items.collect::<Result<_>>()?,
        total: found.total,
        bytes: found.bytes,
        page: found.page as u32,
        seq,
    })
}

struct Found {
    total: u64,
    bytes: u64,
    page: u64,
    rows: Vec<SqliteRow>,
}

/// A page near the beginning, beside the count; `None` when it is far away or there is none.
async fn near(core: &Core, wanted: &Wanted<'_>) -> Result<Option<Found>> {
    let (skip, rows) = (wanted.before(wanted.page.into()), u64::from(wanted.size));
    if skip > NEAR {
        return Ok(None);
    }
    let page = wanted.page(Stretch { from_end: false, skip, rows });
    let ((total, bytes), rows) =
        tokio::try_join!(count(core.db.read(), wanted), fetch(core.db.read(), page))?;
    let found = Found { total, bytes, page: wanted.page.into(), rows };
    Ok((wanted.page == 1 || !found.rows.is_empty()).then_some(found))
}

/// Any page, the last one for one behind it, from the end that is nearer to it.
async fn anywhere(core: &Core, wanted: &Wanted<'_>) -> Result<Found> {
    // In one look, so that the number of rows is true for the page that is found by it. It ends
    // when dropped: nothing was written.
    let mut look = core.db.read().begin().await.map_err(failed)?;
    let (total, bytes) = count(&mut *look, wanted).await?;
    let page = u64::from(wanted.page).min(total.div_ceil(u64::from(wanted.size))).max(1);
    let before = wanted.before(page);
    let rows = u64::from(wanted.size).min(total - before);
    let behind = total - before - rows;
    let nearest = Stretch { from_end: behind < before, skip: behind.min(before), rows };
    let rows = fetch(&mut *look, wanted.page(nearest)).await?;
    Ok(Found { total, bytes, page, rows })
}

/// Where the rows of a page are in their order: an index is walked row by row from either end.
struct Stretch {
    from_end: bool,
    skip: u64,
    rows: u64,
}

/// A request whose every field was understood.
struct Wanted<'a> {
    request: &'a ModelSearchRequest,
    page: u32,
    size: u32,
    /// Pattern of LIKE.
    name: Option<String>,
    min: Option<u64>,
    max: Option<u64>,
    /// There are labels in which the name may be found too.
    labelled: bool,
}

impl<'a> Wanted<'a> {
    fn read(request: &'a ModelSearchRequest) -> Result<Self> {
        let size = match request.page_size {
            0 => USUAL,
            1..=MOST => request.page_size,
            _ => {
                return Err(WireError::field("pageSize", "outOfRange")
                    .with("min", 1)
                    .with("max", MOST));
            }
        };
        let min = bytes("minSize", request.min_size.as_deref())?;
        let max = bytes("maxSize", request.max_size.as_deref())?;
        if min.zip(max).is_some_and(|(min, max)| min > max) {
            return Err(WireError::field("minSize", "minAboveMax"));
        }
        let name = request.name.trim();
        let name = (!name.is_empty()).then(|| pattern(name));
        let labelled = false;
        Ok(Wanted { request, page: request.page.max(1), size, name, min, max, labelled })
    }

    /// Rows before a page.
    fn before(&self, page: u64) -> u64 {
        (page - 1) * u64::from(self.size)
    }

    /// The conditions, after `WHERE`.
    fn conditions(&self, query: &mut QueryBuilder<Sqlite>) {
        query.push("hidden_until IS NULL");
        if let Some(instance) = self.request.instance_id {
            query.push(" AND instance_id = ").push_bind(instance.0);
        }
        any_of(query, "status", self.request.status.iter().map(|status| status.as_str()));
        any_of(query, "origin", self.request.from.iter().map(|origin| origin.as_str()));
        if let Some(min) = self.min {
            query.push(" AND bytes >= ").push_bind(min.cast_signed());
        }
        if let Some(max) = self.max {
            query.push(" AND bytes <= ").push_bind(max.cast_signed());
        }
        if let Some(name) = &self.name {
            query.push(" AND (name LIKE ").push_bind(name.clone()).push(" ESCAPE '\\'");
            if self.labelled {
                query.push(HAS_LABEL).push("l.search LIKE ");
                query.push_bind(name.to_lowercase()).push(" ESCAPE '\\')");
            }
            query.push(")");
        }
        self.labels(query);
    }

    /// The conditions about what the user said and what a model can do.
    fn labels(&self, query: &mut QueryBuilder<Sqlite>) {
        if self.request.favourite {
            query.push(" AND (0").push(HAS_LABEL).push("l.favourite = 1))");
        }
        if !self.request.tags.is_empty() {
            query.push(" AND (0").push(HAS_LABEL);
            query.push("EXISTS (SELECT 1 FROM json_each(l.tags) own JOIN json_each(");
            query.push_bind(json(&self.request.tags));
            query.push(") wanted ON own.value = wanted.value COLLATE NOCASE)))");
        }
        if !self.request.capabilities.is_empty() {
            query.push(" AND EXISTS (SELECT 1 FROM json_each(capabilities) c WHERE c.value IN (");
            query.push("SELECT value FROM json_each(");
            query.push_bind(json(&self.request.capabilities)).push(")))");
        }
    }

    /// The index whose order this is, the order, and the same backwards: only words of our own.
    /// Each ends in the id and so is total.
    fn order(&self) -> (&'static str, &'static str, &'static str) {
        let (index, up, down) = match self.request.sort_by {
            None => ("model_by_id", "id", "id DESC"),
            Some(SortKey::Name) => ("model_by_name", "sort_key, id", "sort_key DESC, id DESC"),
            // Unknown sizes come last both ways.
            Some(SortKey::Size) if self.request.sort_desc => {
                ("model_by_size", "bytes NULLS FIRST, id", "bytes DESC NULLS LAST, id DESC")
            }
            Some(SortKey::Size) => {
                ("model_by_size", "bytes NULLS LAST, id", "bytes DESC NULLS FIRST, id DESC")
            }
            Some(SortKey::CreatedAt) => {
                ("model_by_age", "created_at, id", "created_at DESC, id DESC")
            }
            Some(SortKey::Status) => (
                "model_by_status",
                "status_place, sort_key, id",
                "status_place DESC, sort_key DESC, id DESC",
            ),
        };
        if self.request.sort_desc { (index, down, up) } else { (index, up, down) }
    }

    /// The query of a page.
    fn page(&self, stretch: Stretch) -> QueryBuilder<Sqlite> {
        let (index, order, backwards) = self.order();
        let mut query = QueryBuilder::new(PAGE);
        query.push(index).push(" WHERE ");
        self.conditions(&mut query);
        query.push(" ORDER BY ").push(if stretch.from_end { backwards } else { order });
        query.push(" LIMIT ").push_bind(stretch.rows.cast_signed());
        query.push(" OFFSET ").push_bind(stretch.skip.cast_signed());
        query.push(") AS page CROSS JOIN model m ON m.id = page.place ORDER BY ").push(order);
        query
    }
}

/// Words of our own enums are written into the query: there are few texts, so that the prepared
/// statements are found again.
fn any_of<'a>(
    query: &mut QueryBuilder<Sqlite>,
    column: &str,
    words: impl Iterator<Item = &'a str>,
) {
    let words: Vec<String> = words.map(|word| format!("'{word}'")).collect();
    if !words.is_empty() {
        query.push(format!(" AND {column} IN ({})", words.join(",")));
    }
}

fn bytes(field: &str, text: Option<&str>) -> Result<Option<u64>> {
    match text.map(str::trim).filter(|text| !text.is_empty()) {
        None => Ok(None),
        Some(text) => {
            size::parse(text).map(Some).map_err(|why| WireError::field(field, why.as_str()))
        }
    }
}

/// A LIKE pattern for "contains this text".
fn pattern(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

async fn count(database: impl SqliteExecutor<'_>, wanted: &Wanted<'_>) -> Result<(u64, u64)> {
    let mut query = QueryBuilder::new(
        "SELECT COUNT(*) AS total, COALESCE(SUM(bytes), 0) AS bytes
         FROM model INDEXED BY model_search WHERE ",
    );
    wanted.conditions(&mut query);
    let row = query.build().fetch_one(database).await.map_err(failed)?;
    Ok((row.get::<i64, _>("total").cast_unsigned(), row.get::<i64, _>("bytes").cast_unsigned()))
}

async fn fetch(
    database: impl SqliteExecutor<'_>,
    mut query: QueryBuilder<Sqlite>,
) -> Result<Vec<SqliteRow>> {
    query.build().fetch_all(database).await.map_err(failed)
}

const EIGHT: &str = "SELECT m.id, m.name, m.bytes, m.origin, m.install, m.run, m.message,
            m.created_at,
            EXISTS (SELECT 1 FROM task t WHERE t.model_id = m.id AND t.log_exists = 1) AS has_log
     FROM model m WHERE m.hidden_until IS NULL ORDER BY m.id";

/// The document's eight fields of every model, with its JSON keys.
pub(in crate::models) async fn mirror(core: &Core) -> Result<Vec<serde_json::Value>> {
    let rows = sqlx::query(EIGHT).fetch_all(core.db.read()).await.map_err(failed)?;
    let eight = |row: &SqliteRow| {
        let install = corral_contract::status::Install::parse(row.get("install"))?;
        let status = Status::derive(install, Run::parse(row.get("run"))?);
        let bytes = row.get::<Option<i64>, _>("bytes").map(i64::cast_unsigned);
        Some(serde_json::json!({
            "id": ModelId(row.get("id")),
            "name": row.get::<&str, _>("name"),
            "size": bytes.map(size::format).unwrap_or_default(),
            "from": Origin::parse(row.get("origin"))?,
            "logFileExist": row.get::<bool, _>("has_log"),
            "status": status,
            "message": row.get::<&str, _>("message"),
            "createdAt": row.get::<i64, _>("created_at"),
        }))
    };
    Ok(rows.iter().filter_map(eight).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::{Db, MIGRATIONS};

    #[tokio::test]
    async fn the_database_orders_statuses_as_the_contract_lists_them() {
        let db = Db::in_memory().await.expect("a database");
        MIGRATIONS.run(db.writer()).await.expect("its tables");
        let mut transaction = db.write().await.expect("a transaction");
        sqlx::query(
            "INSERT INTO instance (id, name, kind, runner, url, created_at)
             VALUES (1, 'lab', 'remote', 'unknown', 'http://127.0.0.1:1/', 0)",
        )
        .execute(&mut *transaction)
        .await
        .expect("an instance");
        for status in Status::ALL.iter().rev() {
            sqlx::query(
                "INSERT INTO model (instance_id, name, key, sort_key, origin, registry, install,
                                    run, status, created_at)
                 VALUES (1, ?1, ?1, ?1, 'local', '', 'ready', 'stopped', ?1, 0)",
            )
            .bind(status.as_str())
            .execute(&mut *transaction)
            .await
            .expect("a row");
        }
        transaction.commit().await.expect("it is written");
        let order: Vec<String> =
            sqlx::query_scalar("SELECT status FROM model ORDER BY status_place")
                .fetch_all(db.read())
                .await
                .expect("an order");
        let listed: Vec<&str> = Status::ALL.iter().map(|status| status.as_str()).collect();
        assert_eq!(order, listed);
    }
}
