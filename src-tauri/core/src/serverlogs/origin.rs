//! Where the log of a server is.

use std::path::PathBuf;

use corral_contract::{
    InstanceId,
    instances::Runner,
    serverlogs::{LogOrigin, OriginKind},
};

use super::{parts::with_rotated, store};
use crate::{Core, Result, instances, instances::System, steering, steering::LogSource};

/// Where it is, and how that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) source: LogSource,
    pub(super) chosen: bool,
    /// Key under `serverlogs.why`.
    pub(super) why: Option<&'static str>,
}

impl Origin {
    /// As the window is told, before anything was read.
    pub(super) fn view(&self) -> LogOrigin {
        let (kind, name) = match &self.source {
            LogSource::Files(files) => {
                (OriginKind::Files, files.first().map(|file| file.display().to_string()))
            }
            LogSource::Journal { unit, .. } => (OriginKind::Journal, Some(unit.clone())),
            LogSource::Nowhere => (OriginKind::Nowhere, None),
        };
        LogOrigin {
            kind,
            name,
            chosen: self.chosen,
            files: 0,
            bytes: None,
            why: self.why.map(str::to_owned),
        }
    }
}

/// Where the log of an instance is: the file that the user named, what steers the server, or the
/// places at which Ollama itself keeps it.
///
/// # Errors
/// `NOT_FOUND`.
pub(super) async fn of(core: &Core, id: InstanceId) -> Result<Origin> {
    let view = instances::view(core, id).await?;
    if let Some(path) = store::file(&core.db, id).await? {
        let source = LogSource::Files(with_rotated(&PathBuf::from(path)));
        return Ok(Origin { source, chosen: true, why: None });
    }
    let found = |source| Ok(Origin { source, chosen: false, why: None });
    let nowhere = |why| Ok(Origin { source: LogSource::Nowhere, chosen: false, why: Some(why) });
    match steering::control(core, id)?.log() {
        LogSource::Files(files) if !files.is_empty() => {
            let mut all = files.clone();
            all.extend(with_rotated(&files[0]).into_iter().filter(|file| !files.contains(file)));
            return found(LogSource::Files(all));
        }
        journal @ LogSource::Journal { .. } => return found(journal),
        LogSource::Files(_) | LogSource::Nowhere => {}
    }
    if !instances::is_local(core, id) {
        return nowhere("elsewhere");
    }
    let machine = core.config.machine.clone();
    let home = |name: &str| machine.variable(name);
    match (machine.system(), view.runner) {
        (System::Linux, Runner::Systemd) => {
            found(LogSource::Journal { unit: "ollama.service".to_owned(), user: false })
        }
        (System::MacOs, Runner::App) if home("HOME").is_some() => {
            let base = home("HOME").unwrap_or_default();
            let file = System::MacOs.path(&base, &[".ollama", "logs", "server.log"]);
            found(LogSource::Files(with_rotated(&file)))
        }
        (System::Windows, Runner::App) if home("LOCALAPPDATA").is_some() => {
            let base = home("LOCALAPPDATA").unwrap_or_default();
            let file = System::Windows.path(&base, &["Ollama", "server.log"]);
            found(LogSource::Files(with_rotated(&file)))
        }
        _ => match view.service.pid.and_then(output_of) {
            Some(file) => found(LogSource::Files(with_rotated(&file))),
            None => nowhere("notKept"),
        },
    }
}

/// The file that a process writes its messages to, where the system shows that.
#[cfg(target_os = "linux")]
fn output_of(pid: u32) -> Option<PathBuf> {
    let file = std::fs::read_link(format!("/proc/{pid}/fd/2")).ok()?;
    // A terminal, a pipe or a socket is no file that could be read again.
    (file.is_absolute() && !file.starts_with("/dev") && file.is_file()).then_some(file)
}

/// Other systems do not tell.
#[cfg(not(target_os = "linux"))]
fn output_of(_: u32) -> Option<PathBuf> {
    None
}
