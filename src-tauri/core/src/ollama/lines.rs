//! Cutting a stream of bytes into lines, with a limit to how long one may get.

use corral_contract::{ErrorCode, WireError};

use crate::Result;

/// Longest line that is read, in bytes: what Ollama's own client accepts.
pub const LINE_LIMIT: usize = 8 * 1024 * 1024;

/// Bytes that have come and are not yet a line.
#[derive(Default)]
pub(super) struct Lines {
    buffer: Vec<u8>,
    /// Start of what was not handed out yet.
    start: usize,
    /// Where the search for the end of line goes on.
    searched: usize,
}

impl Lines {
    /// Adds what came.
    ///
    /// # Errors
    /// `ANSWER_TOO_LARGE` when a line gets longer than [`LINE_LIMIT`].
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<()> {
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.searched -= self.start;
            self.start = 0;
        }
        self.buffer.extend_from_slice(bytes);
        let unfinished = match self.buffer.iter().rposition(|byte| *byte == b'\n') {
            Some(end) => self.buffer.len() - end,
            None => self.buffer.len(),
        };
        if unfinished > LINE_LIMIT {
            self.buffer = Vec::new();
            self.searched = 0;
            return Err(WireError::new(ErrorCode::AnswerTooLarge).with("limit", LINE_LIMIT));
        }
        Ok(())
    }

    /// The next complete line that is not blank, without its end.
    pub(super) fn take(&mut self) -> Option<&[u8]> {
        loop {
            let end = self.buffer[self.searched..].iter().position(|byte| *byte == b'\n');
            let Some(end) = end.map(|at| at + self.searched) else {
                self.searched = self.buffer.len();
                return None;
            };
            let line = self.start..end;
            self.start = end + 1;
            self.searched = self.start;
            if !self.buffer[line.clone()].trim_ascii().is_empty() {
                return Some(self.buffer[line].trim_ascii());
            }
        }
    }

    /// The last line, when the stream ended without an end of line.
    pub(super) fn rest(&mut self) -> Option<&[u8]> {
        let rest = self.start..self.buffer.len();
        self.start = self.buffer.len();
        self.searched = self.start;
        let rest = self.buffer[rest].trim_ascii();
        (!rest.is_empty()).then_some(rest)
    }
}

#[cfg(test)]
mod tests {
    use corral_contract::ErrorCode;

    use super::{LINE_LIMIT, Lines};

    /// All lines of a text that arrives in pieces of `size` bytes.
    fn cut(text: &[u8], size: usize) -> Vec<Vec<u8>> {
        let mut lines = Lines::default();
        let mut all = Vec::new();
        for piece in text.chunks(size) {
            lines.push(piece).expect("short lines");
            while let Some(line) = lines.take() {
                all.push(line.to_vec());
            }
        }
        all.extend(lines.rest().map(<[u8]>::to_vec));
        all
    }

    #[test]
    fn cuts_the_same_lines_however_the_bytes_arrive() {
        let text = "{\"a\":1}\n\r\n{\"b\":\"\u{4f60}\u{597d}\"}\r\n\n{\"last\":true}".as_bytes();
        for size in 1..=text.len() {
            let lines = cut(text, size);
            assert_eq!(
                lines,
                [
                    b"{\"a\":1}".to_vec(),
                    "{\"b\":\"\u{4f60}\u{597d}\"}".as_bytes().to_vec(),
                    b"{\"last\":true}".to_vec(),
                ],
                "in pieces of {size}"
            );
        }
    }

    #[test]
    fn refuses_a_line_without_end() {
        let mut lines = Lines::default();
        let piece = vec![b'x'; LINE_LIMIT / 4];
        let refused = (0..5).find_map(|_| lines.push(&piece).err()).expect("refused");
        assert_eq!(refused.code, ErrorCode::AnswerTooLarge);
    }

    #[test]
    fn many_lines_may_be_longer_together_than_one() {
        let mut lines = Lines::default();
        let mut piece = vec![b'x'; LINE_LIMIT / 2];
        piece.push(b'\n');
        for _ in 0..4 {
            lines.push(&piece).expect("each line is short enough");
        }
        let mut count = 0;
        while lines.take().is_some() {
            count += 1;
        }
        assert_eq!(count, 4);
    }
}
