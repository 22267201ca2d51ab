//! What is asked of this machine, as a trait, so that a test can play every system.

use std::{
    collections::BTreeMap,
    io::Read,
    path::{Path, PathBuf},
    sync::OnceLock,
    time::Duration,
};

use corral_contract::Timestamp;
use sysinfo::{Pid, ProcessRefreshKind, ProcessStatus, ProcessesToUpdate, UpdateKind};

mod presence;

/// Most of a file that is read, in bytes: what is looked for stands at the beginning.
const HEAD: u64 = 1024 * 1024;
/// Two looks at when a process began may differ so much, in ms: it is told in whole seconds.
const SAME_START: i64 = 2000;

/// The kinds of system Corral runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum System {
    Linux,
    Windows,
    MacOs,
}

impl System {
    /// `base` with `parts` below it, in this system's way of writing.
    #[must_use]
    pub fn path(self, base: &str, parts: &[&str]) -> PathBuf {
        let separator = if self == System::Windows { '\\' } else { '/' };
        let mut path = base.trim_end_matches(separator).to_owned();
        for part in parts {
            path.push(separator);
            path.push_str(part);
        }
        PathBuf::from(path)
    }
}

/// A running `ollama serve`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Process {
    pub pid: u32,
    pub executable: Option<PathBuf>,
    /// Empty when it belongs to somebody else.
    pub environment: BTreeMap<String, String>,
    pub started: Option<Timestamp>,
    /// Name of the process that started it.
    pub parent: Option<String>,
    pub parent_pid: Option<u32>,
}

/// Room on a file system, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    pub free: u64,
    pub total: u64,
}

/// Questions about this machine. All of them block and none of them changes anything that stays.
pub trait Machine: Send + Sync + 'static {
    fn system(&self) -> System;
    /// Every `ollama serve` that runs.
    fn servers(&self) -> Vec<Process>;
    /// The weights that the runners of a server have open, by the server's process id; `None` where
    /// processes do not show what they were started with.
    fn runners(&self, server: u32) -> Option<Vec<PathBuf>>;
    /// Whether each of these processes is there, in their order; `None` where that cannot be seen.
    /// One that began at another time than is known has only the number of an earlier one.
    fn alive(&self, processes: &[(u32, Option<Timestamp>)]) -> Option<Vec<bool>> {
        let _ = processes;
        None
    }
    /// A variable of Corral's own environment.
    fn variable(&self, name: &str) -> Option<String>;
    /// The beginning of a text file; `None` when it cannot be read.
    fn head(&self, file: &Path) -> Option<String>;
    /// What lies in a folder; empty when it cannot be read.
    fn entries(&self, folder: &Path) -> Vec<PathBuf>;
    fn exists(&self, path: &Path) -> bool;
    fn space(&self, path: &Path) -> Option<Space>;
    /// Memory of the machine; `None` = as it is measured anyway.
    fn memory(&self) -> Option<Space> {
        None
    }
    /// Whether the connection is paid by volume; `None` = the system does not tell.
    fn metered(&self) -> Option<bool>;
    /// Time since the last key or movement of the mouse; `None` = the system does not tell.
    fn idle(&self) -> Option<Duration>;
    /// Whether a file can be made in a folder, tried by making one and removing it.
    fn writable(&self, folder: &Path) -> bool;
}

/// The machine that Corral runs on.
#[derive(Debug, Clone, Copy, Default)]
pub struct ThisMachine;

impl Machine for ThisMachine {
    fn system(&self) -> System {
        if cfg!(windows) {
            System::Windows
        } else if cfg!(target_os = "macos") {
            System::MacOs
        } else {
            System::Linux
        }
    }

    fn servers(&self) -> Vec<Process> {
        let Ok(mut system) = sysinfo::System::new() else { return Vec::new() };
        // Names first: reading command lines and environments of everything costs far more.
        system.refresh_processes_specifics(
            ProcessesToUpdate::All,
            true,
            ProcessRefreshKind::nothing(),
        );
        let named = |process: &sysinfo::Process| {
            let name = process.name().to_string_lossy().to_ascii_lowercase();
            process.thread_kind().is_none() && matches!(name.as_str(), "ollama" | "ollama.exe")
        };
        let pids: Vec<Pid> = system
            .processes()
            .values()
            .filter(|process| named(process))
            .map(sysinfo::Process::pid)
            .collect();
        if pids.is_empty() {
            return Vec::new();
        }
        system.refresh_processes_specifics(
            ProcessesToUpdate::Some(&pids),
            true,
            ProcessRefreshKind::nothing()
                .with_cmd(UpdateKind::Always)
                .with_environ(UpdateKind::Always)
                .with_exe(UpdateKind::Always),
        );
        let serves = |process: &sysinfo::Process| {
            process.cmd().iter().skip(1).any(|word| word.eq_ignore_ascii_case("serve"))
        };
        let mut servers: Vec<Process> = pids
            .iter()
            .filter_map(|pid| system.process(*pid))
            .filter(|process| serves(process))
            .map(|process| describe(&system, process))
            .collect();
        servers.sort_by_key(|process| process.pid);
        servers
    }

    fn metered(&self) -> Option<bool> {
        presence::metered()
    }

    fn idle(&self) -> Option<Duration> {
        presence::idle()
    }

    fn runners(&self, server: u32) -> Option<Vec<PathBuf>> {
        let mut system = sysinfo::System::new().ok()?;
        let names_only = ProcessRefreshKind::nothing();
        system.refresh_processes_specifics(ProcessesToUpdate::All, true, names_only);
        let server = Pid::from_u32(server);
        // Without the server itself in sight nothing is known about what it started.
        system.process(server)?;
        let children: Vec<Pid> = system
            .processes()
            .values()
            .filter(|process| process.thread_kind().is_none() && process.parent() == Some(server))
            .map(sysinfo::Process::pid)
            .collect();
        if children.is_empty() {
            return Some(Vec::new());
        }
        let with_words = names_only.with_cmd(UpdateKind::Always);
        system.refresh_processes_specifics(ProcessesToUpdate::Some(&children), true, with_words);
        let words = children.iter().filter_map(|pid| Some(system.process(*pid)?.cmd()));
        Some(words.filter_map(weights_in).collect())
    }

    fn alive(&self, processes: &[(u32, Option<Timestamp>)]) -> Option<Vec<bool>> {
        let mut system = sysinfo::System::new().ok()?;
        let own = Pid::from_u32(std::process::id());
        let asked = processes.iter().map(|(pid, _)| Pid::from_u32(*pid));
        let pids: Vec<Pid> = asked.chain([own]).collect();
        system.refresh_processes_specifics(
            ProcessesToUpdate::Some(&pids),
            true,
            ProcessRefreshKind::nothing(),
        );
        // One that ended and whose parent has not asked how yet is gone all the same.
        let there = |(pid, known): &(u32, Option<Timestamp>)| {
            system.process(Pid::from_u32(*pid)).is_some_and(|process| {
                let began = began(&system, process);
                let same = known
                    .zip(began)
                    .is_none_or(|(known, began)| began.since(known).abs() <= SAME_START);
                same && !matches!(process.status(), ProcessStatus::Zombie | ProcessStatus::Dead)
            })
        };
        Some(processes.iter().map(there).collect())
    }

    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok().filter(|value| !value.trim().is_empty())
    }

    fn head(&self, file: &Path) -> Option<String> {
        let mut bytes = Vec::new();
        std::fs::File::open(file).ok()?.take(HEAD).read_to_end(&mut bytes).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn entries(&self, folder: &Path) -> Vec<PathBuf> {
        let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        paths
    }

    fn exists(&self, path: &Path) -> bool {
        path.exists()
    }

    fn space(&self, path: &Path) -> Option<Space> {
        if !path.exists() {
            // Windows answers for the volume that it would be on.
            return None;
        }
        // Of the file system itself: not every one is on a list of disks.
        let stats = fs4::statvfs(path).ok()?;
        Some(Space { free: stats.available_space(), total: stats.total_space() })
    }

    fn writable(&self, folder: &Path) -> bool {
        // Without a name where the system can: then not even a kill leaves it behind.
        tempfile::tempfile_in(folder).is_ok()
    }
}

/// What follows `--model` (or `-m`) on a runner's command line.
fn weights_in(words: &[std::ffi::OsString]) -> Option<PathBuf> {
    let place = words.iter().position(|word| word == "--model" || word == "-m")?;
    words.get(place + 1).map(PathBuf::from)
}

/// When a process began. Linux reckons that anew from a clock that can be set, so it is told by how
/// much earlier or later than Corral it began, which no clock changes.
fn began(system: &sysinfo::System, process: &sysinfo::Process) -> Option<Timestamp> {
    static OWN: OnceLock<u64> = OnceLock::new();
    let own = system.process(Pid::from_u32(std::process::id()))?.start_time();
    let first = *OWN.get_or_init(|| own);
    let seconds = process.start_time().checked_add(first)?.checked_sub(own)?;
    let seconds = i64::try_from(seconds).ok().filter(|seconds| *seconds > 0)?;
    Some(Timestamp(seconds.saturating_mul(1000)))
}

fn describe(system: &sysinfo::System, process: &sysinfo::Process) -> Process {
    let pair = |entry: &std::ffi::OsString| {
        let entry = entry.to_string_lossy();
        let (name, value) = entry.split_once('=')?;
        Some((name.to_owned(), value.to_owned()))
    };
    let parent = process.parent().and_then(|pid| system.process(pid));
    Process {
        pid: process.pid().as_u32(),
        executable: process.exe().map(Path::to_path_buf),
        environment: process.environ().iter().filter_map(pair).collect(),
        started: began(system, process),
        parent_pid: parent.map(|parent| parent.pid().as_u32()),
        parent: parent.map(|parent| parent.name().to_string_lossy().into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Machine, System, ThisMachine};

    #[test]
    fn tries_to_write_and_leaves_nothing_behind() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(ThisMachine.writable(folder.path()));
        assert!(ThisMachine.entries(folder.path()).is_empty());
        assert!(!ThisMachine.writable(&folder.path().join("missing")));
    }

    #[test]
    fn a_missing_file_has_no_head_and_no_room() {
        let missing = std::path::Path::new("surely/not/here");
        assert_eq!(ThisMachine.head(missing), None);
        assert_eq!(ThisMachine.space(missing), None);
        assert!(ThisMachine.entries(missing).is_empty());
    }

    #[test]
    fn writes_paths_as_each_system_does() {
        let windows = System::Windows.path(r"C:\Users\me\", &["Ollama", "server.log"]);
        assert_eq!(windows.to_str(), Some(r"C:\Users\me\Ollama\server.log"));
        let linux = System::Linux.path("/home/me", &[".ollama"]);
        assert_eq!(linux.to_str(), Some("/home/me/.ollama"));
    }
}
