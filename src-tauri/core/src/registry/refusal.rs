//! What a registry's refusal means.

use std::time::{Duration, SystemTime};

use corral_contract::{ErrorCode, WireError};
use reqwest::{Response, StatusCode, header};

use super::{Failure, Repository, ask};
use crate::ollama;

/// Longest pause that another side may ask for.
const LONGEST_ASKED: Duration = Duration::from_secs(3600);
/// Text of a refusal that is read, in bytes.
const LARGEST: usize = 16 * 1024;

/// The meaning of a refused manifest.
pub(super) async fn manifest(response: Response, repository: &Repository) -> Failure {
    let name = repository.name.display();
    let failure = read(response).await;
    match failure.error.code {
        ErrorCode::NotFound => {
            let error = WireError::new(ErrorCode::ModelUnknown);
            Failure { error: error.with("name", name), elsewhere: true, ..failure }
        }
        _ => Failure { error: failure.error.with("name", name), ..failure },
    }
}

/// The meaning of a refused blob. Not found means that the manifest moved on.
pub(super) async fn blob(response: Response) -> Failure {
    let failure = read(response).await;
    Failure { elsewhere: true, ..failure }
}

pub(super) async fn read(response: Response) -> Failure {
    let status = response.status();
    let retry_after = retry_after(&response);
    let text = ask::whole(response, LARGEST).await.unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let code = ollama::meaning(&text).unwrap_or_else(|| of_status(status));
    let elsewhere = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
    let error = WireError::new(code).with("status", status.as_u16());
    let error = match text.trim() {
        "" => error,
        text => error.detail(crate::logs::redact(&text.chars().take(300).collect::<String>())),
    };
    Failure { error, retry_after, elsewhere }
}

fn of_status(status: StatusCode) -> ErrorCode {
    match status.as_u16() {
        401 | 403 => ErrorCode::SignInNeeded,
        404 | 410 => ErrorCode::NotFound,
        412 => ErrorCode::NeedsNewerOllama,
        408 | 429 | 500.. => ErrorCode::RegistryUnreachable,
        _ => ErrorCode::RegistryIncompatible,
    }
}

/// `Retry-After`, in seconds or as a date.
fn retry_after(response: &Response) -> Option<Duration> {
    let text = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    let pause = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let at = chrono::DateTime::parse_from_rfc2822(text).ok()?;
            SystemTime::from(at).duration_since(SystemTime::now()).unwrap_or_default()
        }
    };
    Some(pause.min(LONGEST_ASKED))
}
