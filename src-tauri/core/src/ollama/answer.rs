//! Reading one answer whole: limited in size, and told apart from what is not Ollama.

use corral_contract::{ErrorCode, WireError};
use reqwest::{Response, StatusCode, header};
use serde::Deserialize;
use serde_json::Value;

use super::{classify::classify, loose::Json};
use crate::{Result, http};

/// Largest answer that is read, in bytes. A list of 10,000 models has 4 MB.
pub const ANSWER_LIMIT: usize = 32 * 1024 * 1024;
/// Text of a foreign answer that is kept for "details", in characters.
const KEPT_TEXT: usize = 300;

/// The bytes of an answer that says of itself that it went well.
pub(super) struct Success {
    pub(super) status: StatusCode,
    pub(super) html: bool,
    pub(super) bytes: Vec<u8>,
}

impl Success {
    /// What the bytes mean.
    ///
    /// # Errors
    /// They are no JSON of this kind.
    pub(super) fn read<'a, T: Deserialize<'a>>(&'a self) -> Result<T> {
        serde_json::from_slice(&self.bytes)
            .map_err(|error| not_json(&self.bytes, self.html, &error))
    }
}

/// A successful answer, whole.
///
/// # Errors
/// What the server or something in front of it says instead, or what became of the connection.
pub(super) async fn success(response: Response) -> Result<Success> {
    let (status, html, bytes) = whole(response).await?;
    if !status.is_success() {
        return Err(refusal(status, &bytes));
    }
    Ok(Success { status, html, bytes })
}

/// The JSON of a successful answer.
///
/// # Errors
/// As [`success`]; it is no JSON, or the text of an error.
pub(super) async fn json(response: Response) -> Result<Value> {
    let answer = success(response).await?;
    let value: Value = answer.read()?;
    if let Some(text) = error_text(&value) {
        return Err(classify(answer.status.as_u16(), text));
    }
    Ok(value)
}

/// As [`json`], for calls whose success has no body.
pub(super) async fn done(response: Response) -> Result<()> {
    let Success { html, bytes, .. } = success(response).await?;
    if html || looks_like_html(&bytes) {
        return Err(foreign(ErrorCode::NotOllama, &bytes));
    }
    Ok(())
}

/// The text of a successful answer.
pub(super) async fn text(response: Response) -> Result<String> {
    Ok(String::from_utf8_lossy(&success(response).await?.bytes).into_owned())
}

/// What an answer means where a stream was expected.
pub(super) async fn refused(response: Response) -> WireError {
    match whole(response).await {
        Ok((status, _, bytes)) if status.is_success() => foreign(ErrorCode::NotOllama, &bytes),
        Ok((status, _, bytes)) => refusal(status, &bytes),
        Err(error) => error,
    }
}

/// Whether the answer says of itself that it is a page for people.
pub(super) fn is_html(response: &Response) -> bool {
    response
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .is_some_and(|kind| kind.to_ascii_lowercase().starts_with("text/html"))
}

/// The first bytes of an answer that cannot be understood.
pub(super) fn not_json(bytes: &[u8], html: bool, error: &serde_json::Error) -> WireError {
    if html || looks_like_html(bytes) || !looks_like_json(bytes) {
        return foreign(ErrorCode::NotOllama, bytes);
    }
    let text = beginning(bytes);
    WireError::new(ErrorCode::BadAnswer).detail(crate::logs::redact(&format!("{error}: {text}")))
}

/// What is kept of an answer that cannot be used.
pub(super) fn beginning(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(4 * KEPT_TEXT)])
        .chars()
        .map(|each| if each.is_control() { ' ' } else { each })
        .take(KEPT_TEXT)
        .collect()
}

async fn whole(mut response: Response) -> Result<(StatusCode, bool, Vec<u8>)> {
    let too_large = || WireError::new(ErrorCode::AnswerTooLarge).with("limit", ANSWER_LIMIT);
    let (status, html) = (response.status(), is_html(&response));
    let announced = response.content_length().unwrap_or(0);
    if announced > ANSWER_LIMIT as u64 {
        return Err(too_large());
    }
    // Growing step by step would copy a large list several times.
    let mut bytes = Vec::with_capacity(announced as usize);
    while let Some(chunk) = response.chunk().await.map_err(http::failed)? {
        if bytes.len() + chunk.len() > ANSWER_LIMIT {
            return Err(too_large());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok((status, html, bytes))
}

fn refusal(status: StatusCode, bytes: &[u8]) -> WireError {
    let value: Option<Value> = serde_json::from_slice(bytes).ok();
    if let Some(text) = value.as_ref().and_then(error_text) {
        // Only Ollama itself says where to sign in; a proxy's 401 has no such field.
        if status == StatusCode::UNAUTHORIZED
            && value.as_ref().is_some_and(|value| value.get("signin_url").is_some())
        {
            return WireError::new(ErrorCode::SignInNeeded).detail(crate::logs::redact(text));
        }
        return classify(status.as_u16(), text).with("status", status.as_u16());
    }
    let code = match status.as_u16() {
        401 | 403 | 407 => ErrorCode::AccessRefused,
        408 | 504 => ErrorCode::TimedOut,
        429 => ErrorCode::ServerBusy,
        507 => ErrorCode::DiskFull,
        500.. => ErrorCode::ServerFault,
        _ => ErrorCode::NotOllama,
    };
    foreign(code, bytes).with("status", status.as_u16())
}

fn foreign(code: ErrorCode, bytes: &[u8]) -> WireError {
    let text = beginning(bytes);
    let error = WireError::new(code);
    match text.trim() {
        "" => error,
        text => error.detail(crate::logs::redact(text)),
    }
}

/// `{"error": "…"}` and the shape of the compatible routes, `{"error": {"message": "…"}}`.
pub(super) fn error_text(value: &Value) -> Option<&str> {
    text_of(value.get("error")?)
}

/// The text in the value of `error`.
pub(super) fn text_of(error: &impl Json) -> Option<&str> {
    error.as_str().or_else(|| error.get("message")?.as_str())
}

fn looks_like_html(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().first() == Some(&b'<')
}

fn looks_like_json(bytes: &[u8]) -> bool {
    matches!(bytes.trim_ascii_start().first(), None | Some(b'{' | b'['))
}
