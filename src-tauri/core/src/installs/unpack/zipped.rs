use std::io::{Read, Seek};

use zip::{ZipArchive, result::ZipError};

use super::{Ground, broken, refused};
use crate::Result;

/// Every entry of a zip archive.
pub(super) fn unpack(packed: impl Read + Seek, ground: &mut Ground<'_>) -> Result<()> {
    let mut archive = ZipArchive::new(packed).map_err(of_zip)?;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(of_zip)?;
        let size = entry.size();
        let name = entry.name_raw().to_vec();
        let Some(path) = ground.enter(&name, size)? else { continue };
        let mode = entry.unix_mode().unwrap_or(0o644);
        if entry.is_dir() {
            ground.folder(&path)?;
        } else if entry.is_symlink() {
            let mut target = Vec::new();
            entry.by_ref().take(4096).read_to_end(&mut target).map_err(broken)?;
            ground.links.symbolic(&path, &target)?;
        } else {
            ground.file(&path, mode, size, &mut entry)?;
        }
    }
    Ok(())
}

fn of_zip(error: ZipError) -> corral_contract::WireError {
    match error {
        ZipError::Io(error) => broken(error),
        // Its table stands at the end: one without it lost its end.
        ZipError::InvalidArchive(text) => refused("truncated").detail(text.to_string()),
        other => refused("damaged").detail(other.to_string()),
    }
}
