//! What a server writes about itself: pages of lines, what is added, and what is looked for.

use serde::{Deserialize, Serialize};

use crate::{
    InstanceId, Timestamp, WireError, command::Nothing, commands, instances::InstanceRef,
    models::OpRef, status::words,
};

/// Most lines of one page.
pub const MOST_LINES: u32 = 500;
/// Longest part of a line that is shown, in bytes.
pub const LINE_LENGTH: usize = 4096;
/// Hits of a search that are told; more are only counted.
pub const MOST_HITS: usize = 1000;

commands! { "serverlogs";
    /// A part of a server's log.
    read Page = page(PageRequest) -> LinePage,
    /// Tells the windows what is added as `AppEvent::LogLines`, until it is let go or no window is
    /// open any more.
    read Follow = follow(FollowRequest) -> Nothing,
    read Unfollow = unfollow(InstanceRef) -> Nothing,
    /// Begins to look for a text, from the end to the beginning; an earlier search in the same log
    /// ends. What is found comes as `AppEvent::LogSearch`.
    read Find = find(FindRequest) -> SearchRef,
    read StopFind = stop_find(InstanceRef) -> Nothing,
    /// Names the file of a server whose log Corral does not find, or lets Corral look again.
    write ChooseFile = set_file(SetFile) -> LogOrigin,
    /// Writes lines into a file of this machine, secrets taken out; follow it as a task.
    write Export = export(ExportLog) -> OpRef,
}

words! {
    /// Where the lines come from.
    OriginKind {
        Files = "files",
        Journal = "journal",
        /// Nothing here keeps them, or they are not to be seen from here.
        Nowhere = "nowhere",
    }
}

/// Where a log is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogOrigin {
    pub kind: OriginKind,
    /// Path of the newest file, or name of the unit.
    pub name: Option<String>,
    /// The user named the file.
    pub chosen: bool,
    /// Files that are there, the rotated ones included.
    pub files: u32,
    /// Bytes of them; `None` for a journal.
    pub bytes: Option<u64>,
    /// Key under `serverlogs.why` when there is nothing to read.
    pub why: Option<String>,
}

words! {
    /// How much a line matters, rising.
    LineLevel {
        Debug = "debug",
        Info = "info",
        Warn = "warn",
        Error = "error",
    }
}

words! {
    /// What wrote a line.
    LineKind {
        /// The server itself, with fields.
        Server = "server",
        /// One answered request.
        Access = "access",
        /// A runner or a library: plain text.
        Plain = "plain",
    }
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogLine {
    /// Names its place, for pages before and after it. Stays the same while the log grows and when
    /// files are rotated.
    pub place: String,
    pub at: Option<Timestamp>,
    pub level: LineLevel,
    pub kind: LineKind,
    /// What it says, without what stands in `at`, `level` and `fields`; at most [`LINE_LENGTH`] bytes.
    pub text: String,
    /// File and line of the server's source.
    pub source: Option<String>,
    pub fields: Vec<(String, String)>,
    /// Bytes of the line that are not shown.
    pub cut: u64,
}

/// Asks for lines. Without `before`, `after` and `from`: the last ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PageRequest {
    pub instance: InstanceId,
    /// The lines before this place.
    #[serde(default)]
    pub before: Option<String>,
    /// The lines from this place on.
    #[serde(default)]
    pub after: Option<String>,
    /// The lines from this time on.
    #[serde(default)]
    pub from: Option<Timestamp>,
    /// Only lines that matter as much.
    pub least: LineLevel,
    /// 1 to [`MOST_LINES`]; 0 means 200.
    pub limit: u32,
}

/// Lines in the order in which they were written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LinePage {
    pub origin: LogOrigin,
    pub lines: Vec<LogLine>,
    /// To be asked `before` to go on backwards; `None` at the beginning. A page may be short or
    /// empty and have this all the same: it was looked through a certain amount only.
    pub earlier: Option<String>,
    /// To be asked `after` to go on; `None` at the end.
    pub later: Option<String>,
    /// Of a page that reaches the end: where to follow from.
    pub end: Option<String>,
    /// The place that was asked for is no longer there: these are the last lines.
    pub lost: bool,
}

/// What is to be told of what is added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FollowRequest {
    pub instance: InstanceId,
    /// [`LinePage::end`]; `None` = from now on.
    #[serde(default)]
    pub from: Option<String>,
    pub least: LineLevel,
}

/// Lines that were added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AddedLines {
    pub instance: InstanceId,
    pub lines: Vec<LogLine>,
    /// There is a gap before these: so much was added at once, or the log began anew.
    pub gap: bool,
    /// Following ended with this; the window may ask again.
    pub problem: Option<WireError>,
}

/// Looks for a text, whatever its case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FindRequest {
    pub instance: InstanceId,
    /// 1 to 500 bytes.
    pub text: String,
    pub least: LineLevel,
    #[serde(default)]
    pub from: Option<Timestamp>,
    #[serde(default)]
    pub to: Option<Timestamp>,
}

/// Names a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchRef {
    pub search: u64,
}

/// How far a search is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogSearch {
    pub instance: InstanceId,
    pub search: u64,
    /// Places of the lines that were found, newest first, at most [`MOST_HITS`].
    pub hits: Vec<String>,
    /// Lines found so far.
    pub count: u64,
    /// Bytes looked through, and of how many; a journal does not tell.
    pub done: u64,
    pub total: Option<u64>,
    pub ended: bool,
    pub problem: Option<WireError>,
}

/// Says where a log is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetFile {
    pub instance: InstanceId,
    /// Full path on this machine; `None` = look for it.
    pub path: Option<String>,
}

/// Asks for lines in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExportLog {
    pub instance: InstanceId,
    /// Full path on this machine; a file that is there is replaced at the end.
    pub path: String,
    pub least: LineLevel,
    #[serde(default)]
    pub from: Option<Timestamp>,
    #[serde(default)]
    pub to: Option<Timestamp>,
}
