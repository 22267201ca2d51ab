//! What is on disk of a blob, written down so that a crash at any moment loses little.
//!
//! ```text
//! header   "corral\0\1" · size u64 · digest 32 bytes · CRC-32C of these           52 bytes
//! entry    offset u64 · length u32 · CRC-32C of the data u32 · CRC-32C of these   20 bytes
//! entry    …
//! ```
//!
//! An entry is a claim: these bytes were written, and their checksum is this one. It is appended
//! after the bytes, neither is forced to disk, and a power cut may keep any of the two. So nobody
//! believes a claim before the bytes have proved it. Entries end at the first one that is torn;
//! later ones take precedence over earlier ones about the same bytes.

use std::{collections::BTreeMap, ops::Range};

const MAGIC: &[u8; 8] = b"corral\0\x01";
const HEADER: usize = 52;
const ENTRY: usize = 20;

/// Bytes that are said to be on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Claim {
    pub(super) offset: u64,
    pub(super) length: u32,
    /// CRC-32C of the bytes.
    pub(super) sum: u32,
}

impl Claim {
    /// The bytes it is about.
    #[must_use]
    pub(super) fn range(&self) -> Range<u64> {
        self.offset..self.offset + u64::from(self.length)
    }

    /// As it is appended.
    #[must_use]
    pub(super) fn entry(&self) -> [u8; ENTRY] {
        let mut entry = [0; ENTRY];
        entry[..8].copy_from_slice(&self.offset.to_le_bytes());
        entry[8..12].copy_from_slice(&self.length.to_le_bytes());
        entry[12..16].copy_from_slice(&self.sum.to_le_bytes());
        let sum = crc32c::crc32c(&entry[..16]);
        entry[16..].copy_from_slice(&sum.to_le_bytes());
        entry
    }

    fn read(entry: &[u8; ENTRY], size: u64) -> Option<Claim> {
        let number = |at: usize| {
            u32::from_le_bytes([entry[at], entry[at + 1], entry[at + 2], entry[at + 3]])
        };
        if number(16) != crc32c::crc32c(&entry[..16]) {
            return None;
        }
        let offset = u64::from(number(0)) | u64::from(number(4)) << 32;
        let claim = Claim { offset, length: number(8), sum: number(12) };
        let end = offset.checked_add(u64::from(claim.length))?;
        (claim.length > 0 && end <= size).then_some(claim)
    }
}

/// The first bytes of the journal of a blob.
#[must_use]
pub(super) fn header(digest: &[u8; 32], size: u64) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    header[..8].copy_from_slice(MAGIC);
    header[8..16].copy_from_slice(&size.to_le_bytes());
    header[16..48].copy_from_slice(digest);
    let sum = crc32c::crc32c(&header[..48]);
    header[48..].copy_from_slice(&sum.to_le_bytes());
    header
}

/// What a journal says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Read {
    /// By offset; none overlaps another.
    pub(super) claims: Vec<Claim>,
    /// Bytes of the journal that are whole: where the next entry belongs.
    pub(super) end: u64,
}

/// Reads the journal of a blob; `None` when it is none of this blob, so that everything starts
/// anew.
#[must_use]
pub(super) fn read(bytes: &[u8], digest: &[u8; 32], size: u64) -> Option<Read> {
    let rest = bytes.strip_prefix(&header(digest, size))?;
    let mut claims: BTreeMap<u64, Claim> = BTreeMap::new();
    let mut end = HEADER;
    for entry in rest.chunks_exact(ENTRY) {
        let Some(claim) = entry.try_into().ok().and_then(|entry| Claim::read(entry, size)) else {
            break;
        };
        while let Some((at, other)) = claims.range(..claim.range().end).next_back() {
            if other.range().end <= claim.offset {
                break;
            }
            let at = *at;
            claims.remove(&at);
        }
        claims.insert(claim.offset, claim);
        end += ENTRY;
    }
    Some(Read { claims: claims.into_values().collect(), end: end as u64 })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DIGEST: [u8; 32] = [7; 32];
    const SIZE: u64 = 10_000;

    fn journal(claims: &[Claim]) -> Vec<u8> {
        let mut bytes = header(&DIGEST, SIZE).to_vec();
        claims.iter().for_each(|claim| bytes.extend(claim.entry()));
        bytes
    }

    fn claim(offset: u64, length: u32, sum: u32) -> Claim {
        Claim { offset, length, sum }
    }

    #[test]
    fn the_later_word_counts() {
        let bytes =
            journal(&[claim(0, 100, 1), claim(200, 100, 2), claim(50, 100, 3), claim(200, 100, 4)]);
        let read = read(&bytes, &DIGEST, SIZE).expect("this blob's");
        assert_eq!(read.claims, [claim(50, 100, 3), claim(200, 100, 4)]);
        assert_eq!(read.end, bytes.len() as u64);
    }

    #[test]
    fn another_blob_or_size_has_no_say() {
        let bytes = journal(&[claim(0, 100, 1)]);
        assert_eq!(read(&bytes, &[8; 32], SIZE), None);
        assert_eq!(read(&bytes, &DIGEST, SIZE + 1), None);
        assert_eq!(read(b"", &DIGEST, SIZE), None);
        let beyond = journal(&[claim(0, 100, 1), claim(SIZE - 1, 2, 1), claim(100, 1, 1)]);
        assert_eq!(read(&beyond, &DIGEST, SIZE).expect("this blob's").claims, [claim(0, 100, 1)]);
    }

    // criterion: 11.1
    #[test]
    fn twenty_gigabytes_are_written_down_in_less_than_a_megabyte() {
        const SIZE: u64 = 20_000_000_000;
        const CHUNK: u32 = 512 * 1024;
        let mut bytes = header(&DIGEST, SIZE).to_vec();
        // As sixteen connections fill it: each from its own place, in turns.
        let pieces = SIZE / u64::from(CHUNK);
        for turn in 0..pieces {
            let (line, step) = (turn % 16, turn / 16);
            let offset = (line * (pieces / 16) + step) * u64::from(CHUNK);
            bytes.extend(claim(offset, CHUNK, turn as u32).entry());
        }
        assert!(bytes.len() <= 1 << 20, "{}", bytes.len());
        let read = read(&bytes, &DIGEST, SIZE).expect("this blob's");
        assert!(read.claims.len() as u64 >= pieces - 16);
        assert!(read.claims.windows(2).all(|two| two[0].range().end <= two[1].offset));
    }

    proptest! {
        /// Torn at any byte, with any byte flipped: what is read was written.
        #[test]
        fn no_tear_makes_up_a_claim(lengths in prop::collection::vec(1_u32..400, 0..12), cut: prop::sample::Index, at: prop::sample::Index, flip in 1_u8..) {
            let mut offset = 0;
            let claims: Vec<Claim> = lengths.iter().map(|length| {
                let next = claim(offset, *length, offset as u32 ^ length);
                offset += u64::from(*length);
                next
            }).collect();
            let mut bytes = journal(&claims);
            bytes.truncate(cut.index(bytes.len() + 1));
            let whole = bytes.len();
            let torn = read(&bytes, &DIGEST, SIZE);
            if whole < HEADER {
                prop_assert_eq!(torn, None);
            } else {
                let count = (whole - HEADER) / ENTRY;
                prop_assert_eq!(torn.expect("whole header").claims, &claims[..count]);
            }
            if whole > 0 {
                let place = at.index(whole);
                bytes[place] ^= flip;
                if let Some(read) = read(&bytes, &DIGEST, SIZE) {
                    prop_assert!(read.claims.iter().all(|claim| claims.contains(claim)));
                }
            }
        }
    }
}
