//! Archives into a folder, and never out of it.
//!
//! What kind an archive is, its first bytes say. Entries are written as they come; links wait until
//! every file is there, so that nothing is ever written through one, and each is then held against
//! the folder. Nothing keeps more of its mode than the right to be read and run.

use std::{
    collections::HashSet,
    fs::{self, File},
    io::{self, BufReader, Read, Seek, SeekFrom},
    path::{Component, Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use corral_contract::{ErrorCode, WireError};
use tokio_util::sync::CancellationToken;

use crate::Result;

mod links;
mod tarball;
mod zipped;

use links::Links;

/// Most entries, and most bytes that they may have together.
const MOST_ENTRIES: u64 = 50_000;
const MOST_BYTES: u64 = 32 << 30;
/// Longest path of an entry, in bytes.
const LONGEST_PATH: usize = 1024;
/// Bytes that are copied at once.
const PIECE: usize = 256 * 1024;
/// So much of an archive is read at once.
const AHEAD: usize = 1 << 20;

/// What is told while it goes on, and what may end it.
pub(super) struct Watch<'a> {
    /// Bytes of the archive that were read.
    pub(super) read: &'a AtomicU64,
    pub(super) token: &'a CancellationToken,
}

/// Unpacks an archive into a folder that exists; answers the bytes that were written. Blocks.
///
/// # Errors
/// `ARCHIVE_REFUSED` with `why`: `notArchive`, `truncated`, `escape`, `link`, `tooMuch`; `CANCELLED`;
/// `DISK_FULL`, `STORE_PERMISSION`, `FILE_SYSTEM`. What was written by then stays.
pub(super) fn unpack(archive: &Path, folder: &Path, watch: &Watch<'_>) -> Result<u64> {
    let mut file = File::open(archive).map_err(of_disk)?;
    let mut head = [0; 4];
    let length = fill(&mut file, &mut head).map_err(of_disk)?;
    file.seek(SeekFrom::Start(0)).map_err(of_disk)?;
    let mut ground = Ground::new(folder, watch)?;
    let counted = Counted { file, watch };
    match &head[..length] {
        [0x28, 0xb5, 0x2f, 0xfd] => {
            let mut plain = zstd::Decoder::new(counted).map_err(broken)?;
            // As much as the makers' own packing asks for, and no more.
            plain.window_log_max(27).map_err(broken)?;
            tarball::unpack(BufReader::with_capacity(AHEAD, plain), &mut ground)?;
        }
        [0x1f, 0x8b, ..] => {
            let packed = BufReader::with_capacity(AHEAD, counted);
            let plain = flate2::bufread::MultiGzDecoder::new(packed);
            tarball::unpack(BufReader::with_capacity(AHEAD, plain), &mut ground)?;
        }
        [b'P', b'K', 3, 4] => {
            zipped::unpack(BufReader::with_capacity(AHEAD, counted), &mut ground)?;
        }
        _ => return Err(refused("notArchive")),
    }
    ground.finish()
}

/// The folder that everything goes into.
struct Ground<'a> {
    root: PathBuf,
    watch: &'a Watch<'a>,
    entries: u64,
    bytes: u64,
    /// Folders that are there.
    folders: HashSet<PathBuf>,
    links: Links,
    piece: Vec<u8>,
}

impl<'a> Ground<'a> {
    fn new(root: &Path, watch: &'a Watch<'a>) -> Result<Ground<'a>> {
        let root = dunce::canonicalize(root).map_err(of_disk)?;
        Ok(Ground {
            root,
            watch,
            entries: 0,
            bytes: 0,
            folders: HashSet::new(),
            links: Links::default(),
            piece: vec![0; PIECE],
        })
    }

    /// Another entry: where it goes, below the folder; `None` for the folder itself.
    fn enter(&mut self, name: &[u8], size: u64) -> Result<Option<PathBuf>> {
        self.entries += 1;
        if self.entries > MOST_ENTRIES || self.bytes.saturating_add(size) > MOST_BYTES {
            return Err(refused("tooMuch"));
        }
        let path = inside(name)?;
        Ok((!path.as_os_str().is_empty()).then_some(path))
    }

    fn folder(&mut self, path: &Path) -> Result<()> {
        if self.folders.contains(path) {
            return Ok(());
        }
        fs::create_dir_all(self.root.join(path)).map_err(of_disk)?;
        self.folders.insert(path.to_owned());
        Ok(())
    }

    /// Writes a file of at most `size` bytes.
    fn file(&mut self, path: &Path, mode: u32, size: u64, content: &mut dyn Read) -> Result<()> {
        if let Some(parent) = path.parent() {
            self.folder(parent)?;
        }
        let target = self.root.join(path);
        // Twice the same name: the later one counts, as everywhere.
        let _ = fs::remove_file(&target);
        let mut file = File::create_new(&target).map_err(of_disk)?;
        let mut left = size;
        loop {
            if self.watch.token.is_cancelled() {
                return Err(WireError::new(ErrorCode::Cancelled));
            }
            let read = content.read(&mut self.piece).map_err(broken)?;
            if read == 0 {
                break;
            }
            // More than was announced, or than anything may have.
            left = left.checked_sub(read as u64).ok_or_else(|| refused("tooMuch"))?;
            self.bytes += read as u64;
            if self.bytes > MOST_BYTES {
                return Err(refused("tooMuch"));
            }
            io::Write::write_all(&mut file, &self.piece[..read]).map_err(of_disk)?;
        }
        if left > 0 {
            return Err(refused("truncated"));
        }
        set_mode(&file, mode).map_err(of_disk)
    }

    fn finish(self) -> Result<u64> {
        self.links.make(&self.root)?;
        Ok(self.bytes)
    }
}

/// The path of an entry, without anything that leads elsewhere.
///
/// # Errors
/// `ARCHIVE_REFUSED` for a path that leaves the folder or that not every system can have.
fn inside(name: &[u8]) -> Result<PathBuf> {
    let text = std::str::from_utf8(name).map_err(|_| refused("escape"))?;
    let strange = |each: char| each.is_control() || matches!(each, '\\' | ':');
    if text.len() > LONGEST_PATH || text.contains(strange) {
        return Err(refused("escape").with("entry", shown(text)));
    }
    let mut path = PathBuf::new();
    for part in Path::new(text).components() {
        match part {
            Component::Normal(part) => path.push(part),
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => {
                return Err(refused("escape").with("entry", shown(text)));
            }
        }
    }
    Ok(path)
}

/// A name as an error may carry it.
fn shown(text: &str) -> String {
    text.chars().filter(|each| !each.is_control()).take(120).collect()
}

/// Counts what is read of an archive, and ends when it is told to.
struct Counted<'a> {
    file: File,
    watch: &'a Watch<'a>,
}

impl Read for Counted<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(bytes)?;
        self.watch.read.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

impl Seek for Counted<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

fn fill(file: &mut File, bytes: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while length < bytes.len() {
        match file.read(&mut bytes[length..])? {
            0 => break,
            read => length += read,
        }
    }
    Ok(length)
}

#[cfg(unix)]
fn set_mode(file: &File, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let run = if mode & 0o111 == 0 { 0o644 } else { 0o755 };
    file.set_permissions(fs::Permissions::from_mode(run))
}

#[cfg(not(unix))]
fn set_mode(_: &File, _: u32) -> io::Result<()> {
    Ok(())
}

pub(super) fn refused(why: &str) -> WireError {
    WireError::new(ErrorCode::ArchiveRefused).with("reason", why)
}

/// What a reader says of an archive.
fn broken(error: io::Error) -> WireError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => refused("truncated"),
        io::ErrorKind::StorageFull | io::ErrorKind::PermissionDenied => of_disk(error),
        _ => refused("damaged").detail(error.to_string()),
    }
}

/// What the file system says.
pub(super) fn of_disk(error: io::Error) -> WireError {
    let code = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ErrorCode::DiskFull,
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            ErrorCode::StorePermission
        }
        _ => ErrorCode::FileSystem,
    };
    WireError::new(code).detail(error.to_string())
}
