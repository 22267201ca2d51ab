//! Processes of this machine that were started out of Corral's folder, and ending them.
//!
//! A process counts as ours when its program lies in the folder and it carries the token that its
//! start was written down with: neither another user's nor one that somebody started by hand is
//! ever touched.

use std::path::{Path, PathBuf};

use sysinfo::{Pid, ProcessRefreshKind, ProcessStatus, ProcessesToUpdate, UpdateKind};

/// The variable that carries the token.
pub(super) const TOKEN: &str = "CORRAL_CHILD";
/// Two measurements of when a process began may differ so much, in seconds: systems reckon it
/// from a clock that can be set.
const SAME_START: u64 = 2;

/// A process whose program lies in the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) pid: u32,
    /// Seconds since 1970, as the system reckons them.
    pub(super) started: u64,
    pub(super) program: PathBuf,
    /// `None` where the system does not show what a process was started with.
    token: Option<String>,
    /// The server itself, not something that it started.
    pub(super) serves: bool,
}

impl Seen {
    /// Whether it is the process that a token and a start were written down for.
    pub(super) fn is(&self, token: &str, started: Option<u64>) -> bool {
        match &self.token {
            Some(own) => own == token,
            None => started.is_some_and(|started| started.abs_diff(self.started) <= SAME_START),
        }
    }
}

/// Every process that runs a program below `folder`. Blocks.
pub(super) fn below(folder: &Path) -> Vec<Seen> {
    let folder = dunce::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    let Ok(mut system) = sysinfo::System::new() else { return Vec::new() };
    let programs = ProcessRefreshKind::nothing().with_exe(UpdateKind::Always);
    system.refresh_processes_specifics(ProcessesToUpdate::All, true, programs);
    let pids: Vec<Pid> = system
        .processes()
        .values()
        .filter(|process| process.thread_kind().is_none() && lives(process))
        .filter(|process| process.exe().is_some_and(|program| program.starts_with(&folder)))
        .map(sysinfo::Process::pid)
        .collect();
    if pids.is_empty() {
        return Vec::new();
    }
    let words = programs.with_cmd(UpdateKind::Always).with_environ(UpdateKind::Always);
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&pids), true, words);
    pids.iter().filter_map(|pid| system.process(*pid)).filter_map(seen).collect()
}

fn seen(process: &sysinfo::Process) -> Option<Seen> {
    let named = |entry: &std::ffi::OsString| {
        let entry = entry.to_string_lossy();
        Some(entry.strip_prefix(TOKEN)?.strip_prefix('=')?.to_owned())
    };
    let environment = process.environ();
    let token = environment.iter().find_map(named);
    Some(Seen {
        pid: process.pid().as_u32(),
        started: process.start_time(),
        program: process.exe()?.to_owned(),
        // Shown, and none in it: somebody else's.
        token: if environment.is_empty() { None } else { Some(token.unwrap_or_default()) },
        serves: process.cmd().get(1).is_some_and(|word| word == "serve"),
    })
}

/// When a process began; `None` when there is none. Blocks.
pub(super) fn started(pid: u32) -> Option<u64> {
    let mut system = sysinfo::System::new().ok()?;
    let pid = Pid::from_u32(pid);
    let nothing = ProcessRefreshKind::nothing();
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, nothing);
    system.process(pid).filter(|process| lives(process)).map(sysinfo::Process::start_time)
}

/// Whether a process runs a program below `folder`: its number may be somebody else's by now. Blocks.
pub(super) fn runs_below(pid: u32, folder: &Path) -> bool {
    let folder = dunce::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    let Ok(mut system) = sysinfo::System::new() else { return true };
    let pid = Pid::from_u32(pid);
    let programs = ProcessRefreshKind::nothing().with_exe(UpdateKind::Always);
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, programs);
    system.process(pid).is_some_and(|process| {
        lives(process) && process.exe().is_some_and(|program| program.starts_with(&folder))
    })
}

/// One that ended and that nobody asked about is still listed.
fn lives(process: &sysinfo::Process) -> bool {
    !matches!(process.status(), ProcessStatus::Zombie | ProcessStatus::Dead)
}

/// Asks a server to end. On Windows there is no such way to a process without a console: it is
/// ended, which loses nothing, as a server writes whole files only.
#[cfg(unix)]
pub(super) fn ask_to_end(pid: u32) {
    send(pid, rustix::process::Signal::TERM);
}

#[cfg(not(unix))]
pub(super) fn ask_to_end(pid: u32) {
    end(pid);
}

/// Ends a process at once.
#[cfg(unix)]
pub(super) fn end(pid: u32) {
    send(pid, rustix::process::Signal::KILL);
}

#[cfg(not(unix))]
pub(super) fn end(pid: u32) {
    let Ok(mut system) = sysinfo::System::new() else { return };
    let pid = Pid::from_u32(pid);
    let nothing = ProcessRefreshKind::nothing();
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, nothing);
    if let Some(process) = system.process(pid) {
        process.kill();
    }
}

#[cfg(unix)]
fn send(pid: u32, signal: rustix::process::Signal) {
    let pid = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
    // Gone already is what was wanted.
    if let Some(pid) = pid {
        let _ = rustix::process::kill_process(pid, signal);
    }
}

/// Ends whatever is left of the group that a server led.
#[cfg(unix)]
pub(super) fn end_group(leader: u32) {
    let leader = i32::try_from(leader).ok().and_then(rustix::process::Pid::from_raw);
    if let Some(leader) = leader {
        let _ = rustix::process::kill_process_group(leader, rustix::process::Signal::KILL);
    }
}

#[cfg(not(unix))]
pub(super) fn end_group(_: u32) {}

/// Ends everything below `folder` that carries a token. Answers how many. Blocks.
pub(super) fn sweep(folder: &Path, token: &str) -> usize {
    let left: Vec<Seen> = below(folder).into_iter().filter(|seen| seen.is(token, None)).collect();
    for seen in &left {
        end(seen.pid);
    }
    left.len()
}

#[cfg(test)]
mod tests {
    use super::{Seen, runs_below, started};

    #[test]
    fn this_very_process_has_a_start_and_none_has_number_zero() {
        assert!(started(std::process::id()).is_some());
        assert_eq!(started(0), None);
    }

    #[test]
    fn a_number_that_is_somebody_elses_by_now_is_told_by_its_program() {
        let program = std::env::current_exe().expect("the path of the test");
        let folder = program.parent().expect("a folder");
        assert!(runs_below(std::process::id(), folder));
        let other = tempfile::tempdir().expect("a folder");
        assert!(!runs_below(std::process::id(), other.path()));
        assert!(!runs_below(0, folder));
    }

    #[test]
    fn a_token_counts_more_than_a_start() {
        let seen = |token: Option<&str>| Seen {
            pid: 1,
            started: 100,
            program: "p".into(),
            token: token.map(str::to_owned),
            serves: true,
        };
        assert!(seen(Some("a")).is("a", Some(5000)), "the clock was set in between");
        assert!(!seen(Some("")).is("a", Some(100)), "somebody started it by hand");
        assert!(seen(None).is("a", Some(101)));
        assert!(!seen(None).is("a", Some(500)));
        assert!(!seen(None).is("a", None));
    }
}
