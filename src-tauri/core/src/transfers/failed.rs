//! Why a blob did not come, and what can be done about it.

use std::{io, time::Duration};

use corral_contract::{ErrorCode, WireError};

use crate::registry::Failure;

/// Why a transfer ended without its blob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    pub why: Why,
    pub error: WireError,
    /// The other side asked for at least this pause.
    pub retry_after: Option<Duration>,
}

/// What can be done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Another try may go well.
    Again,
    /// There is no room on the disk.
    Full,
    /// Another copy of Corral brings the same blob.
    Locked,
    /// Only a person can change it.
    Final,
    Stopped,
}

impl From<Failure> for Failed {
    fn from(Failure { error, retry_after, .. }: Failure) -> Failed {
        let why = match error.code {
            ErrorCode::RedirectBlocked
            | ErrorCode::NeedsNewerOllama
            | ErrorCode::SignInNeeded
            | ErrorCode::RealmMismatch => Why::Final,
            _ => Why::Again,
        };
        Failed { why, error, retry_after }
    }
}

pub(super) fn stopped() -> Failed {
    Failed { why: Why::Stopped, error: WireError::new(ErrorCode::Cancelled), retry_after: None }
}

pub(super) fn panicked() -> Failed {
    let error = WireError::new(ErrorCode::Internal).detail("a thread of a transfer ended");
    Failed { why: Why::Again, error, retry_after: None }
}

/// What the file system's refusal means.
pub(super) fn of_disk(error: io::Error) -> Failed {
    let (why, code) = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            (Why::Full, ErrorCode::DiskFull)
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            (Why::Final, ErrorCode::StorePermission)
        }
        io::ErrorKind::WouldBlock => (Why::Locked, ErrorCode::Busy),
        _ => (Why::Again, ErrorCode::FileSystem),
    };
    Failed { why, error: WireError::new(code).detail(error.to_string()), retry_after: None }
}
