//! Opening a file of models that came from anywhere. Everything here blocks.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use corral_contract::{ErrorCode, WireError};

use super::{
    index::{Index, LARGEST, Package, TABLE, wrong},
    pour::Source,
    tar,
};
use crate::{Result, checks};

/// A file whose table holds. Its layers are believed once they were hashed.
#[derive(Debug)]
pub(super) struct Bundle {
    /// Bytes of the file.
    pub(super) bytes: u64,
    pub(super) packages: Vec<Package>,
    /// By digest.
    pub(super) sources: BTreeMap<String, Source>,
}

impl Bundle {
    /// Reads the table and looks whether the file is as long as it says.
    ///
    /// # Errors
    /// `INVALID_INPUT` about `path`: `noSuchFile` and the like, `notBundle`, `bundleNewer`,
    /// `bundleTruncated`, `bundleBroken`, `bundleName`.
    pub(super) fn open(path: &str) -> Result<Bundle> {
        let path = PathBuf::from(path.trim());
        let (mut file, bytes) = checks::open_file(&path)?;
        let table = table(&mut file, bytes)?;
        let base = file.stream_position().map_err(|error| unreadable(&error))?;
        let (index, packages) = Index::read(&table)?;
        let base = tar::padded(base).ok_or_else(|| wrong("bundleBroken", "sizes"))?;
        let tail = index.tail();
        let end = base.checked_add(index.end_of_blobs());
        let total = end.and_then(|end| end.checked_add(tail.len() as u64));
        match total {
            Some(total) if total == bytes => {}
            Some(total) if total > bytes => {
                return Err(wrong("bundleTruncated", format!("{bytes} of {total} bytes")));
            }
            _ => return Err(wrong("bundleBroken", "there is more in it than it lists")),
        }
        let mut sources = BTreeMap::new();
        for blob in &index.blobs {
            let offset = base + blob.offset;
            let head = index.head_of(blob);
            let mut there = [0; tar::BLOCK as usize];
            file.seek(SeekFrom::Start(offset - tar::BLOCK)).map_err(|error| unreadable(&error))?;
            file.read_exact(&mut there).map_err(|error| unreadable(&error))?;
            if head != Some(there) {
                return Err(wrong("bundleBroken", format!("the head of {}", blob.digest)));
            }
            let source = Source { file: path.clone(), offset, size: blob.size };
            sources.insert(blob.digest.clone(), source);
        }
        let mut there = vec![0; tail.len()];
        let last = bytes - tail.len() as u64;
        file.seek(SeekFrom::Start(last)).map_err(|error| unreadable(&error))?;
        file.read_exact(&mut there).map_err(|error| unreadable(&error))?;
        if there != tail {
            return Err(wrong("bundleBroken", "what follows the layers"));
        }
        Ok(Bundle { bytes, packages, sources })
    }
}

/// The text of the table; the file then stands at its end.
fn table(file: &mut File, bytes: u64) -> Result<Vec<u8>> {
    let mut head = [0; tar::BLOCK as usize];
    match file.read_exact(&mut head) {
        Ok(()) => {}
        // Shorter than any tar file: what there is may be the beginning of one.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            let begins = head.starts_with(TABLE.as_bytes());
            return Err(wrong(if begins { "bundleTruncated" } else { "notBundle" }, ""));
        }
        Err(error) => return Err(unreadable(&error)),
    }
    let size = match tar::read(&head) {
        Some((name, size)) if name == TABLE => size,
        _ => return Err(wrong("notBundle", "")),
    };
    if size > LARGEST {
        return Err(wrong("bundleBroken", format!("its table has {size} bytes")));
    }
    if bytes - tar::BLOCK < size {
        return Err(wrong("bundleTruncated", ""));
    }
    let mut table = vec![0; usize::try_from(size).unwrap_or(0)];
    file.read_exact(&mut table).map_err(|error| unreadable(&error))?;
    Ok(table)
}

fn unreadable(error: &io::Error) -> WireError {
    WireError::new(ErrorCode::FileSystem).detail(error.to_string())
}

/// Reads a small layer whole.
///
/// # Errors
/// `FILE_SYSTEM`, also when it is larger than `limit`.
pub(super) fn whole(source: &Source, limit: u64) -> Result<Vec<u8>> {
    let too_large = || WireError::new(ErrorCode::FileSystem).detail("a layer is too large");
    let size = usize::try_from(source.size).ok().filter(|_| source.size <= limit);
    let mut bytes = vec![0; size.ok_or_else(too_large)?];
    let read = File::open(&source.file).and_then(|mut file| {
        file.seek(SeekFrom::Start(source.offset))?;
        file.read_exact(&mut bytes)
    });
    read.map(|()| bytes).map_err(|error| unreadable(&error))
}

/// The layers of a models folder that some packages name, by digest.
pub(super) fn of_store(models: &Path, packages: &[Package]) -> BTreeMap<String, Source> {
    let blobs = models.join("blobs");
    let source = |digest: &str, size| {
        let file = blobs.join(digest.replace(':', "-"));
        (digest.to_owned(), Source { file, offset: 0, size })
    };
    let all = packages.iter().flat_map(|package| &package.manifest.blobs);
    all.map(|blob| source(&blob.digest, blob.size)).collect()
}
