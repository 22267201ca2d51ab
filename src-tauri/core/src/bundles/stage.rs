//! A layer on its way into a models folder: it grows in a folder of ours inside, is hashed, and takes
//! its place by a rename. Everything here blocks.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use corral_contract::{ErrorCode, WireError};
use sha2::{Digest, Sha256};

use super::pour::{self, Source, Stop, Way};
use crate::{Result, transfers};

/// How the file of a layer ends that is being copied.
pub(crate) const MOVED: &str = "moved";
/// How the file of a layer ends that is another name of the one in the other folder. Nothing is ever
/// written to it.
pub(crate) const LINKED: &str = "linked";

/// A layer that was hashed and is to take its place.
#[derive(Debug)]
pub(crate) struct Staged {
    file: PathBuf,
    place: PathBuf,
    linked: bool,
}

/// Brings a layer; `None` when the folder has it already, read and found sound. `link` allows another
/// name for the same file instead of a copy.
///
/// # Errors
/// `CANCELLED`, `DISK_FULL`, `STORE_PERMISSION`, `FILE_SYSTEM`, `BUSY`; `DIGEST_MISMATCH` when the
/// source is not what its name promises, nothing of it then stays.
pub(crate) fn bring(
    blobs: &Path,
    digest: &str,
    source: &Source,
    link: bool,
    way: &Way<'_>,
) -> Result<Option<Staged>> {
    let wanted = transfers::sum_of(digest);
    let name = digest.replace(':', "-");
    let place = blobs.join(&name);
    let there = Source { file: place.clone(), offset: 0, size: source.size };
    if fs::metadata(&place).is_ok_and(|facts| facts.is_file() && facts.len() == source.size) {
        let sum = pour::digest(&there, way).map_err(|stop| told(stop, digest))?;
        if Some(sum) == wanted {
            return Ok(None);
        }
        // A damaged one: what comes takes its place.
        way.back(source.size);
    }
    let staging = blobs.join(".corral");
    fs::create_dir_all(&staging).map_err(|error| refused(&error))?;
    let hex = digest.trim_start_matches("sha256:");
    if link {
        let file = staging.join(format!("{hex}.{LINKED}"));
        let _ = fs::remove_file(&file);
        let real = dunce::canonicalize(&source.file);
        if real.and_then(|real| fs::hard_link(real, &file)).is_ok() {
            let linked = Source { file: file.clone(), offset: 0, size: source.size };
            let sum = pour::digest(&linked, way);
            if matches!(sum, Ok(sum) if Some(sum) == wanted) {
                return Ok(Some(Staged { file, place, linked: true }));
            }
            let _ = fs::remove_file(&file);
            return Err(sum.map_or_else(|stop| told(stop, digest), |_| damaged(digest)));
        }
    }
    let file = staging.join(format!("{hex}.{MOVED}"));
    copy(&file, digest, source, way)?;
    Ok(Some(Staged { file, place, linked: false }))
}

/// Copies a layer, going on after what an earlier attempt left of it.
fn copy(path: &Path, digest: &str, source: &Source, way: &Way<'_>) -> Result<()> {
    let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
    let mut file = opened.map_err(|error| refused(&error))?;
    if matches!(file.try_lock(), Err(TryLockError::WouldBlock)) {
        return Err(WireError::new(ErrorCode::Busy).with("operation", "unpack"));
    }
    let left = file.metadata().map_err(|error| refused(&error))?.len();
    let mut tries = vec![0];
    if (1..=source.size).contains(&left) {
        // What cannot be proved is tried only once.
        tries.push(left);
    }
    while let Some(skip) = tries.pop() {
        let begun = Source { file: path.to_owned(), offset: 0, size: skip };
        let sum = pour::pour(&begun, 0, None, Sha256::new(), way);
        let sum = sum.map_err(|stop| told(stop, digest))?;
        let set = file.set_len(skip).and_then(|()| file.seek(SeekFrom::Start(skip)));
        set.map_err(|error| refused(&error))?;
        let sum = pour::pour(source, skip, Some(&mut file), sum, way);
        let sum: [u8; 32] = sum.map_err(|stop| told(stop, digest))?.finalize().into();
        if Some(sum) == transfers::sum_of(digest) {
            return file.sync_all().map_err(|error| refused(&error));
        }
        way.back(source.size);
    }
    drop(file);
    let _ = fs::remove_file(path);
    Err(damaged(digest))
}

impl Staged {
    /// Gives it its place, over whatever lies there. That it lies there is on disk only after
    /// [`transfers::settle`].
    ///
    /// # Errors
    /// `STORE_PERMISSION`, `FILE_SYSTEM`; it is then still here.
    pub(crate) fn publish(&self) -> Result<()> {
        let publish = || {
            if !self.linked {
                let file = OpenOptions::new().write(true).open(&self.file)?;
                transfers::readable_by_all(&file)?;
                file.set_modified(std::time::SystemTime::now())?;
            }
            match fs::rename(&self.file, &self.place) {
                // Two names of one file: the system then does nothing, and keeps both.
                Ok(()) => drop(fs::remove_file(&self.file)),
                Err(error) => return Err(error),
            }
            Ok(())
        };
        publish().map_err(|error: io::Error| refused(&error))
    }

    /// Removes it.
    pub(crate) fn discard(&self) {
        if let Err(error) = fs::remove_file(&self.file)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, "a layer that was brought stays in staging");
        }
    }
}

/// Removes what an attempt left of layers in a folder of blobs.
pub(crate) fn sweep<'a>(blobs: &Path, digests: impl IntoIterator<Item = &'a str>) {
    let staging = blobs.join(".corral");
    for digest in digests {
        let hex = digest.trim_start_matches("sha256:");
        for ending in [MOVED, LINKED] {
            // Not there is as good.
            let _ = fs::remove_file(staging.join(format!("{hex}.{ending}")));
        }
    }
}

/// Whether it is a file of a layer that is being brought.
pub(crate) fn is_moved(file: &Path) -> bool {
    file.extension().is_some_and(|ending| ending == MOVED || ending == LINKED)
}

/// Whether somebody works on such a file.
pub(crate) fn is_held(file: &Path) -> bool {
    let held = File::open(file);
    held.is_ok_and(|held| matches!(held.try_lock(), Err(TryLockError::WouldBlock)))
}

fn damaged(digest: &str) -> WireError {
    WireError::new(ErrorCode::DigestMismatch).with("name", digest)
}

fn told(stop: Stop, digest: &str) -> WireError {
    match stop {
        Stop::Cancelled => WireError::new(ErrorCode::Cancelled),
        Stop::Read(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            damaged(digest).detail("it ends too early")
        }
        Stop::Read(error) | Stop::Write(error) => refused(&error),
    }
}

/// What a models folder says.
pub(crate) fn refused(error: &io::Error) -> WireError {
    let code = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ErrorCode::DiskFull,
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            ErrorCode::StorePermission
        }
        _ => ErrorCode::FileSystem,
    };
    WireError::new(code).detail(error.to_string())
}
