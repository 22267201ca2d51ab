//! Writing a file of models. Everything here blocks.
//!
//! It grows beside its place as `<name>.part`, whose bytes follow from the models alone. So whatever
//! ended an export, the next one of the same models goes on: it reads back what is there, keeps the
//! part that proves itself, and writes the rest.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use corral_contract::{ErrorCode, WireError};
use sha2::{Digest, Sha256};

use super::{
    index::{Index, Placed, wrong},
    pour::{self, Source, Stop, Way},
    tar,
};
use crate::{Result, transfers};

/// Above this size a file system is asked first whether it has files that large.
const LARGE: u64 = u32::MAX as u64;

/// What is to be written, and where.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) index: Index,
    /// One for each layer of the table, in its order.
    pub(super) sources: Vec<Source>,
    pub(super) target: PathBuf,
    pub(super) overwrite: bool,
    front: Vec<u8>,
    tail: Vec<u8>,
}

impl Plan {
    /// # Errors
    /// `INVALID_INPUT` when the table would be too long.
    pub(super) fn new(
        index: Index,
        sources: Vec<Source>,
        target: PathBuf,
        overwrite: bool,
    ) -> Result<Plan> {
        let (front, tail) = (index.front()?, index.tail());
        Ok(Plan { index, sources, target, overwrite, front, tail })
    }

    /// Bytes of the whole file.
    pub(super) fn total(&self) -> u64 {
        self.front.len() as u64 + self.index.end_of_blobs() + self.tail.len() as u64
    }

    /// Where it grows.
    pub(super) fn part(&self) -> PathBuf {
        part_of(&self.target)
    }

    /// Looks whether it can be written there at all, with `free` bytes of room. Leaves nothing
    /// behind that was not there.
    ///
    /// # Errors
    /// `INVALID_INPUT` about `path`, `DISK_SHORT`, `BUSY` when another program writes it.
    pub(super) fn check(&self, free: Option<u64>) -> Result<()> {
        place(&self.target, self.overwrite)?;
        let part = self.part();
        let before = fs::metadata(&part).ok().map(|facts| facts.len());
        let needed = self.total().saturating_sub(before.unwrap_or(0));
        if let Some(free) = free.filter(|free| *free < needed) {
            return Err(WireError::new(ErrorCode::DiskShort)
                .with("needed", needed)
                .with("free", free)
                .with("reserve", 0)
                .with("missing", needed - free));
        }
        let checked = open(&part).and_then(|file| {
            let length = file.metadata().map_err(|error| refused(&error))?.len();
            if self.total() > LARGE {
                let tried = file.set_len(self.total());
                file.set_len(length).map_err(|error| refused(&error))?;
                tried.map_err(|error| too_large(&error))?;
            }
            Ok(())
        });
        if before.is_none() {
            // Made for the look alone, or not at all.
            let _ = fs::remove_file(&part);
        }
        checked
    }

    /// Writes it and gives it its name.
    ///
    /// # Errors
    /// `CANCELLED`, `DISK_FULL`, `LAYERS_DAMAGED` when a layer is not what its name promises,
    /// `INVALID_INPUT` about `path`, `FILE_SYSTEM`.
    pub(super) fn write(&self, way: &Way<'_>) -> Result<()> {
        let part = self.part();
        let mut file = open(&part)?;
        let mut length = self.begin(&mut file)?;
        let mut at = self.front.len() as u64;
        way.skip(at);
        for (blob, source) in self.index.blobs.iter().zip(&self.sources) {
            let head = self.index.head_of(blob).ok_or_else(|| wrong("bundleBroken", "a head"))?;
            if !self.is_there(&part, &head, blob, at, length, way)? {
                self.layer((&mut file, &part), &head, (blob, source), at, length, way)?;
                length = 0;
            }
            at += tar::BLOCK + tar::padded(blob.size).unwrap_or(blob.size);
        }
        let end = (|| {
            file.set_len(at)?;
            file.seek(SeekFrom::Start(at))?;
            file.write_all(&self.tail)?;
            file.sync_all()
        })();
        end.map_err(|error| refused(&error))?;
        way.skip(self.tail.len() as u64);
        // Windows renames no open file.
        drop(file);
        place(&self.target, self.overwrite)?;
        fs::rename(&part, &self.target).map_err(|error| refused(&error))?;
        if let Some(folder) = self.target.parent() {
            // The file is there; that its name is on the disk, too, is all that this adds.
            let _ = transfers::settle(folder);
        }
        Ok(())
    }

    /// The length of what may be gone on with; 0 = it was begun anew.
    fn begin(&self, file: &mut File) -> Result<u64> {
        let mut front = vec![0; self.front.len()];
        let same = match file.read_exact(&mut front) {
            Ok(()) => front == self.front,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => false,
            Err(error) => return Err(refused(&error)),
        };
        if same {
            return Ok(file.metadata().map_err(|error| refused(&error))?.len());
        }
        let anew = (|| {
            file.set_len(0)?;
            file.seek(SeekFrom::Start(0))?;
            file.write_all(&self.front)
        })();
        anew.map_err(|error| refused(&error))?;
        Ok(0)
    }

    /// Whether a layer is in the file already, read back and hashed.
    fn is_there(
        &self,
        part: &Path,
        head: &[u8],
        blob: &Placed,
        at: u64,
        length: u64,
        way: &Way<'_>,
    ) -> Result<bool> {
        let end = at + tar::BLOCK + tar::padded(blob.size).unwrap_or(blob.size);
        if length < end || !holds(part, at, head) {
            return Ok(false);
        }
        let written = Source { file: part.to_owned(), offset: at + tar::BLOCK, size: blob.size };
        match pour::digest(&written, way) {
            Ok(sum) if Some(sum) == transfers::sum_of(&blob.digest) => Ok(true),
            Ok(_) => {
                way.back(blob.size);
                Ok(false)
            }
            Err(stop) => Err(told(stop, blob)),
        }
    }

    /// Writes one layer, going on after what is there of it.
    fn layer(
        &self,
        (file, part): (&mut File, &Path),
        head: &[u8],
        (blob, source): (&Placed, &Source),
        at: u64,
        length: u64,
        way: &Way<'_>,
    ) -> Result<()> {
        let data = at + tar::BLOCK;
        let there = length.saturating_sub(data).min(blob.size);
        let there = if there > 0 && holds(part, at, head) { there } else { 0 };
        let mut tries = vec![0];
        if there > 0 {
            // What cannot be proved is tried only once.
            tries.push(there);
        }
        while let Some(skip) = tries.pop() {
            let begun = Source { file: part.to_owned(), offset: data, size: skip };
            let sum = pour::pour(&begun, 0, None, Sha256::new(), way);
            let sum = sum.map_err(|stop| told(stop, blob))?;
            let set = (|| {
                file.set_len(data + skip)?;
                file.seek(SeekFrom::Start(at))?;
                file.write_all(head)?;
                file.seek(SeekFrom::Start(data + skip)).map(|_| ())
            })();
            set.map_err(|error| refused(&error))?;
            let sum = pour::pour(source, skip, Some(file), sum, way);
            let sum: [u8; 32] = sum.map_err(|stop| told(stop, blob))?.finalize().into();
            if Some(sum) == transfers::sum_of(&blob.digest) {
                let end = at + tar::BLOCK + tar::padded(blob.size).unwrap_or(blob.size);
                return file.set_len(end).map_err(|error| refused(&error));
            }
            way.back(blob.size);
        }
        // Nothing of a damaged layer is gone on with.
        file.set_len(at).map_err(|error| refused(&error))?;
        let damaged = WireError::new(ErrorCode::LayersDamaged).with("n", 1);
        Err(damaged.detail(format!("{} in the models folder", blob.digest)))
    }
}

/// Where a file grows before it has its name.
pub(super) fn part_of(target: &Path) -> PathBuf {
    let mut name = target.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    target.with_file_name(name)
}

/// Looks at the place of a file that is to be.
///
/// # Errors
/// `INVALID_INPUT` about `path`.
pub(super) fn place(target: &Path, overwrite: bool) -> Result<()> {
    let no = |reason: &str| Err(WireError::field("path", reason));
    if target.as_os_str().is_empty() {
        return no("empty");
    }
    if !target.is_absolute() {
        return no("notAbsolute");
    }
    let Some(folder) = target.parent().filter(|_| target.file_name().is_some()) else {
        return no("isFolder");
    };
    match fs::metadata(folder) {
        Ok(facts) if facts.is_dir() => {}
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return no("noWriting"),
        _ => return no("noSuchFolder"),
    }
    match fs::metadata(target) {
        Ok(facts) if facts.is_dir() => no("isFolder"),
        Ok(facts) if !facts.is_file() => no("noRegularFile"),
        Ok(_) if !overwrite => no("fileExists"),
        _ => Ok(()),
    }
}

fn open(part: &Path) -> Result<File> {
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(part);
    let file = file.map_err(|error| refused(&error))?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => {
            Err(WireError::new(ErrorCode::Busy).with("operation", "export"))
        }
        // A file system without locks: there is nothing better to be had.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(file),
    }
}

fn holds(part: &Path, at: u64, head: &[u8]) -> bool {
    let mut there = vec![0; head.len()];
    let read = File::open(part).and_then(|mut file| {
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(&mut there)
    });
    read.is_ok() && there == head
}

/// What a layer stopped for.
fn told(stop: Stop, blob: &Placed) -> WireError {
    match stop {
        Stop::Cancelled => WireError::new(ErrorCode::Cancelled),
        Stop::Write(error) => refused(&error),
        Stop::Read(error) => {
            let code = match error.kind() {
                io::ErrorKind::PermissionDenied => ErrorCode::StorePermission,
                io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof => ErrorCode::LayersDamaged,
                _ => ErrorCode::FileSystem,
            };
            let error = WireError::new(code).detail(format!("{}: {error}", blob.digest));
            if code == ErrorCode::LayersDamaged { error.with("n", 1) } else { error }
        }
    }
}

/// What the place of a file says.
pub(super) fn refused(error: &io::Error) -> WireError {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            WireError::new(ErrorCode::DiskFull)
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            WireError::field("path", "noWriting")
        }
        io::ErrorKind::FileTooLarge => WireError::field("path", "fileTooLarge"),
        io::ErrorKind::InvalidFilename => WireError::field("path", "badFileName"),
        io::ErrorKind::NotFound => WireError::field("path", "noSuchFolder"),
        _ => WireError::new(ErrorCode::FileSystem),
    }
    .detail(error.to_string())
}

/// A file system that has no files of that length says so in one of several ways.
fn too_large(error: &io::Error) -> WireError {
    let told = refused(error);
    if told.code == ErrorCode::FileSystem {
        return WireError::field("path", "fileTooLarge").detail(error.to_string());
    }
    told
}

#[cfg(test)]
mod tests {
    use super::{refused, too_large};
    use std::io;

    #[test]
    fn what_a_file_system_refuses_is_told_apart() {
        for (kind, reason) in [
            (io::ErrorKind::FileTooLarge, "fileTooLarge"),
            (io::ErrorKind::ReadOnlyFilesystem, "noWriting"),
            (io::ErrorKind::InvalidFilename, "badFileName"),
        ] {
            assert_eq!(refused(&kind.into()).params["reason"], reason);
        }
        let odd = io::Error::other("the parameter is incorrect");
        assert_eq!(too_large(&odd).params["reason"], "fileTooLarge");
    }
}
