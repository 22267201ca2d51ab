//! A folder laid out as Ollama's store, on this machine or a mounted one: read as if a registry had
//! answered, so that its bytes are claimed and hashed like any others.

use std::{
    io::{self, SeekFrom},
    ops::Range,
    path::{Path, PathBuf},
};

use corral_contract::{ErrorCode, WireError};
use reqwest::{Body, Response, StatusCode, header};
use tokio::{
    fs::{self, File},
    io::{AsyncReadExt, AsyncSeekExt},
};
use tokio_util::io::ReaderStream;

use super::{Failure, Repository};

/// Bytes read at once.
const PIECE: usize = 256 * 1024;

/// The manifest of a name.
pub(super) async fn manifest(
    folder: &Path,
    repository: &Repository,
    largest: usize,
) -> Result<Vec<u8>, Failure> {
    let name = &repository.name;
    // The grammar of names keeps each part from leading elsewhere.
    let file = folder.join("manifests").join(&name.host).join(&name.namespace);
    let file = file.join(&name.model).join(&name.tag);
    let unknown = || {
        let error = WireError::new(ErrorCode::ModelUnknown).with("name", name.display());
        Failure::retry(error)
    };
    let opened = File::open(&file).await.map_err(|error| match error.kind() {
        // A name may be a folder here as well.
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => unknown(),
        _ => unreadable(folder, &error),
    })?;
    let mut bytes = Vec::new();
    let limit = u64::try_from(largest).unwrap_or(u64::MAX);
    let read = opened.take(limit + 1).read_to_end(&mut bytes).await;
    read.map_err(|error| unreadable(folder, &error))?;
    if bytes.len() > largest {
        let error = WireError::new(ErrorCode::AnswerTooLarge).with("limit", largest);
        return Err(Failure::retry(error));
    }
    Ok(bytes)
}

/// Where a blob lies.
pub(super) async fn blob(folder: &Path, digest: &str) -> Result<PathBuf, Failure> {
    let file = folder.join("blobs").join(digest.replace(':', "-"));
    match fs::metadata(&file).await {
        Ok(facts) if facts.is_file() => Ok(file),
        Ok(_) => Err(Failure::retry(WireError::new(ErrorCode::NotFound))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(Failure::retry(WireError::new(ErrorCode::NotFound)))
        }
        Err(error) => Err(unreadable(folder, &error)),
    }
}

/// Where a plain file lies: by its whole path, or, as people copy them, by its name alone.
pub(super) async fn plain(folder: &Path, path: &str) -> Result<PathBuf, Failure> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let parts = path.split('/').filter(|part| !matches!(*part, "" | "." | ".."));
    let whole: PathBuf =
        std::iter::once(folder.as_os_str()).chain(parts.map(AsRef::as_ref)).collect();
    for file in [whole, folder.join(name)] {
        if fs::metadata(&file).await.is_ok_and(|facts| facts.is_file()) {
            return Ok(file);
        }
    }
    Err(Failure::retry(WireError::new(ErrorCode::NotFound)))
}

/// All of a small file.
pub(super) async fn small(path: &Path, limit: usize) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let most = u64::try_from(limit).unwrap_or(u64::MAX);
    let file = File::open(path).await.map_err(|error| unreadable(path, &error))?;
    let read = file.take(most.saturating_add(1)).read_to_end(&mut bytes).await;
    read.map_err(|error| unreadable(path, &error))?;
    if bytes.len() > limit {
        return Err(Failure::of(WireError::new(ErrorCode::AnswerTooLarge).with("limit", limit)));
    }
    Ok(bytes)
}

/// Bytes of a blob, as an answer with exactly these.
pub(super) async fn open(path: &Path, range: Range<u64>) -> Result<Response, Failure> {
    let refused = |error: io::Error| unreadable(path, &error);
    let mut file = File::open(path).await.map_err(refused)?;
    let size = file.metadata().await.map_err(refused)?.len();
    if size < range.end {
        let text = format!("the file has {size} bytes, {} are needed", range.end);
        return Err(Failure::retry(WireError::new(ErrorCode::BadAnswer).detail(text)));
    }
    file.seek(SeekFrom::Start(range.start)).await.map_err(refused)?;
    let bytes = ReaderStream::with_capacity(file.take(range.end - range.start), PIECE);
    let named = format!("bytes {}-{}/{size}", range.start, range.end.saturating_sub(1));
    let response = http::Response::builder()
        .status(StatusCode::PARTIAL_CONTENT)
        .header(header::CONTENT_RANGE, named)
        .body(Body::wrap_stream(bytes))
        .map_err(|error| {
            Failure::of(WireError::new(ErrorCode::Internal).detail(error.to_string()))
        })?;
    Ok(Response::from(response))
}

/// Whether a folder looks like a store.
pub(super) async fn look(folder: &Path) -> Result<(), Failure> {
    for part in ["manifests", "blobs"] {
        let facts = fs::metadata(folder.join(part)).await;
        let facts = facts.map_err(|error| unreadable(&folder.join(part), &error))?;
        if !facts.is_dir() {
            return Err(unreadable(&folder.join(part), &io::ErrorKind::NotADirectory.into()));
        }
    }
    Ok(())
}

fn unreadable(what: &Path, error: &io::Error) -> Failure {
    let error = WireError::new(ErrorCode::RegistryUnreachable)
        .with("host", what.display())
        .with("why", ErrorCode::FileSystem.as_str())
        .detail(error.to_string());
    Failure::retry(error)
}
