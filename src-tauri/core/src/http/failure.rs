//! Why no answer came: told apart by what lies under the HTTP client's error.

use std::{error::Error, io};

use corral_contract::{ErrorCode, WireError};

/// The meaning of a failed exchange. The address is left out of the detail: it may carry secrets.
pub(crate) fn failed(error: reqwest::Error) -> WireError {
    let error = error.without_url();
    let chain = chain_of(&error);
    let text = crate::logs::redact(&chain.join(": "));
    WireError::new(code_of(&error, &chain)).detail(text)
}

fn code_of(error: &reqwest::Error, chain: &[String]) -> ErrorCode {
    if error.is_redirect() {
        return ErrorCode::RedirectLoop;
    }
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(cause) = next {
        if let Some(code) = of_cause(cause) {
            return code;
        }
        next = cause.source();
    }
    let says = |what: &str| chain.iter().any(|text| text.contains(what));
    // These two have no type of their own that can be named from here.
    if says("dns error") {
        ErrorCode::DnsFailed
    } else if says("invalid HTTP") || says("unsupported scheme") {
        ErrorCode::NotOllama
    } else if error.is_timeout() {
        ErrorCode::TimedOut
    } else if error.is_connect() {
        ErrorCode::ConnectionRefused
    } else {
        ErrorCode::ConnectionLost
    }
}

fn of_cause(cause: &(dyn Error + 'static)) -> Option<ErrorCode> {
    if cause.is::<rustls::Error>() {
        return Some(ErrorCode::TlsFailed);
    }
    let system = cause.downcast_ref::<io::Error>()?;
    // An `io::Error` around another error does not show it as its source, but the source's source.
    if let Some(inner) = system.get_ref()
        && let Some(code) = of_cause(inner)
    {
        return Some(code);
    }
    match system.kind() {
        io::ErrorKind::ConnectionRefused => Some(ErrorCode::ConnectionRefused),
        io::ErrorKind::TimedOut => Some(ErrorCode::TimedOut),
        io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkUnreachable
        | io::ErrorKind::NetworkDown
        | io::ErrorKind::AddrNotAvailable => Some(ErrorCode::InstanceOffline),
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::UnexpectedEof => Some(ErrorCode::ConnectionLost),
        _ => None,
    }
}

/// The texts from the outside to the inside, without the repetitions that wrapping makes.
fn chain_of(error: &(dyn Error + 'static)) -> Vec<String> {
    let mut texts: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(cause) = next {
        let text = cause.to_string();
        if !texts.last().is_some_and(|last| last.ends_with(&text)) {
            texts.push(text);
        }
        next = cause.source();
    }
    texts
}
