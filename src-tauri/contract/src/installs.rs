//! Ollama itself, as Corral installs and runs it: versions, where they are, what runs of them.

use serde::{Deserialize, Serialize};

use crate::{InstanceId, TaskId, Timestamp, WireError, command::Nothing, commands, models::OpRef};

commands! { "installs";
    /// What is installed, what runs of it, and what this machine would need.
    read List = list(Nothing) -> InstallsView,
    /// Asks which version is the newest one, and keeps the answer.
    write Check = check(Nothing) -> InstallsView,
    /// Installs another version beside the active one and goes over to it once it has proved
    /// itself; otherwise everything stays as it was.
    write Update = update(UpdateOllama) -> OpRef,
    /// Goes back to the version before.
    write RollBack = roll_back(Nothing) -> OpRef,
    /// A pinned version is not asked about and not offered a newer one.
    write Pin = pin(PinVersion) -> InstallsView,
    /// Stops the server and removes every version of it. The models stay, unless it is said
    /// otherwise and their folder is Corral's own.
    write Remove = remove(RemoveOllama) -> OpRef,
}

/// Installs Ollama and starts it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct InstallOllama {
    /// An archive on this machine; `None` = the official release.
    pub file: Option<String>,
    /// `None` = the newest one. Without meaning for a file: it says itself what it is.
    pub version: Option<String>,
    /// Where its models are; `None` = a folder of Corral's own.
    pub models: Option<String>,
    /// `None` = 11434 where it is free, otherwise the next one that is.
    pub port: Option<u16>,
    /// Shown name of the server; empty = made from its address.
    pub name: String,
}

/// Which version to go over to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct UpdateOllama {
    /// `None` = the newest one.
    pub version: Option<String>,
    /// An archive on this machine instead of the official release.
    pub file: Option<String>,
}

/// Whether the active version stays what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinVersion {
    pub pinned: bool,
}

/// Whether the models go, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoveOllama {
    /// Only where they are in Corral's own folder.
    pub models: bool,
}

/// Everything about Ollama as Corral installs it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct InstallsView {
    /// Where the versions are kept.
    pub folder: String,
    /// Where the models are, unless another folder is chosen.
    pub models_folder: String,
    /// Host the releases come from.
    pub source: String,
    /// The archives of a release that this machine needs, by their names; empty = there are none
    /// for this system.
    pub archives: Vec<String>,
    /// Room on the disk of the folder, bytes.
    pub free: Option<u64>,
    /// Newest first.
    pub versions: Vec<InstalledVersion>,
    pub server: Option<ManagedServer>,
    /// The newest release that was seen; `None` = never asked.
    pub newest: Option<Release>,
    /// Why asking for it failed the last time.
    pub problem: Option<WireError>,
    pub pinned: bool,
    /// The task that installs, updates or removes now.
    pub task: Option<TaskId>,
}

impl InstallsView {
    /// The newest release, if it is another one than what runs and nothing says to stay.
    #[must_use]
    pub fn offer(&self) -> Option<&Release> {
        let newest = self.newest.as_ref()?;
        let server = self.server.as_ref()?;
        let newer = is_newer(&newest.version, &server.version);
        (newer && !self.pinned).then_some(newest)
    }
}

/// Whether version `new` comes after `old`. A release comes after its own candidates (`-rc1`);
/// what is no version comes after nothing.
#[must_use]
pub fn is_newer(new: &str, old: &str) -> bool {
    let parts = |text: &str| {
        let (numbers, candidate) = match text.split_once('-') {
            Some((numbers, candidate)) => (numbers, Some(candidate.to_owned())),
            None => (text, None),
        };
        let numbers: Option<Vec<u64>> = numbers.split('.').map(|part| part.parse().ok()).collect();
        let rank = candidate.map_or(u64::MAX, |candidate| {
            let digits: String = candidate.chars().filter(char::is_ascii_digit).collect();
            digits.parse().unwrap_or(0)
        });
        numbers.map(|numbers| (numbers, rank))
    };
    match (parts(new), parts(old)) {
        (Some(new), Some(old)) => new > old,
        _ => false,
    }
}

/// One version on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InstalledVersion {
    pub version: String,
    /// Bytes on the disk.
    pub size: u64,
    /// `sha256:` and 64 hex digits of the archive it came from.
    pub digest: String,
    /// The digest was held against a published one.
    pub verified: bool,
    /// It came from a file of this machine.
    pub from_file: bool,
    pub installed_at: Timestamp,
    pub active: bool,
    /// What a roll back leads to.
    pub previous: bool,
}

/// A published version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Release {
    pub version: String,
    /// Bytes to fetch for this machine; `None` where the source does not tell.
    pub size: Option<u64>,
    /// What its makers say about it, in their words; empty where the source does not tell.
    pub notes: String,
    pub checked_at: Timestamp,
}

/// The server that Corral runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ManagedServer {
    pub instance: Option<InstanceId>,
    pub version: String,
    pub port: u16,
    pub models: String,
    pub phase: ServerPhase,
    pub pid: Option<u32>,
    pub since: Option<Timestamp>,
    /// Starts together with Corral.
    pub autostart: bool,
    /// How it ended last, when nobody had asked it to.
    pub last_exit: Option<Exit>,
    /// Why it is not started again.
    pub problem: Option<WireError>,
}

crate::status::words! {
    /// What the process of the server does.
    ServerPhase {
        Stopped = "stopped",
        Starting = "starting",
        Running = "running",
        Stopping = "stopping",
        /// It ended by itself and is about to be started again.
        Crashed = "crashed",
        /// It ended so often that it is left alone.
        GivenUp = "givenUp",
    }
}

/// How a process ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Exit {
    pub at: Timestamp,
    /// `None` when a signal ended it, or nobody saw.
    pub code: Option<i32>,
    /// Unix only.
    pub signal: Option<i32>,
    /// The last lines that it wrote, redacted; at most 20.
    pub lines: Vec<String>,
    /// Times in a row that it ended by itself, this one included.
    pub times: u32,
}

#[cfg(test)]
mod tests {
    use super::is_newer;

    #[test]
    fn versions_come_in_their_order() {
        for (new, old) in [
            ("0.33.1", "0.33.0"),
            ("0.10.0", "0.9.9"),
            ("1.0", "0.99.99"),
            ("0.33.0", "0.33.0-rc2"),
            ("0.33.0-rc10", "0.33.0-rc2"),
        ] {
            assert!(is_newer(new, old), "{new} comes after {old}");
            assert!(!is_newer(old, new), "{old} comes before {new}");
        }
        assert!(!is_newer("0.33.0", "0.33.0"));
        assert!(!is_newer("nightly", "0.33.0"));
    }
}
