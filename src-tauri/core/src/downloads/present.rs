//! Which blobs a server has already: by the files of its store, or by asking it.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use futures_util::{StreamExt, TryStreamExt, stream};

use crate::{Result, ollama::OllamaApi, registry::Blob};

/// Questions to a server at once.
const AT_ONCE: usize = 8;

/// The file of a blob in the folder of them.
pub(super) fn file_of(blobs: &Path, digest: &str) -> PathBuf {
    blobs.join(digest.replace(':', "-"))
}

/// One answer per blob; `None` without the folder. Blocks.
pub(super) fn by_files(folder: &Path, blobs: &[Blob]) -> Option<Vec<bool>> {
    let there = |blob: &Blob| {
        let facts = std::fs::metadata(file_of(folder, &blob.digest));
        facts.is_ok_and(|facts| facts.is_file() && facts.len() == blob.size)
    };
    folder.is_dir().then(|| blobs.iter().map(there).collect())
}

/// One answer per blob.
///
/// # Errors
/// What became of the first question that failed.
pub(super) async fn by_server(api: &Arc<dyn OllamaApi>, blobs: &[Blob]) -> Result<Vec<bool>> {
    let ask = |blob: Blob| {
        let api = api.clone();
        async move { api.has_blob(&blob.digest).await }
    };
    stream::iter(blobs.to_vec()).map(ask).buffered(AT_ONCE).try_collect().await
}
