//! The files of a log: the newest and those it was rotated to, read in blocks of whole lines from
//! either end, never as a whole.
//!
//! A file is known by its first line, which holds for a rename, for a copy that is then cut, and on
//! every system.

use std::{
    fs::File,
    io::{ErrorKind, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use corral_contract::{ErrorCode, Timestamp, WireError};

use super::line;
use crate::{Result, clock::Clock};

/// The part of the first line that makes a file known.
const HEAD: u64 = 1024;
/// A line longer than this is read in pieces.
const LONGEST_LINE: usize = 1024 * 1024;
/// How far a time is looked for.
const TIMELESS: u64 = 1024 * 1024;
/// Rotated files that are looked for.
const ROTATED: u32 = 9;

/// One file, open.
pub(super) struct Part {
    pub(super) path: PathBuf,
    pub(super) file: File,
    /// 0 while its first line is not whole.
    pub(super) id: u32,
    /// When it was opened; what is added later is not looked at.
    pub(super) size: u64,
}

/// A place in a log: a file and a byte in it at which a line begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) file: u32,
    pub(super) at: u64,
}

impl Place {
    pub(super) fn write(self) -> String {
        format!("f:{:08x}:{}", self.file, self.at)
    }

    pub(super) fn parse(text: &str) -> Option<Place> {
        let (file, at) = text.strip_prefix("f:")?.split_once(':')?;
        Some(Place { file: u32::from_str_radix(file, 16).ok()?, at: at.parse().ok()? })
    }
}

/// The files of a log, oldest first. Blocks.
pub(super) struct Parts(pub(super) Vec<Part>);

impl Parts {
    /// Opens what is there of the newest file and those it was rotated to.
    ///
    /// # Errors
    /// `FILE_SYSTEM` when the newest may not be read. None that is missing is an error.
    pub(super) fn open(files: &[PathBuf]) -> Result<Parts> {
        let mut parts: Vec<Part> = Vec::new();
        for (place, path) in files.iter().enumerate() {
            match open(path) {
                Ok(Some(part)) if !parts.iter().any(|each| each.path == part.path) => {
                    parts.push(part);
                }
                Ok(_) => {}
                Err(error) if place == 0 => return Err(failed(path, &error)),
                // An old one that is locked or another's takes nothing from the newest.
                Err(_) => {}
            }
        }
        parts.reverse();
        Ok(Parts(parts))
    }

    pub(super) fn bytes(&self) -> u64 {
        self.0.iter().map(|part| part.size).sum()
    }

    /// Where a place is now: which file, and whether it still reaches that far.
    pub(super) fn find(&self, place: Place) -> Option<usize> {
        self.0.iter().rposition(|part| part.id == place.file && part.size >= place.at).or_else(
            // A first line that was not whole then may be now.
            || {
                let newest = self.0.len().checked_sub(1)?;
                (place.file == 0 && self.0[newest].size >= place.at).then_some(newest)
            },
        )
    }

    /// The end of the newest file.
    pub(super) fn end(&self) -> Option<(usize, u64)> {
        let newest = self.0.len().checked_sub(1)?;
        Some((newest, self.0[newest].size))
    }

    /// The first line of or after a time, as far as times rise; the end when all is before it.
    ///
    /// # Errors
    /// `FILE_SYSTEM`.
    pub(super) fn seek(&self, at: Timestamp, clock: &dyn Clock) -> Result<Option<(usize, u64)>> {
        for (index, part) in self.0.iter().enumerate() {
            // The last line of a file tells whether it is all before.
            let newest = index + 1 == self.0.len();
            let found = part.bisect(at, clock)?;
            if found < part.size || newest {
                return Ok(Some((index, found)));
            }
        }
        Ok(None)
    }
}

impl Part {
    /// Whole lines before `end`, about `size` bytes of them, and where they begin. The last one may
    /// lack its end. Never empty before the beginning of the file.
    ///
    /// # Errors
    /// `FILE_SYSTEM`.
    pub(super) fn before(&self, end: u64, size: usize) -> Result<(u64, Vec<u8>)> {
        let mut size = size;
        loop {
            let start = end.saturating_sub(size as u64);
            let mut bytes = self.read(start, (end - start) as usize)?;
            if start == 0 {
                return Ok((0, bytes));
            }
            // The byte before tells whether a line begins exactly here.
            if let Some(first) = memchr::memchr(b'\n', &bytes)
                && first + 1 < bytes.len()
            {
                bytes.drain(..=first);
                return Ok((start + first as u64 + 1, bytes));
            }
            if size >= LONGEST_LINE {
                return Ok((start, bytes));
            }
            size = (size * 4).min(LONGEST_LINE);
        }
    }

    /// Whole lines from `start` on, about `size` bytes of them; at the end of the file the last one
    /// may lack its end.
    ///
    /// # Errors
    /// `FILE_SYSTEM`.
    pub(super) fn after(&self, start: u64, size: usize) -> Result<Vec<u8>> {
        let mut size = size;
        loop {
            let left = self.size.saturating_sub(start);
            let mut bytes = self.read(start, size.min(usize::try_from(left).unwrap_or(size)))?;
            if bytes.len() as u64 >= left {
                return Ok(bytes);
            }
            if let Some(last) = memchr::memrchr(b'\n', &bytes) {
                bytes.truncate(last + 1);
                return Ok(bytes);
            }
            if size >= LONGEST_LINE {
                return Ok(bytes);
            }
            size = (size * 4).min(LONGEST_LINE);
        }
    }

    /// The byte of the first line of or after a time. Right where times rise; where a clock was set
    /// back it is one of the places between which the time lies.
    fn bisect(&self, at: Timestamp, clock: &dyn Clock) -> Result<u64> {
        let (mut low, mut high) = (0, self.size);
        while low < high {
            let middle = low + (high - low) / 2;
            // What comes without a time behind the last one with a time counts as late enough.
            let late = self.timed(middle, clock)?.is_none_or(|(_, time)| time >= at);
            if late {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        match self.timed(low, clock)? {
            Some((begins, _)) => Ok(begins),
            None => self.line_at_or_after(low),
        }
    }

    /// The first line with a time that begins at or after `from`, not looked for without end.
    fn timed(&self, from: u64, clock: &dyn Clock) -> Result<Option<(u64, Timestamp)>> {
        let mut at = self.line_at_or_after(from)?;
        let end = at.saturating_add(TIMELESS);
        while at < end.min(self.size) {
            let bytes = self.after(at, 16 * 1024)?;
            if bytes.is_empty() {
                break;
            }
            for line in bytes.split_inclusive(|byte| *byte == b'\n') {
                if let Some(time) = line::time_of(line, clock) {
                    return Ok(Some((at, time)));
                }
                at += line.len() as u64;
            }
        }
        Ok(None)
    }

    /// The beginning of the first line at or after a byte.
    fn line_at_or_after(&self, at: u64) -> Result<u64> {
        if at == 0 {
            return Ok(0);
        }
        let mut from = at - 1;
        while from < self.size {
            let bytes = self.read(from, 4096)?;
            if bytes.is_empty() {
                break;
            }
            if let Some(end) = memchr::memchr(b'\n', &bytes) {
                return Ok(from + end as u64 + 1);
            }
            from += bytes.len() as u64;
        }
        Ok(self.size)
    }

    /// Bytes from a place on; fewer when the file became shorter meanwhile.
    fn read(&self, start: u64, length: usize) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.read_into(start, length, &mut bytes)?;
        Ok(bytes)
    }

    /// As [`Part::read`], into a buffer that is used again.
    pub(super) fn read_into(&self, start: u64, length: usize, bytes: &mut Vec<u8>) -> Result<()> {
        bytes.clear();
        let mut file = &self.file;
        file.seek(SeekFrom::Start(start))
            .and_then(|_| file.take(length as u64).read_to_end(bytes))
            .map_err(|error| failed(&self.path, &error))?;
        Ok(())
    }
}

/// Opens a file; `None` when it is not there.
fn open(path: &Path) -> std::io::Result<Option<Part>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let facts = file.metadata()?;
    if !facts.is_file() {
        return Err(std::io::Error::new(ErrorKind::InvalidInput, "not a file"));
    }
    let mut head = Vec::new();
    (&file).take(HEAD).read_to_end(&mut head)?;
    let whole = memchr::memchr(b'\n', &head).or((head.len() as u64 == HEAD).then_some(head.len()));
    // 0 stands for a first line that is not whole.
    let id = whole.map_or(0, |end| crc32c::crc32c(&head[..end]).max(1));
    Ok(Some(Part { path: path.to_owned(), file, id, size: facts.len() }))
}

fn failed(path: &Path, error: &std::io::Error) -> WireError {
    WireError::new(ErrorCode::FileSystem).with("path", path.display()).detail(error.to_string())
}

/// A file and what it would be rotated to, by Ollama (`server-1.log`) and by others
/// (`server.log.1`), the newest first.
pub(super) fn with_rotated(path: &Path) -> Vec<PathBuf> {
    let mut files = vec![path.to_owned()];
    let (Some(stem), Some(name)) = (path.file_stem(), path.file_name()) else { return files };
    for number in 1..=ROTATED {
        let mut other = stem.to_owned();
        other.push(format!("-{number}"));
        if let Some(ending) = path.extension() {
            other.push(".");
            other.push(ending);
        }
        let mut behind = name.to_owned();
        behind.push(format!(".{number}"));
        files.push(path.with_file_name(other));
        files.push(path.with_file_name(behind));
    }
    files
}
