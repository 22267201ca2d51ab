//! Bringing files to the server: a second name for the same bytes where both lie on one disk and
//! the store is ours to write, a copy where they do not, an upload where it is not.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use corral_contract::{ErrorCode, WireError};
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use super::files::{self, Whole};
use crate::{
    Result,
    digest::hex,
    ollama::{BlobPart, OllamaApi},
    transfers::readable_by_all,
};

const BLOCK: usize = 1 << 20;

/// A folder of ours in the store: the server removes files of others, but no folders.
fn own(blobs: &Path) -> PathBuf {
    blobs.join(".corral")
}

/// Whether the bytes of a file can have a second name in the store, tried. Blocks.
pub(super) fn can_link(file: &Path, blobs: &Path) -> bool {
    let Ok(real) = dunce::canonicalize(file) else { return false };
    if !readable(&real, blobs) || fs::create_dir_all(own(blobs)).is_err() {
        return false;
    }
    let Ok(folder) = tempfile::Builder::new().prefix("link-").tempdir_in(own(blobs)) else {
        return false;
    };
    fs::hard_link(real, folder.path().join("x")).is_ok()
}

/// A second name keeps the rights of the first: the server has to be able to read it.
#[cfg(unix)]
fn readable(file: &Path, blobs: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let (Ok(file), Ok(store)) = (fs::metadata(file), fs::metadata(blobs)) else { return false };
    file.mode() & 0o004 != 0 || file.uid() == store.uid()
}

#[cfg(not(unix))]
fn readable(_: &Path, _: &Path) -> bool {
    true
}

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Placed {
    /// The server had it.
    Known,
    Linked,
    Copied,
    Uploaded,
}

impl Placed {
    pub(super) fn word(self) -> &'static str {
        match self {
            Placed::Known => "the server has it",
            Placed::Linked => "linked into the store",
            Placed::Copied => "copied into the store",
            Placed::Uploaded => "uploaded",
        }
    }
}

/// Brings one file to the server, counting in `sent`.
///
/// # Errors
/// `INVALID_INPUT` with `changedWhileRead`; `DISK_FULL`, `STORE_PERMISSION`, `FILE_SYSTEM`;
/// whatever asking the server says; `CANCELLED`.
pub(super) async fn bring(
    client: &Arc<dyn OllamaApi>,
    blobs: Option<&Path>,
    path: &Path,
    whole: &Whole,
    token: &CancellationToken,
    sent: &Arc<AtomicU64>,
) -> Result<Placed> {
    if client.has_blob(&whole.digest).await? {
        return Ok(Placed::Known);
    }
    if let Some(blobs) = blobs {
        let (blobs, path) = (blobs.to_owned(), path.to_owned());
        let (whole, token, sent) = (whole.clone(), token.clone(), sent.clone());
        return super::blocking(move || place(&blobs, &path, &whole, &token, &sent)).await;
    }
    whole.holds(path)?;
    let part =
        BlobPart { file: path.to_owned(), offset: 0, size: whole.bytes(), sent: sent.clone() };
    client.send_blob(&whole.digest, &part).await?;
    Ok(Placed::Uploaded)
}

fn place(
    blobs: &Path,
    path: &Path,
    whole: &Whole,
    token: &CancellationToken,
    sent: &AtomicU64,
) -> Result<Placed> {
    let target = blobs.join(whole.digest.replace(':', "-"));
    let real = dunce::canonicalize(path).map_err(|error| files::refused(path, &error))?;
    if readable(&real, blobs) {
        match fs::hard_link(&real, &target) {
            Ok(()) => {
                // Looked at again under its new name: what was linked is what was read.
                return whole.holds(&target).map(|()| Placed::Linked).inspect_err(|_| {
                    drop(fs::remove_file(&target));
                });
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(Placed::Known),
            // Another disk, or one that knows no second names.
            Err(_) => {}
        }
    }
    copy(blobs, path, &target, whole, token, sent)?;
    Ok(Placed::Copied)
}

/// Writes a second copy beside its place, proves it, then gives it its name.
fn copy(
    blobs: &Path,
    path: &Path,
    target: &Path,
    whole: &Whole,
    token: &CancellationToken,
    sent: &AtomicU64,
) -> Result<()> {
    let (mut from, _) = files::open(path)?;
    let own = own(blobs);
    fs::create_dir_all(&own).map_err(unwritten)?;
    let mut file =
        tempfile::Builder::new().prefix("import-").tempfile_in(&own).map_err(unwritten)?;
    let (mut sum, mut block) = (Sha256::new(), vec![0; BLOCK]);
    loop {
        if token.is_cancelled() {
            return Err(WireError::new(ErrorCode::Cancelled));
        }
        let read = match from.read(&mut block) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(files::refused(path, &error)),
        };
        let piece = block.get(..read).unwrap_or_default();
        sum.update(piece);
        file.write_all(piece).map_err(unwritten)?;
        sent.fetch_add(read as u64, Ordering::Relaxed);
    }
    if format!("sha256:{}", hex(&sum.finalize())) != whole.digest {
        return Err(files::wrong(path, "changedWhileRead"));
    }
    finish(file.as_file()).map_err(unwritten)?;
    file.persist(target).map_err(|refused| unwritten(refused.error))?;
    Ok(())
}

fn finish(file: &File) -> io::Result<()> {
    readable_by_all(file)?;
    file.sync_all()
}

fn unwritten(error: io::Error) -> WireError {
    let code = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ErrorCode::DiskFull,
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            ErrorCode::StorePermission
        }
        _ => ErrorCode::FileSystem,
    };
    WireError::new(code).detail(error.to_string())
}
