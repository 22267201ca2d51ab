//! The lines of a running pull.

use std::collections::VecDeque;

use corral_contract::{ErrorCode, WireError};
use futures_util::stream;
use reqwest::Response;
use serde_json::Value;

use super::{
    answer::{error_text, not_json},
    api::{PullLine, PullStream},
    classify::classify,
    lines::Lines,
    parse::{bytes, text},
};
use crate::{Result, http};

/// Reads lines until the server says how it ended. The stream ends after the first error; it ends
/// without one only when `success` was the last thing said.
pub(super) fn follow(response: Response) -> PullStream {
    let reader = Reader {
        response,
        lines: Lines::default(),
        ready: VecDeque::new(),
        succeeded: false,
        ended: false,
    };
    Box::pin(stream::unfold(reader, |mut reader| async move {
        let next = reader.next().await?;
        reader.ended |= next.is_err();
        Some((next, reader))
    }))
}

struct Reader {
    response: Response,
    lines: Lines,
    ready: VecDeque<Result<PullLine>>,
    /// Whether the last line said `success`.
    succeeded: bool,
    ended: bool,
}

impl Reader {
    async fn next(&mut self) -> Option<Result<PullLine>> {
        loop {
            if let Some(line) = self.ready.pop_front() {
                if let Ok(line) = &line {
                    self.succeeded = line.status == "success";
                }
                return Some(line);
            }
            if self.ended {
                return None;
            }
            match self.response.chunk().await {
                Ok(Some(bytes)) => {
                    if let Err(error) = self.lines.push(&bytes) {
                        return Some(Err(error));
                    }
                    while let Some(line) = self.lines.take() {
                        self.ready.push_back(read(line));
                    }
                }
                Ok(None) => {
                    self.ended = true;
                    self.ready.extend(self.lines.rest().map(|line| read(line).map_err(half)));
                    let complete = match self.ready.back() {
                        Some(Ok(last)) => last.status == "success",
                        Some(Err(_)) => true,
                        None => self.succeeded,
                    };
                    if !complete {
                        self.ready.push_back(Err(lost("the stream ended before the pull did")));
                    }
                }
                // After `success` the server has nothing more to say.
                Err(_) if self.succeeded => return None,
                // However a stream broke off, the way on is the same.
                Err(error) => {
                    let detail = http::failed(error).detail.unwrap_or_default();
                    return Some(Err(lost(detail)));
                }
            }
        }
    }
}

fn lost(detail: impl Into<String>) -> WireError {
    WireError::new(ErrorCode::ConnectionLost).detail(detail)
}

/// A last line that is not whole is a broken connection, not a broken server.
fn half(error: WireError) -> WireError {
    if error.code == ErrorCode::BadAnswer { lost("the last line is not whole") } else { error }
}

fn read(line: &[u8]) -> Result<PullLine> {
    let value: Value =
        serde_json::from_slice(line).map_err(|error| not_json(line, false, &error))?;
    if let Some(text) = error_text(&value) {
        return Err(classify(200, text));
    }
    Ok(PullLine {
        status: text(value.get("status")).unwrap_or_default(),
        // Kept whatever it is: models of tensors count as one layer, `sha256:model`.
        digest: text(value.get("digest")).map(|digest| digest.to_ascii_lowercase()),
        total: bytes(value.get("total")),
        completed: bytes(value.get("completed")),
    })
}

#[cfg(test)]
mod tests {
    use corral_contract::ErrorCode;

    use super::read;

    #[test]
    fn reads_lines_as_they_come() {
        let hex = "0f".repeat(32);
        let line = format!(r#"{{"status":"pulling 0f","digest":"sha256:{hex}","total":9}}"#);
        let line = read(line.as_bytes()).expect("a line");
        assert_eq!(line.digest, Some(format!("sha256:{hex}")));
        assert_eq!((line.total, line.completed), (Some(9), None));
        let error = read(br#"{"error":"digest mismatch, want x"}"#).expect_err("an error");
        assert_eq!(error.code, ErrorCode::DigestMismatch);
        assert_eq!(read(b"{\"status\":").expect_err("cut").code, ErrorCode::BadAnswer);
        assert_eq!(read(b"<html>").expect_err("html").code, ErrorCode::NotOllama);
    }
}
