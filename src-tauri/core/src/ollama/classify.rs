//! What Ollama's error texts mean.

use corral_contract::{ErrorCode, WireError};

/// The meaning of an error text; the text itself stays as the detail.
pub(crate) fn classify(_status: u16, text: &str) -> WireError {
    WireError::new(ErrorCode::ServerFault).detail(crate::logs::redact(text))
}
