//! Taking over what Ollama's own puller left of a blob.
//!
//! It keeps a data file of the full length and one note per part that says how much of it came. Its
//! bytes become claims of a journal of ours, like those of any earlier attempt: the SHA-256 proves
//! them in the end. The journal is written first, then the data file changes its name, then the
//! notes go; an end in between costs no byte.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Seek, SeekFrom, Write as _},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use super::{
    journal::{self, Claim},
    small,
    staging::{paths, read_at},
    sum_of,
};

/// The server writes nothing for this long at most while it fetches, so that files that changed
/// within it may still be in use.
const ACTIVE: Duration = Duration::from_secs(35);
/// Bytes that one claim is about.
const PIECE: u64 = 512 << 10;
/// Most parts of one blob; the server makes as many for the largest blob that is believed.
const MOST_PARTS: usize = 1 << 20;
/// Largest note, in bytes.
const LARGEST_NOTE: u64 = 4096;

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Adopted {
    /// There is nothing that could be taken over.
    Nothing,
    /// The server seems to be fetching it.
    Active,
    /// So many bytes need not be fetched, if they prove themselves.
    Bytes(u64),
}

/// A note of the server about one part.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Note {
    n: u64,
    offset: u64,
    size: u64,
    completed: u64,
}

/// The files of a partial download in a folder of blobs.
#[derive(Debug, Default)]
struct Partial {
    data: Option<PathBuf>,
    notes: Vec<PathBuf>,
}

/// Whether a file changed a moment ago; what changed in the future did so not long ago, either.
pub(super) fn is_active(file: &Path, now: SystemTime) -> bool {
    let changed = fs::metadata(file).and_then(|facts| facts.modified());
    changed.is_ok_and(|at| now.duration_since(at).map_or(true, |age| age < ACTIVE))
}

impl Partial {
    fn is_active(&self) -> bool {
        let now = SystemTime::now();
        self.data.iter().chain(&self.notes).any(|file| is_active(file, now))
    }

    fn of(blobs: &Path, hex: &str) -> io::Result<Partial> {
        let name = format!("sha256-{hex}-partial");
        let mut found = Partial::default();
        for entry in fs::read_dir(blobs)?.flatten() {
            let file = entry.file_name();
            let Some(rest) = file.to_str().and_then(|file| file.strip_prefix(&name)) else {
                continue;
            };
            match rest.strip_prefix('-') {
                None if rest.is_empty() => found.data = Some(entry.path()),
                Some(_) if found.notes.len() < MOST_PARTS => found.notes.push(entry.path()),
                _ => {}
            }
        }
        Ok(found)
    }
}

/// Takes over the partial download of a blob, if there is one that nobody works on and that agrees
/// with itself. Reads once what it claims. Blocks.
///
/// # Errors
/// Whatever the file system says; everything is then still where it was, or taken over but for
/// notes that the next call removes.
pub fn adopt(
    blobs: &Path,
    staging: &Path,
    digest: &str,
    size: u64,
    token: &CancellationToken,
) -> io::Result<Adopted> {
    let (Some(sum), Some(hex)) = (sum_of(digest), digest.strip_prefix("sha256:")) else {
        return Ok(Adopted::Nothing);
    };
    if size <= small::LARGEST {
        // Fetched in one answer sooner than it is proved.
        return Ok(Adopted::Nothing);
    }
    let found = Partial::of(blobs, hex)?;
    let (data_path, journal_path) = paths(staging, &sum);
    let Some(partial) = &found.data else {
        // Notes without data are what an adoption left that did not come to its end.
        if data_path.is_file() && !found.is_active() {
            remove_all(&found.notes);
        }
        return Ok(Adopted::Nothing);
    };
    if data_path.exists() {
        return Ok(Adopted::Nothing);
    }
    if found.is_active() {
        return Ok(Adopted::Active);
    }
    let data = OpenOptions::new().read(true).write(true).open(partial)?;
    let Some(parts) = agreeing(&found.notes, data.metadata()?.len(), size) else {
        return Ok(Adopted::Nothing);
    };
    fs::create_dir_all(staging)?;
    let mut open = OpenOptions::new();
    let mut journal =
        open.read(true).write(true).create(true).truncate(false).open(&journal_path)?;
    if matches!(journal.try_lock(), Err(fs::TryLockError::WouldBlock)) {
        return Ok(Adopted::Nothing);
    }
    let mut entries = journal::header(&sum, size).to_vec();
    let mut bytes = 0;
    for part in parts {
        bytes += part.completed;
        if !claim(&data, &part, &mut entries, token)? {
            let _ = fs::remove_file(&journal_path);
            return Ok(Adopted::Nothing);
        }
    }
    // Room for the rest, as for every blob that begins here.
    if let Err(error) = fs4::FileExt::allocate(&data, size)
        && error.kind() == io::ErrorKind::StorageFull
    {
        let _ = fs::remove_file(&journal_path);
        return Err(error);
    }
    journal.set_len(0)?;
    journal.seek(SeekFrom::Start(0))?;
    journal.write_all(&entries)?;
    // Windows renames no open file.
    drop(data);
    fs::rename(partial, &data_path)?;
    remove_all(&found.notes);
    Ok(Adopted::Bytes(bytes))
}

/// The parts in their order, if they cover the blob without a gap.
fn agreeing(notes: &[PathBuf], length: u64, size: u64) -> Option<Vec<Note>> {
    if length != size || notes.is_empty() {
        return None;
    }
    let mut parts = notes.iter().map(|file| read(file)).collect::<Option<Vec<Note>>>()?;
    parts.sort_by_key(|part| part.n);
    let mut end = 0_u64;
    for (place, part) in parts.iter().enumerate() {
        if part.n != place as u64 || part.offset != end || part.completed > part.size {
            return None;
        }
        end = end.checked_add(part.size)?;
    }
    (end == size).then_some(parts)
}

fn read(file: &Path) -> Option<Note> {
    if fs::metadata(file).ok()?.len() > LARGEST_NOTE {
        return None;
    }
    serde_json::from_slice(&fs::read(file).ok()?).ok()
}

/// Appends claims about what came of a part; `false` when it was cancelled.
fn claim(
    data: &File,
    part: &Note,
    entries: &mut Vec<u8>,
    token: &CancellationToken,
) -> io::Result<bool> {
    let mut block = vec![0; PIECE as usize];
    let (mut at, end) = (part.offset, part.offset + part.completed);
    while at < end {
        if token.is_cancelled() {
            return Ok(false);
        }
        let length = PIECE.min(end - at);
        let bytes = block.get_mut(..length as usize).unwrap_or_default();
        read_at(data, bytes, at)?;
        let claim = Claim { offset: at, length: length as u32, sum: crc32c::crc32c(bytes) };
        entries.extend(claim.entry());
        at += length;
    }
    Ok(true)
}

fn remove_all(files: &[PathBuf]) {
    for file in files {
        if let Err(error) = fs::remove_file(file) {
            tracing::warn!(%error, "a note of a download of the server stays");
        }
    }
}
