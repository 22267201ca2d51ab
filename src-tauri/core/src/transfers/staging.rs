//! Where a blob grows: a file of its full length and its journal, in a folder of ours. On the file
//! system of the store where we may write there, so that publishing is a rename.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Seek, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

use super::journal::{self, Claim};
use crate::digest::hex;

/// Largest journal that is read, in bytes.
const LONGEST_JOURNAL: u64 = 64 << 20;

/// The two files of a blob. Holding it holds a lock that keeps other copies of Corral away.
#[derive(Debug)]
pub(super) struct Staged {
    pub(super) data: File,
    journal: File,
    data_path: PathBuf,
    journal_path: PathBuf,
}

impl Staged {
    /// Opens or makes the files of a blob, and answers what their journal claims. Blocks.
    ///
    /// # Errors
    /// `WouldBlock` when another copy of Corral is at it; `StorageFull` when there is no room;
    /// whatever the file system says.
    pub(super) fn open(
        folder: &Path,
        digest: &[u8; 32],
        size: u64,
    ) -> io::Result<(Staged, Vec<Claim>)> {
        fs::create_dir_all(folder)?;
        let (data_path, journal_path) = paths(folder, digest);
        let open = |path: &Path| {
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
        };
        let mut journal = open(&journal_path)?;
        match journal.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Err(io::ErrorKind::WouldBlock.into()),
            // A file system without locks: there is nothing better to be had.
            Err(fs::TryLockError::Error(_)) => {}
        }
        let data = open(&data_path)?;
        let mut bytes = Vec::new();
        (&mut journal).take(LONGEST_JOURNAL).read_to_end(&mut bytes)?;
        // A data file of another length is not the one the journal speaks of.
        let fits = data.metadata()?.len() == size;
        let claims = match journal::read(&bytes, digest, size).filter(|_| fits) {
            Some(read) => {
                journal.set_len(read.end)?;
                journal.seek(SeekFrom::Start(read.end))?;
                read.claims
            }
            None => {
                journal.set_len(0)?;
                data.set_len(0)?;
                reserve(&data, size)?;
                journal.seek(SeekFrom::Start(0))?;
                journal.write_all(&journal::header(digest, size))?;
                Vec::new()
            }
        };
        Ok((Staged { data, journal, data_path, journal_path }, claims))
    }

    /// Bytes that the journal of a blob claims, without opening it for work; `None` when there are
    /// no files of it. Blocks.
    pub(super) fn peek(folder: &Path, digest: &[u8; 32], size: u64) -> Option<u64> {
        let (data, journal) = paths(folder, digest);
        if fs::metadata(data).ok()?.len() != size {
            return None;
        }
        let mut bytes = Vec::new();
        File::open(journal).ok()?.take(LONGEST_JOURNAL).read_to_end(&mut bytes).ok()?;
        let claims = journal::read(&bytes, digest, size)?.claims;
        Some(claims.iter().map(|claim| u64::from(claim.length)).sum())
    }

    /// Whether there is a data file of a blob. Blocks.
    pub(super) fn is_there(folder: &Path, digest: &[u8; 32]) -> bool {
        paths(folder, digest).0.is_file()
    }

    /// Whether somebody holds the files of a blob. Blocks.
    pub(super) fn is_held(folder: &Path, digest: &[u8; 32]) -> bool {
        let journal = File::open(paths(folder, digest).1);
        journal.is_ok_and(|held| matches!(held.try_lock(), Err(fs::TryLockError::WouldBlock)))
    }

    /// Removes the files of a blob; `false` when somebody holds them. Blocks.
    pub(super) fn remove(folder: &Path, digest: &[u8; 32]) -> bool {
        super::small::sweep(folder, &hex(digest));
        let (data, journal) = paths(folder, digest);
        let Ok(held) = File::open(&journal) else {
            // Without a journal nobody works on it.
            let _ = fs::remove_file(data);
            return true;
        };
        if matches!(held.try_lock(), Err(fs::TryLockError::WouldBlock)) {
            return false;
        }
        let _ = fs::remove_file(data);
        drop(held);
        let _ = fs::remove_file(journal);
        true
    }

    /// Appends a claim about bytes that were written.
    ///
    /// # Errors
    /// Whatever the file system says; the bytes are then fetched again after a restart.
    pub(super) fn claim(&mut self, claim: Claim) -> io::Result<()> {
        self.journal.write_all(&claim.entry())
    }

    /// Forces the data to disk and moves it to its place, over whatever lies there. That it lies
    /// there is on disk only after [`sync_folder`]. Blocks.
    ///
    /// # Errors
    /// Whatever the file system says; everything is then still here.
    pub(super) fn publish(self, place: &Path) -> io::Result<()> {
        self.data.sync_all()?;
        readable_by_all(&self.data)?;
        self.data.set_modified(std::time::SystemTime::now())?;
        // Windows renames no open file.
        drop(self.data);
        fs::rename(&self.data_path, place)?;
        drop(self.journal);
        let _ = fs::remove_file(&self.journal_path);
        Ok(())
    }

    /// Where the data lies, for uploading it.
    #[must_use]
    pub(super) fn path(&self) -> &Path {
        &self.data_path
    }

    /// Removes both files. What cannot be removed is left for the next clean-up.
    pub(super) fn discard(self) {
        drop(self.data);
        let _ = fs::remove_file(&self.data_path);
        drop(self.journal);
        let _ = fs::remove_file(&self.journal_path);
    }

    /// Starts over: nothing that was written counts any more.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub(super) fn reset(&mut self, digest: &[u8; 32], size: u64) -> io::Result<()> {
        self.journal.set_len(0)?;
        self.journal.seek(SeekFrom::Start(0))?;
        self.journal.write_all(&journal::header(digest, size))
    }
}

pub(super) fn paths(folder: &Path, digest: &[u8; 32]) -> (PathBuf, PathBuf) {
    let hex = hex(digest);
    (folder.join(format!("{hex}.data")), folder.join(format!("{hex}.journal")))
}

/// Makes the file as long as it will be, and has the file system set the room aside where it can:
/// then a disk that is too full says so now and not in the middle.
fn reserve(file: &File, size: u64) -> io::Result<()> {
    match fs4::FileExt::allocate(file, size) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::StorageFull => Err(error),
        // Network and older file systems cannot.
        Err(_) => file.set_len(size),
    }?;
    // Some set room aside without making the file longer.
    if file.metadata()?.len() == size { Ok(()) } else { file.set_len(size) }
}

/// Lets everybody read a file that is to lie in a store: the server may be another user.
#[cfg(unix)]
pub(crate) fn readable_by_all(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
pub(crate) fn readable_by_all(_: &File) -> io::Result<()> {
    Ok(())
}

/// Forces what a folder lists to disk. Blocks.
///
/// # Errors
/// Whatever the file system says.
#[cfg(unix)]
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Elsewhere a folder cannot be opened; the rename itself is in the file system's own journal.
#[cfg(not(unix))]
pub(super) fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Reads exactly `bytes` at `offset`, without moving anybody's place in the file.
///
/// # Errors
/// `UnexpectedEof` when the file is shorter; whatever the file system says.
pub(super) fn read_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    #[cfg(unix)]
    {
        std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
    }
    #[cfg(windows)]
    {
        let mut done = 0;
        while done < bytes.len() {
            let at = offset + done as u64;
            match std::os::windows::fs::FileExt::seek_read(file, &mut bytes[done..], at)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => done += read,
            }
        }
        Ok(())
    }
}

/// Writes all `bytes` at `offset`, without moving anybody's place in the file.
///
/// # Errors
/// `StorageFull`; whatever the file system says.
pub(super) fn write_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    #[cfg(unix)]
    {
        std::os::unix::fs::FileExt::write_all_at(file, bytes, offset)
    }
    #[cfg(windows)]
    {
        let mut done = 0;
        while done < bytes.len() {
            let at = offset + done as u64;
            match std::os::windows::fs::FileExt::seek_write(file, &bytes[done..], at)? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                wrote => done += wrote,
            }
        }
        Ok(())
    }
}
