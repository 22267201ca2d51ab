//! `HEAD` and `POST /api/blobs/:digest`.

use axum::body::Body;
use axum::http::StatusCode;
use axum::response::Response;
use futures_util::StreamExt as _;
use sha2::{Digest, Sha256};

use super::layer::hex;
use super::respond::{self, Refusal};
use super::shared::Shared;
use super::store::Blob;
use crate::patience::lock;

/// Uploads beyond this are hashed and counted, but their bytes are not kept.
const KEPT_BYTES: usize = 64 << 20;

pub(crate) fn head(shared: &Shared, digest: &str) -> Result<Response, Refusal> {
    let hex = parse(digest)?;
    if lock(&shared.store).has(hex) {
        return Ok(respond::empty(StatusCode::OK));
    }
    let path = shared.blob_path(hex);
    let text = format!("stat {path}: no such file or directory");
    Err(Refusal::missing(text))
}

pub(crate) async fn upload(shared: &Shared, digest: &str, body: Body) -> Result<Response, Refusal> {
    let wanted = parse(digest)?;
    if lock(&shared.store).has(wanted) {
        return Ok(respond::empty(StatusCode::OK));
    }
    let mut hash = Sha256::new();
    let mut data = Vec::new();
    let mut size = 0;
    let mut pieces = body.into_data_stream();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|_| Refusal::internal("unexpected EOF"))?;
        hash.update(&piece);
        size += piece.len() as u64;
        if data.len() + piece.len() <= KEPT_BYTES {
            data.extend_from_slice(&piece);
        }
    }
    let got = hex(&hash.finalize());
    let kept = (data.len() as u64 == size).then(|| data.into());
    // Also after a mismatch the bytes stay, under their true digest.
    lock(&shared.store).add_blob(&got, Blob { size, data: kept });
    shared.changes.note();
    if got != wanted {
        let text = format!("digest mismatch, expected \"sha256:{wanted}\", got \"sha256:{got}\"");
        return Err(Refusal::bad(text));
    }
    Ok(respond::empty(StatusCode::CREATED))
}

/// The 64 hex digits of `sha256:…` or `sha256-…`.
pub(crate) fn parse(digest: &str) -> Result<&str, Refusal> {
    let hex = digest.strip_prefix("sha256:").or_else(|| digest.strip_prefix("sha256-"));
    hex.filter(|hex| hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
        .ok_or_else(|| Refusal::bad("invalid digest format"))
}
