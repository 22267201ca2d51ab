//! The key in a file that only its owner may read.

use std::{
    fs,
    io::{self, Write},
    path::Path,
};

/// `None` when there is no file. Blocks.
pub(super) fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes it whole or not at all. Blocks.
pub(super) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    // Made for its owner alone (0600) where the system knows owners of files; a Windows profile is
    // its owner's as a whole.
    let mut file = tempfile::Builder::new().prefix(".secret-").tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}
