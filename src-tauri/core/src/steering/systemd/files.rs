//! Writing Corral's drop-in: by itself where it may, with polkit's leave where it may not.

use std::{io::Write, path::Path, time::Duration};

use corral_contract::{ErrorCode, WireError};

use crate::{
    Result,
    steering::{Call, Outside, refused},
};

/// How long a person has to answer polkit.
const LIMIT: Duration = Duration::from_secs(180);
/// What `pkexec` says when the person did not agree, or may not.
const NOT_AGREED: [i32; 2] = [126, 127];

/// The file's text; empty when there is none.
///
/// # Errors
/// `SERVICE_REFUSED` for one that is not text, `FILE_SYSTEM`.
pub(super) async fn read(file: &Path) -> Result<String> {
    match tokio::fs::read(file).await {
        Ok(bytes) => String::from_utf8(bytes).map_err(|_| refused("notText")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(failed(&error)),
    }
}

fn failed(error: &std::io::Error) -> WireError {
    WireError::new(ErrorCode::FileSystem).detail(error.to_string())
}

/// Puts a file there whole, or takes it away when `text` is empty.
///
/// # Errors
/// `SERVICE_REFUSED` when the person or the system does not agree, `FILE_SYSTEM`.
pub(super) async fn write(outside: &dyn Outside, file: &Path, text: &str) -> Result<()> {
    let (to, what) = (file.to_owned(), text.to_owned());
    let done = tokio::task::spawn_blocking(move || directly(&to, &what)).await;
    let done =
        done.map_err(|error| WireError::new(ErrorCode::Internal).detail(error.to_string()))?;
    match done {
        Err(error) if needs_leave(&error) => with_leave(outside, file, text).await,
        done => done.map_err(|error| failed(&error)),
    }
}

fn needs_leave(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
    matches!(error.kind(), PermissionDenied | ReadOnlyFilesystem)
}

fn directly(file: &Path, text: &str) -> std::io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("/"));
    if text.is_empty() {
        return match std::fs::remove_file(file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => {
                // Stays where there is something else in it.
                let _ = std::fs::remove_dir(folder);
                Ok(())
            }
        };
    }
    std::fs::create_dir_all(folder)?;
    let mut new = tempfile::Builder::new().prefix(".corral-").tempfile_in(folder)?;
    new.write_all(text.as_bytes())?;
    new.as_file().sync_all()?;
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    std::fs::set_permissions(new.path(), mode)?;
    new.persist(file).map(drop).map_err(|error| error.error)
}

/// `pkexec` runs one program that copies or removes this one file; polkit asks for the password.
async fn with_leave(outside: &dyn Outside, file: &Path, text: &str) -> Result<()> {
    let target = file.to_string_lossy();
    let mut new = tempfile::NamedTempFile::new().map_err(|error| failed(&error))?;
    new.write_all(text.as_bytes()).map_err(|error| failed(&error))?;
    let source = new.path().to_string_lossy().into_owned();
    let mut call = if text.is_empty() {
        Call::new("pkexec", &["/usr/bin/rm", "-f", "--", &target])
    } else {
        let words = ["/usr/bin/install", "-D", "-T", "-m", "0644", "--", &source, &target];
        Call::new("pkexec", &words)
    };
    call.limit = LIMIT;
    let output = outside.run(&call).await.map_err(|error| match error.code {
        ErrorCode::NotFound => refused("noPolkit"),
        _ => error,
    })?;
    match output.code {
        Some(0) => Ok(()),
        Some(code) if NOT_AGREED.contains(&code) => {
            Err(refused("notAllowed").detail(output.words()))
        }
        _ => Err(refused("systemSaidNo").detail(output.words())),
    }
}
