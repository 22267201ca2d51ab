//! Following an answer that comes line by line, until the server says how it ended.

use std::{collections::VecDeque, pin::Pin};

use corral_contract::{ErrorCode, WireError};
use futures_util::{Stream, stream};
use reqwest::Response;

use super::lines::Lines;
use crate::{Result, http};

/// Reads each line with `read`. The stream ends after the first error; it ends without one only
/// when `last` held for the last line.
pub(super) fn lines<T: Send + 'static>(
    response: Response,
    read: fn(&[u8]) -> Result<T>,
    last: fn(&T) -> bool,
) -> Pin<Box<dyn Stream<Item = Result<T>> + Send>> {
    let reader = Reader {
        response,
        lines: Lines::default(),
        ready: VecDeque::new(),
        read,
        last,
        succeeded: false,
        ended: false,
    };
    Box::pin(stream::unfold(reader, |mut reader| async move {
        let next = reader.next().await?;
        reader.ended |= next.is_err();
        Some((next, reader))
    }))
}

struct Reader<T> {
    response: Response,
    lines: Lines,
    ready: VecDeque<Result<T>>,
    read: fn(&[u8]) -> Result<T>,
    last: fn(&T) -> bool,
    /// Whether the last line was one that may be the last.
    succeeded: bool,
    ended: bool,
}

impl<T> Reader<T> {
    async fn next(&mut self) -> Option<Result<T>> {
        loop {
            if let Some(line) = self.ready.pop_front() {
                if let Ok(line) = &line {
                    self.succeeded = (self.last)(line);
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
                        self.ready.push_back((self.read)(line));
                    }
                }
                Ok(None) => {
                    self.ended = true;
                    let rest = self.lines.rest().map(|line| (self.read)(line).map_err(half));
                    self.ready.extend(rest);
                    let complete = match self.ready.back() {
                        Some(Ok(line)) => (self.last)(line),
                        Some(Err(_)) => true,
                        None => self.succeeded,
                    };
                    if !complete {
                        self.ready.push_back(Err(lost("the stream ended before the answer did")));
                    }
                }
                // After its last line the server has nothing more to say.
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
