//! Files and what is known about them.

use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    io,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use corral_contract::Timestamp;

/// Bytes that go with a file: one of a partial download is mostly holes.
#[cfg(unix)]
pub(super) fn allocated(facts: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::blocks(facts) * 512
}

#[cfg(not(unix))]
pub(super) fn allocated(facts: &fs::Metadata) -> u64 {
    facts.len()
}

/// The same text as long as none of these files changes, comes or goes.
pub(super) fn mark<'a>(files: impl IntoIterator<Item = &'a PathBuf>) -> String {
    let mut hasher = DefaultHasher::new();
    for file in files {
        file.hash(&mut hasher);
        let facts = fs::symlink_metadata(file).ok();
        facts.as_ref().map(fs::Metadata::len).hash(&mut hasher);
        facts.and_then(|facts| facts.modified().ok()).hash(&mut hasher);
    }
    format!("{:016x}", hasher.finish())
}

/// The time of a file as the contract has it.
pub(super) fn timestamp(at: SystemTime) -> Option<Timestamp> {
    let since = at.duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since.as_millis()).ok().map(Timestamp)
}

/// Removes a file; one that is not there is fine.
///
/// # Errors
/// What the file system says.
pub(super) fn remove(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
