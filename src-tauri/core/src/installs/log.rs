//! What the server writes, in files that Corral rotates.
//!
//! The server holds its file itself: over a pipe it would die with Corral. So a file that grew too
//! large is copied aside and emptied in place, which may cost the lines of that very moment.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use crate::logs::redact;

/// Old files that are kept.
const OLD: usize = 5;
/// A file above this is put aside, in bytes.
const LARGEST: u64 = 16 * 1024 * 1024;
/// Lines of the end that are kept of a server that died, and bytes that are read for them.
const LAST_LINES: usize = 20;
const LAST_BYTES: u64 = 64 * 1024;

/// The file that the server writes now.
pub(super) fn current(folder: &Path) -> PathBuf {
    folder.join("server.log")
}

/// The file of now and the older ones, the newest first.
pub(super) fn files(folder: &Path) -> Vec<PathBuf> {
    std::iter::once(current(folder)).chain((1..=OLD).map(|number| old(folder, number))).collect()
}

fn old(folder: &Path, number: usize) -> PathBuf {
    folder.join(format!("server-{number}.log"))
}

/// Opens a new file for a server that is about to start. Blocks.
///
/// # Errors
/// Whatever the file system says.
pub(super) fn begin(folder: &Path) -> io::Result<File> {
    fs::create_dir_all(folder)?;
    if fs::metadata(current(folder)).is_ok_and(|facts| facts.len() > 0) {
        shift(folder);
        fs::rename(current(folder), old(folder, 1))?;
    }
    OpenOptions::new().create(true).append(true).open(current(folder))
}

/// Puts the file aside if it grew too large. Blocks.
pub(super) fn rotate(folder: &Path) {
    let path = current(folder);
    if fs::metadata(&path).is_ok_and(|facts| facts.len() > LARGEST) {
        shift(folder);
        let emptied = fs::copy(&path, old(folder, 1))
            .and_then(|_| OpenOptions::new().write(true).open(&path)?.set_len(0));
        if let Err(error) = emptied {
            tracing::warn!(%error, "the log of the server was not put aside");
        }
    }
}

/// Makes room for number one.
fn shift(folder: &Path) {
    for number in (1..OLD).rev() {
        let _ = fs::rename(old(folder, number), old(folder, number + 1));
    }
}

/// The last lines from a place on, redacted. Blocks.
pub(super) fn last_lines(folder: &Path, from: u64) -> Vec<String> {
    let text = tail(folder, from).unwrap_or_default();
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let first = lines.len().saturating_sub(LAST_LINES);
    lines[first..].iter().map(|line| redact(line)).collect()
}

fn tail(folder: &Path, from: u64) -> io::Result<String> {
    let mut file = File::open(current(folder))?;
    let length = file.metadata()?.len();
    let from = if from > length { 0 } else { from };
    file.seek(SeekFrom::Start(from.max(length.saturating_sub(LAST_BYTES))))?;
    let mut bytes = Vec::new();
    file.take(LAST_BYTES).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Write};

    use super::{LARGEST, begin, current, files, last_lines, rotate};

    #[test]
    fn each_start_has_a_file_and_a_full_one_is_put_aside_under_the_writer() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        for start in 0..8 {
            let mut file = begin(folder).expect("a file");
            writeln!(file, "start {start}").expect("a line");
        }
        let there: Vec<_> = files(folder).into_iter().filter(|file| file.exists()).collect();
        assert_eq!(there.len(), 6);
        assert_eq!(fs::read_to_string(&there[1]).expect("the one before"), "start 6\n");

        let mut file = begin(folder).expect("a file");
        file.write_all(&vec![b'x'; LARGEST as usize]).expect("much");
        writeln!(file, "\nthe end").expect("a line");
        rotate(folder);
        assert_eq!(fs::metadata(current(folder)).expect("the file").len(), 0);
        writeln!(file, "after").expect("the writer goes on");
        assert_eq!(last_lines(folder, 0), ["after"]);
        assert!(fs::read_to_string(folder.join("server-1.log")).expect("aside").ends_with("end\n"));
    }
}
