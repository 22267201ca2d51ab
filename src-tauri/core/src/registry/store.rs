use corral_contract::registries::{Login, MirrorDraft, ProxyMode};
use serde::{Deserialize, Serialize};
use sqlx::Row;
use url::Url;

use super::{
    draft::root_of,
    site::{Mirror, Proxy, Secret, Site},
};
use crate::{
    Result,
    db::{Db, failed, from_json, json},
};

const PROXY_KEY: &str = "proxy";

pub(super) async fn all(db: &Db) -> Result<Vec<Site>> {
    let rows = sqlx::query(
        "SELECT host, mirrors, mirrors_only, plain_http, login, user, secret, realm, custom_ca
         FROM registry ORDER BY host",
    )
    .fetch_all(db.read())
    .await
    .map_err(failed)?;
    Ok(rows.iter().map(site).collect())
}

fn site(row: &sqlx::sqlite::SqliteRow) -> Site {
    let mirrors: Vec<MirrorDraft> =
        from_json(row.get::<Option<&str>, _>("mirrors")).unwrap_or_default();
    // An address that a newer version wrote and this one does not know is left out.
    let mirrors = mirrors.into_iter().filter_map(|each| {
        let root = root_of(&each).ok()?;
        Some(Mirror { address: each.address, plain_http: each.plain_http, root })
    });
    Site {
        host: row.get("host"),
        mirrors: mirrors.collect(),
        mirrors_only: row.get("mirrors_only"),
        plain_http: row.get("plain_http"),
        login: Login::parse(row.get("login")).unwrap_or_default(),
        user: row.get("user"),
        secret: row.get::<Option<String>, _>("secret").map(Secret::Sealed),
        realm: row.get("realm"),
        custom_ca: row.get("custom_ca"),
    }
}

/// Writes a registry over what was stored of it; `secret` is sealed.
pub(super) async fn save(db: &Db, site: &Site, secret: Option<&str>) -> Result<()> {
    let mirrors = site.mirrors.iter();
    let mirrors: Vec<MirrorDraft> = mirrors
        .map(|each| MirrorDraft { address: each.address.clone(), plain_http: each.plain_http })
        .collect();
    let mut transaction = db.write().await?;
    sqlx::query(
        "INSERT INTO registry
             (host, mirrors, mirrors_only, plain_http, login, user, secret, realm, custom_ca)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (host) DO UPDATE SET
             mirrors = excluded.mirrors, mirrors_only = excluded.mirrors_only,
             plain_http = excluded.plain_http, login = excluded.login, user = excluded.user,
             secret = excluded.secret, realm = excluded.realm, custom_ca = excluded.custom_ca",
    )
    .bind(&site.host)
    .bind(json(&mirrors))
    .bind(site.mirrors_only)
    .bind(site.plain_http)
    .bind(site.login.as_str())
    .bind(&site.user)
    .bind(secret)
    .bind(&site.realm)
    .bind(site.custom_ca.as_deref())
    .execute(&mut *transaction)
    .await
    .map_err(failed)?;
    transaction.commit().await.map_err(failed)
}

/// Whether there was anything to remove.
pub(super) async fn remove(db: &Db, host: &str) -> Result<bool> {
    let mut transaction = db.write().await?;
    let done = sqlx::query("DELETE FROM registry WHERE host = ?")
        .bind(host)
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
    transaction.commit().await.map_err(failed)?;
    Ok(done.rows_affected() > 0)
}

#[derive(Serialize, Deserialize)]
struct KeptProxy {
    mode: ProxyMode,
    address: Option<Url>,
    user: String,
    /// Sealed.
    secret: Option<String>,
}

pub(super) async fn proxy(db: &Db) -> Result<Proxy> {
    let text: Option<String> = sqlx::query_scalar("SELECT value FROM setting WHERE key = ?")
        .bind(PROXY_KEY)
        .fetch_optional(db.read())
        .await
        .map_err(failed)?;
    let kept: Option<KeptProxy> = from_json(text.as_deref());
    Ok(kept.map_or_else(Proxy::default, |kept| Proxy {
        mode: kept.mode,
        address: kept.address,
        user: kept.user,
        secret: kept.secret.map(Secret::Sealed),
    }))
}

/// `secret` is sealed.
pub(super) async fn set_proxy(db: &Db, proxy: &Proxy, secret: Option<&str>) -> Result<()> {
    let kept = KeptProxy {
        mode: proxy.mode,
        address: proxy.address.clone(),
        user: proxy.user.clone(),
        secret: secret.map(str::to_owned),
    };
    let mut transaction = db.write().await?;
    sqlx::query(
        "INSERT INTO setting (key, value) VALUES (?, ?)
         ON CONFLICT (key) DO UPDATE SET value = excluded.value",
    )
    .bind(PROXY_KEY)
    .bind(json(&kept))
    .execute(&mut *transaction)
    .await
    .map_err(failed)?;
    transaction.commit().await.map_err(failed)
}
