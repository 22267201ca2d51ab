//! The heads of a tar file: just as much of POSIX `ustar` as a file of models needs, with sizes above
//! eight gigabytes as GNU and BSD write them.

/// Everything in a tar file is a multiple of this.
pub(super) const BLOCK: u64 = 512;
/// What ends a tar file.
pub(super) const END: u64 = 2 * BLOCK;

/// The largest size that fits the octal digits of the field.
const OCTAL: u64 = (1 << 33) - 1;
const NAME: usize = 100;
const PREFIX: usize = 155;

/// A size, filled up to whole blocks; `None` when there is no such number.
pub(super) fn padded(size: u64) -> Option<u64> {
    size.checked_next_multiple_of(BLOCK)
}

/// The head of an ordinary file that everybody may read; `None` when its path does not fit.
/// `modified` is in seconds since 1970.
pub(super) fn head(path: &str, size: u64, modified: u64) -> Option<[u8; BLOCK as usize]> {
    let mut head = [0; BLOCK as usize];
    let (prefix, name) = split(path)?;
    put(&mut head, 0, name.as_bytes());
    put(&mut head, 100, b"0000644\0");
    put(&mut head, 108, b"0000000\0");
    put(&mut head, 116, b"0000000\0");
    if size <= OCTAL {
        put(&mut head, 124, format!("{size:011o}\0").as_bytes());
    } else {
        put(&mut head, 124, &[0x80, 0, 0, 0]);
        put(&mut head, 128, &size.to_be_bytes());
    }
    put(&mut head, 136, format!("{:011o}\0", modified.min(OCTAL)).as_bytes());
    put(&mut head, 156, b"0ustar\x0000");
    put(&mut head, 345, prefix.as_bytes());
    let sum = sum(&head);
    put(&mut head, 148, format!("{sum:06o}\0 ").as_bytes());
    Some(head)
}

/// Path and size of an ordinary file; `None` when these bytes are no such head.
pub(super) fn read(head: &[u8; BLOCK as usize]) -> Option<(String, u64)> {
    if octal(&head[148..156])? != u64::from(sum(head)) || head[156] != b'0' {
        return None;
    }
    let text = |bytes: &[u8]| {
        let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
        std::str::from_utf8(&bytes[..end]).ok().map(str::to_owned)
    };
    let (name, prefix) = (text(&head[..100])?, text(&head[345..500])?);
    let path = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
    let size = match &head[124..136] {
        [0x80, 0, 0, 0, rest @ ..] => u64::from_be_bytes(rest.try_into().ok()?),
        digits => octal(digits)?,
    };
    Some((path, size))
}

/// The two fields of a path: the second is the longest part after a `/` that fits.
fn split(path: &str) -> Option<(&str, &str)> {
    if path.len() <= NAME {
        return Some(("", path));
    }
    let places = path.match_indices('/').map(|(place, _)| place);
    let place = places.into_iter().find(|place| path.len() - place - 1 <= NAME)?;
    (place <= PREFIX).then(|| (&path[..place], &path[place + 1..]))
}

fn put(head: &mut [u8; BLOCK as usize], at: usize, bytes: &[u8]) {
    head[at..at + bytes.len()].copy_from_slice(bytes);
}

fn octal(field: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(field).ok()?.trim_matches(['\0', ' ']);
    u64::from_str_radix(text, 8).ok()
}

/// The sum of all bytes, those of the sum itself counted as blanks.
fn sum(head: &[u8; BLOCK as usize]) -> u32 {
    let byte = |(place, byte): (usize, &u8)| {
        u32::from(if (148..156).contains(&place) { b' ' } else { *byte })
    };
    head.iter().enumerate().map(byte).sum()
}

#[cfg(test)]
mod tests {
    use super::{head, read};

    #[test]
    fn a_head_says_what_was_written() {
        let long = format!("manifests/registry.example/{}/{}", "m".repeat(80), "t".repeat(80));
        for (path, size) in [("corral.json", 0), ("blobs/x", 7), (&long, 9 << 30), ("y", u64::MAX)]
        {
            let bytes = head(path, size, 1_700_000_000).expect("it fits");
            assert_eq!(read(&bytes), Some((path.to_owned(), size)));
        }
        assert_eq!(head(&"x".repeat(300), 1, 0), None);
    }

    #[test]
    fn a_changed_head_is_none() {
        let mut bytes = head("corral.json", 12, 0).expect("it fits");
        bytes[3] ^= 1;
        assert_eq!(read(&bytes), None);
        assert_eq!(read(&[0; 512]), None);
    }
}
