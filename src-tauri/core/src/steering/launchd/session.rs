//! Variables of a session: `launchctl setenv` for now, and a small description for the next login.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use corral_contract::{ErrorCode, WireError};

use super::{super::app::done, plist};
use crate::{
    Result,
    instances::{Machine, System},
    steering::{Call, Outside, Written},
};

/// What the descriptions of Corral are named by; one variable each.
const PREFIX: &str = "dev.corral.environment.";

fn folder(machine: &dyn Machine) -> PathBuf {
    let home = machine.variable("HOME").unwrap_or_default();
    System::MacOs.path(&home, &["Library", "LaunchAgents"])
}

/// `gui/501`: the session of whoever owns the home folder.
pub(super) fn domain(machine: &dyn Machine) -> String {
    #[cfg(unix)]
    let user = {
        use std::os::unix::fs::MetadataExt;
        let home = machine.variable("HOME").unwrap_or_default();
        std::fs::metadata(home).map(|facts| facts.uid()).ok()
    };
    #[cfg(not(unix))]
    let user = {
        let _ = machine;
        None
    };
    format!("gui/{}", user.unwrap_or(501_u32))
}

/// The variables that Corral sets at each login.
pub(in crate::steering) fn session_environment(machine: &dyn Machine) -> BTreeMap<String, Written> {
    let mut found = BTreeMap::new();
    for file in machine.entries(&folder(machine)) {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let name = name.strip_prefix(PREFIX).and_then(|name| name.strip_suffix(".plist"));
        let (Some(name), Some(text)) = (name, machine.head(&file)) else { continue };
        // launchctl, setenv, the name, the value.
        if let Some(value) = plist::strings(&text, "ProgramArguments").into_iter().nth(3) {
            let place = file.display().to_string();
            found.insert(name.to_owned(), Written { value, place, ours: true });
        }
    }
    found
}

/// Sets a variable for what is started from now on in this session and in those to come.
///
/// # Errors
/// `SERVICE_REFUSED` with the system's words, `FILE_SYSTEM`.
pub(in crate::steering) async fn set_session_variable(
    outside: &dyn Outside,
    machine: &dyn Machine,
    name: &str,
    value: Option<&str>,
) -> Result<()> {
    let label = format!("{PREFIX}{name}");
    let file = System::MacOs.path(&folder(machine).to_string_lossy(), &[&format!("{label}.plist")]);
    match value {
        Some(value) => {
            put(&file, plist::setting(&label, name, value).as_bytes()).await?;
            done(&outside.run(&Call::new("launchctl", &["setenv", name, value])).await?)
        }
        None => {
            match tokio::fs::remove_file(&file).await {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(WireError::new(ErrorCode::FileSystem).detail(error.to_string()));
                }
                _ => {}
            }
            done(&outside.run(&Call::new("launchctl", &["unsetenv", name])).await?)
        }
    }
}

/// Writes a file so that it is there whole or as it was.
///
/// # Errors
/// `FILE_SYSTEM`.
pub(super) async fn put(file: &Path, bytes: &[u8]) -> Result<()> {
    let (file, bytes) = (file.to_owned(), bytes.to_vec());
    let written = tokio::task::spawn_blocking(move || {
        let folder = file.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)?;
        let mut new = tempfile::Builder::new().prefix(".corral-").tempfile_in(folder)?;
        std::io::Write::write_all(&mut new, &bytes)?;
        new.as_file().sync_all()?;
        if let Ok(facts) = std::fs::metadata(&file) {
            std::fs::set_permissions(new.path(), facts.permissions())?;
        } else {
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt;
                std::fs::set_permissions(new.path(), std::fs::Permissions::from_mode(0o644))?;
            }
        }
        new.persist(&file).map(drop).map_err(|error| error.error)
    });
    let failed = |text: String| WireError::new(ErrorCode::FileSystem).detail(text);
    written
        .await
        .map_err(|error| failed(error.to_string()))?
        .map_err(|error| failed(error.to_string()))
}
