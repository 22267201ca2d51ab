//! Looking for a text in files, from the end to the beginning. Blocks.

use std::sync::Arc;

use corral_contract::serverlogs::{LineLevel, MOST_HITS};
use regex::bytes::{Regex, RegexBuilder};

use super::{
    line,
    parts::{Parts, Place},
};
use crate::{Result, clock::Clock};

/// Looked through at once, in bytes.
const BLOCK: usize = 1024 * 1024;

/// What is looked for.
pub(super) struct Wanted {
    pub(super) pattern: Regex,
    pub(super) least: LineLevel,
    pub(super) clock: Arc<dyn Clock>,
}

/// What was found so far.
#[derive(Default, Clone)]
pub(super) struct Hits {
    /// Newest first, at most [`MOST_HITS`].
    pub(super) places: Vec<String>,
    pub(super) count: u64,
    pub(super) done: u64,
}

impl Hits {
    fn take(&mut self, found: &[Place]) {
        self.count += found.len() as u64;
        let room = MOST_HITS - self.places.len();
        self.places.extend(found.iter().rev().take(room).map(|place| place.write()));
    }
}

/// The text itself, whatever its case; nothing in it has a meaning of its own.
pub(super) fn pattern(text: &str) -> std::result::Result<Regex, regex::Error> {
    RegexBuilder::new(&regex::escape(text)).case_insensitive(true).build()
}

/// Looks through `parts` between two places. `go_on` hears what was found after each block and
/// answers whether to go on.
///
/// # Errors
/// `FILE_SYSTEM`.
pub(super) fn find(
    parts: &Parts,
    (first, last): ((usize, u64), (usize, u64)),
    wanted: &Wanted,
    mut go_on: impl FnMut(&Hits) -> bool,
) -> Result<Hits> {
    let mut hits = Hits::default();
    for index in (first.0..=last.0).rev() {
        let Some(part) = parts.0.get(index) else { continue };
        let begin = if index == first.0 { first.1 } else { 0 };
        let mut end = if index == last.0 { last.1 } else { part.size };
        while end > begin {
            let (start, bytes) = part.before(end, BLOCK)?;
            // Lines before the beginning are in the block, too.
            let skip = usize::try_from(begin.saturating_sub(start)).unwrap_or(0);
            let found =
                in_block(&bytes[skip.min(bytes.len())..], part.id, start.max(begin), wanted);
            hits.take(&found);
            hits.done += end - start.max(begin);
            end = start;
            if !go_on(&hits) {
                return Ok(hits);
            }
        }
    }
    Ok(hits)
}

/// The lines of a block that hold it.
fn in_block(bytes: &[u8], file: u32, begins: u64, wanted: &Wanted) -> Vec<Place> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(hit) = wanted.pattern.find_at(bytes, from) {
        let start = memchr::memrchr(b'\n', &bytes[..hit.start()]).map_or(0, |end| end + 1);
        let end = memchr::memchr(b'\n', &bytes[hit.end()..]);
        let end = end.map_or(bytes.len(), |end| hit.end() + end);
        let passes = wanted.least == LineLevel::Debug
            || line::read(&bytes[start..end], String::new(), LineLevel::Info, &*wanted.clock).level
                >= wanted.least;
        if passes {
            found.push(Place { file, at: begins + start as u64 });
        }
        from = end + 1;
        if from >= bytes.len() {
            break;
        }
    }
    found
}
