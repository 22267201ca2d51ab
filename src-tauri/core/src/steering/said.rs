//! The last lines that a server wrote, to tell why it does not run.

use std::{io::SeekFrom, path::Path};

use tokio::io::{AsyncReadExt, AsyncSeekExt};

use super::{Call, LogSource, Outside};
use crate::logs;

/// How much of the end of a file is read, in bytes.
const END: u64 = 64 * 1024;

/// The last `most` lines without secrets, oldest first; none where nothing can be read.
pub(crate) async fn last_lines(
    outside: &dyn Outside,
    source: &LogSource,
    most: usize,
) -> Vec<String> {
    let text = match source {
        LogSource::Files(files) => match files.first() {
            Some(file) => end_of(file).await.unwrap_or_default(),
            None => String::new(),
        },
        LogSource::Journal { unit, user } => {
            let count = most.to_string();
            let mut words = vec!["--no-pager", "--output=cat", "--lines", &count];
            if *user {
                words.push("--user");
            }
            words.extend(["--unit", unit]);
            // Who may not read the journal sees no lines.
            outside.run(&Call::new("journalctl", &words)).await.unwrap_or_default().said
        }
        LogSource::Nowhere => String::new(),
    };
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let skip = lines.len().saturating_sub(most);
    lines[skip..].iter().map(|line| logs::redact(line)).collect()
}

/// The beginning and the end of what a server wrote, as far as it may hold a line with `word`; as
/// it was written, secrets included.
pub(crate) async fn lines_with(outside: &dyn Outside, source: &LogSource, word: &str) -> String {
    match source {
        LogSource::Files(files) => {
            let Some(file) = files.first() else { return String::new() };
            let begin = begin_of(file).await.unwrap_or_default();
            let end = end_of(file).await.unwrap_or_default();
            format!("{begin}\n{end}")
        }
        LogSource::Journal { unit, user } => {
            let mut words = vec!["--no-pager", "--output=cat", "--lines=1", "--grep", word];
            if *user {
                words.push("--user");
            }
            words.extend(["--unit", unit]);
            outside.run(&Call::new("journalctl", &words)).await.unwrap_or_default().said
        }
        LogSource::Nowhere => String::new(),
    }
}

async fn begin_of(file: &Path) -> Option<String> {
    let mut bytes = Vec::new();
    tokio::fs::File::open(file).await.ok()?.take(END).read_to_end(&mut bytes).await.ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

async fn end_of(file: &Path) -> Option<String> {
    let mut file = tokio::fs::File::open(file).await.ok()?;
    let length = file.metadata().await.ok()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(END))).await.ok()?;
    let mut bytes = Vec::new();
    file.take(END).read_to_end(&mut bytes).await.ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}
