//! Pages of lines out of files. Everything here blocks.

use corral_contract::serverlogs::{LineLevel, LogLine};

use super::{
    line,
    parts::{Parts, Place},
};
use crate::{Result, clock::Clock};

/// Read at once, in bytes.
const BLOCK: usize = 128 * 1024;
/// Most that is looked through for one page, in bytes: a filter that lets nothing pass answers in
/// between.
const BUDGET: u64 = 16 * 1024 * 1024;

/// Lines and how to go on.
pub(super) struct Taken {
    pub(super) lines: Vec<LogLine>,
    pub(super) earlier: Option<String>,
    pub(super) later: Option<String>,
}

/// What is let through.
pub(super) struct Sieve<'a> {
    pub(super) least: LineLevel,
    pub(super) limit: usize,
    pub(super) clock: &'a dyn Clock,
}

/// The lines before a place, as many as are asked for.
///
/// # Errors
/// `FILE_SYSTEM`.
pub(super) fn before(parts: &Parts, from: (usize, u64), sieve: &Sieve<'_>) -> Result<Taken> {
    let (mut index, mut end) = from;
    let mut kept: Vec<LogLine> = Vec::new();
    let mut read = 0;
    let mut size = BLOCK.min(sieve.limit.max(16) * 512);
    while let Some(part) = parts.0.get(index) {
        if end == 0 {
            if index == 0 {
                break;
            }
            index -= 1;
            end = parts.0[index].size;
            continue;
        }
        let (start, bytes) = part.before(end, size)?;
        size = BLOCK;
        read += end - start;
        let mut found = lines(&bytes, Place { file: part.id, at: start }, sieve);
        end = start;
        let room = sieve.limit - kept.len();
        if found.len() >= room {
            found.drain(..found.len() - room);
            // What is above the first of these comes next.
            if let Some(first) = found.first().and_then(|line| Place::parse(&line.place)) {
                end = first.at;
            }
        }
        found.append(&mut kept);
        kept = found;
        if kept.len() >= sieve.limit || read >= BUDGET {
            break;
        }
    }
    let at_beginning = end == 0 && index == 0;
    let earlier = parts.0.get(index).filter(|_| !at_beginning);
    let later = parts.0.get(from.0);
    Ok(Taken {
        lines: kept,
        earlier: earlier.map(|part| Place { file: part.id, at: end }.write()),
        later: later.map(|part| Place { file: part.id, at: from.1 }.write()),
    })
}

/// The lines from a place on.
///
/// # Errors
/// `FILE_SYSTEM`.
pub(super) fn after(parts: &Parts, from: (usize, u64), sieve: &Sieve<'_>) -> Result<Taken> {
    let (mut index, mut at) = from;
    let mut kept: Vec<LogLine> = Vec::new();
    let mut read = 0;
    while let Some(part) = parts.0.get(index) {
        if at >= part.size {
            if index + 1 == parts.0.len() {
                break;
            }
            index += 1;
            at = 0;
            continue;
        }
        let bytes = part.after(at, BLOCK)?;
        if bytes.is_empty() {
            break;
        }
        read += bytes.len() as u64;
        let begins = Place { file: part.id, at };
        at += bytes.len() as u64;
        let mut found = lines(&bytes, begins, sieve);
        let room = sieve.limit - kept.len();
        if let Some(next) = found.get(room).and_then(|line| Place::parse(&line.place)) {
            at = next.at;
            found.truncate(room);
        }
        kept.append(&mut found);
        if kept.len() >= sieve.limit || read >= BUDGET {
            break;
        }
    }
    let at_end = parts.end().is_none_or(|end| (index, at) >= end);
    let later = parts.0.get(index).filter(|_| !at_end);
    let earlier = parts.0.get(from.0).filter(|_| from != (0, 0));
    Ok(Taken {
        lines: kept,
        earlier: earlier.map(|part| Place { file: part.id, at: from.1 }.write()),
        later: later.map(|part| Place { file: part.id, at }.write()),
    })
}

/// The lines of a block that pass, with their places.
pub(super) fn lines(bytes: &[u8], begins: Place, sieve: &Sieve<'_>) -> Vec<LogLine> {
    let mut found = Vec::new();
    let mut above = LineLevel::Info;
    let mut at = begins.at;
    for bytes in bytes.split_inclusive(|byte| *byte == b'\n') {
        let place = Place { file: begins.file, at };
        at += bytes.len() as u64;
        let trimmed = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        let trimmed = trimmed.strip_suffix(b"\r").unwrap_or(trimmed);
        if trimmed.is_empty() {
            continue;
        }
        let mut line = line::read(trimmed, place.write(), above, sieve.clock);
        above = line.level;
        if line.level >= sieve.least {
            line::clean(&mut line);
            found.push(line);
        }
    }
    found
}

/// Where the next whole line will begin: after the last line feed of the newest file.
///
/// # Errors
/// `FILE_SYSTEM`.
pub(super) fn end(parts: &Parts) -> Result<Option<Place>> {
    let Some(part) = parts.0.last() else { return Ok(None) };
    let mut end = part.size;
    while end > 0 {
        let (start, bytes) = part.before(end, BLOCK)?;
        if let Some(feed) = memchr::memrchr(b'\n', &bytes) {
            end = start + feed as u64 + 1;
            break;
        }
        end = start;
        // What stands before a whole line is one, too.
        if start > 0 && !bytes.is_empty() {
            break;
        }
    }
    Ok(Some(Place { file: part.id, at: end }))
}
