//! Lines of systemd's journal. It is read by its own program, which knows every form of its files;
//! each read has a limit and ends with whoever waits for it.

use std::{process::Stdio, time::Duration};

use corral_contract::{
    ErrorCode, Timestamp, WireError,
    serverlogs::{LineKind, LineLevel, LogLine},
};
use serde::Deserialize;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};

use super::{line, page::Taken};
use crate::{Core, Result};

/// How long one page may take.
const LIMIT: Duration = Duration::from_secs(20);
/// Most entries that are looked through for one page.
const BUDGET: usize = 20_000;

/// A unit's journal.
pub(super) struct Journal<'a> {
    pub(super) core: &'a Core,
    pub(super) unit: &'a str,
    pub(super) user: bool,
}

/// Which way, and from where.
pub(super) enum From<'a> {
    End,
    Before(&'a str),
    After(&'a str),
    Time(Timestamp),
}

#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "__CURSOR")]
    cursor: String,
    #[serde(rename = "__REALTIME_TIMESTAMP")]
    micros: Option<String>,
    #[serde(rename = "PRIORITY")]
    priority: Option<String>,
    #[serde(rename = "MESSAGE")]
    message: Option<Message>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Message {
    Text(String),
    /// Not UTF-8.
    Bytes(Vec<u8>),
    Other(serde::de::IgnoredAny),
}

/// A running read.
pub(super) struct Reading {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Reading {
    /// The next entry; `None` at the end.
    ///
    /// # Errors
    /// As [`refused`].
    pub(super) async fn next(&mut self, core: &Core) -> Result<Option<LogLine>> {
        loop {
            let line = self.lines.next_line().await.map_err(|error| broken(&error))?;
            let Some(line) = line else { return self.ended().await.map(|()| None) };
            // An entry that is no JSON is not the unit's.
            if let Ok(entry) = serde_json::from_str::<Entry>(&line) {
                return Ok(Some(entry.line(core)));
            }
        }
    }

    async fn ended(&mut self) -> Result<()> {
        let mut said = String::new();
        if let Some(errors) = self.child.stderr.take() {
            let _ = errors.take(4096).read_to_string(&mut said).await;
        }
        let status = self.child.wait().await.map_err(|error| broken(&error))?;
        if !status.success() || said.contains("insufficient permissions") {
            return Err(refused(&said));
        }
        Ok(())
    }
}

impl Entry {
    fn line(self, core: &Core) -> LogLine {
        let bytes = match self.message {
            Some(Message::Text(text)) => text.into_bytes(),
            Some(Message::Bytes(bytes)) => bytes,
            Some(Message::Other(_)) | None => Vec::new(),
        };
        let place = format!("j:{}", self.cursor);
        let clock = &*core.config.clock;
        let mut line = line::read(&bytes, place, LineLevel::Info, clock);
        let micros = self.micros.and_then(|text| text.parse::<i64>().ok());
        line.at = line.at.or(micros.map(|micros| Timestamp(micros / 1000)));
        line::clean(&mut line);
        // What the journal says of a line counts where the line itself says nothing.
        if line.kind == LineKind::Plain {
            line.level = match self.priority.and_then(|text| text.parse::<u8>().ok()) {
                Some(0..=3) => LineLevel::Error,
                Some(4) => line.level.max(LineLevel::Warn),
                _ => line.level,
            };
        }
        line
    }
}

impl Journal<'_> {
    /// Begins to read. With `follow` it goes on with what is added.
    ///
    /// # Errors
    /// `SERVICE_MISSING` without a journal on this machine.
    pub(super) fn read(&self, from: &From<'_>, follow: bool) -> Result<Reading> {
        let mut command = Command::new(&self.core.config.journal);
        command.args(["--no-pager", "--output=json", "--all", "--unit", self.unit]);
        if self.user {
            command.arg("--user");
        }
        match from {
            From::End if follow => {
                command.arg("--lines=0");
            }
            From::End => {
                command.arg("--reverse");
            }
            From::Before(place) => {
                command.arg("--reverse").arg(format!("--cursor={}", cursor(place)?));
            }
            From::After(place) if follow => {
                command.arg("--lines=all").arg(format!("--after-cursor={}", cursor(place)?));
            }
            From::After(place) => {
                command.arg(format!("--cursor={}", cursor(place)?));
            }
            From::Time(at) => {
                command.arg(format!("--since=@{}", at.0.div_euclid(1000)));
            }
        }
        if follow {
            command.arg("--follow");
        }
        command.env("LC_ALL", "C").kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| {
            WireError::new(ErrorCode::ServiceMissing)
                .with("name", "journalctl")
                .detail(error.to_string())
        })?;
        let output = child.stdout.take().ok_or_else(|| WireError::new(ErrorCode::Internal))?;
        Ok(Reading { child, lines: BufReader::new(output).lines() })
    }

    /// A page.
    ///
    /// # Errors
    /// As [`Journal::read`]; `SERVICE_REFUSED` in the journal's words, `TIMED_OUT`.
    pub(super) async fn page(
        &self,
        from: &From<'_>,
        least: LineLevel,
        limit: usize,
    ) -> Result<Taken> {
        let mut reading = self.read(from, false)?;
        let read = take(self.core, &mut reading, from, least, limit);
        tokio::time::timeout(LIMIT, read).await.unwrap_or_else(|_| {
            Err(WireError::new(ErrorCode::TimedOut).with("seconds", LIMIT.as_secs()))
        })
    }
}

async fn take(
    core: &Core,
    reading: &mut Reading,
    from: &From<'_>,
    least: LineLevel,
    limit: usize,
) -> Result<Taken> {
    let backwards = matches!(from, From::End | From::Before(_));
    let mut kept = Vec::new();
    let mut first = None;
    let mut next = None;
    let mut looked = 0;
    while let Some(line) = reading.next(core).await? {
        // The place itself comes first, and is not before itself.
        if matches!(from, From::Before(place) if *place == line.place) {
            continue;
        }
        if kept.len() == limit || looked == BUDGET {
            next = Some(line.place);
            break;
        }
        looked += 1;
        first.get_or_insert_with(|| line.place.clone());
        if line.level >= least {
            kept.push(line);
        }
    }
    if backwards {
        kept.reverse();
        // Reading on backwards begins with the oldest that was looked at, which is left out.
        let oldest = kept.first().map(|line| line.place.clone());
        let earlier = next.map(|next| oldest.unwrap_or(next));
        let later = match from {
            From::Before(place) => Some((*place).to_owned()),
            _ => None,
        };
        return Ok(Taken { lines: kept, earlier, later });
    }
    Ok(Taken { lines: kept, earlier: first, later: next })
}

fn cursor(place: &str) -> Result<&str> {
    let cursor = place.strip_prefix("j:").filter(|cursor| !cursor.is_empty());
    cursor.ok_or_else(|| WireError::field("place", "malformed"))
}

fn broken(error: &std::io::Error) -> WireError {
    WireError::new(ErrorCode::ServiceRefused).with("name", "journalctl").detail(error.to_string())
}

fn refused(said: &str) -> WireError {
    WireError::new(ErrorCode::ServiceRefused)
        .with("name", "journalctl")
        .detail(said.trim().to_owned())
}
