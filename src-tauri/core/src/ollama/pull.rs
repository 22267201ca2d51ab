//! The lines of a running pull.

use reqwest::Response;
use serde_json::Value;

use super::{
    answer::{error_text, not_json},
    api::{PullLine, PullStream},
    classify::classify,
    follow,
    parse::{bytes, text},
};
use crate::Result;

/// Reads lines until the server says how it ended. The stream ends after the first error; it ends
/// without one only when `success` was the last thing said.
pub(super) fn follow(response: Response) -> PullStream {
    follow::lines(response, read, |line| line.status == "success")
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
