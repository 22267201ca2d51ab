//! Programs started for a window, and the end of them.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// How often an ended program is looked for before it is ended for good.
const LOOKS: u32 = 40;
const PAUSE: Duration = Duration::from_millis(25);

/// A program and everything it starts; all of it is ended with the handle. It stays in the
/// process group of the test, so that Ctrl+C and a runner's time limit end it too.
#[derive(Debug)]
pub(super) struct Started {
    leader: Child,
}

impl Started {
    /// Starts the program; `package` is named when it is not installed.
    pub(super) fn start(command: &mut Command, package: &str) -> Result<Self> {
        let program = command.get_program().to_string_lossy().into_owned();
        let leader = command.spawn().with_context(|| {
            format!("cannot start {program}; on Debian it is in the package {package}")
        })?;
        Ok(Self { leader })
    }

    pub(super) fn id(&self) -> u32 {
        self.leader.id()
    }

    /// Standard output of the program, if it was piped and not taken yet.
    pub(super) fn output(&mut self) -> Option<std::process::ChildStdout> {
        self.leader.stdout.take()
    }

    /// Fails when the program has ended.
    pub(super) fn still_runs(&mut self) -> Result<()> {
        match self.leader.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("it ended with {status}"),
        }
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // Taken while they still know who started them.
        let family = family(self.leader.id());
        // Asked first: a display removes its lock file, a driver closes the app. A signal fails
        // only when its process has ended already.
        let _ = signal("TERM", self.leader.id());
        for _ in 0..LOOKS {
            let leader_ended = matches!(self.leader.try_wait(), Ok(Some(_)));
            if leader_ended && !family.iter().any(|id| alive(*id)) {
                return;
            }
            thread::sleep(PAUSE);
        }
        for id in family.into_iter().filter(|id| alive(*id)) {
            let _ = signal("KILL", id);
        }
        let _ = self.leader.wait();
    }
}

/// Ends one process at once.
pub(super) fn kill(process: u32) -> Result<()> {
    signal("KILL", process)
}

/// Whether a process runs; one that has ended and was not waited for does not.
pub(super) fn alive(process: u32) -> bool {
    parent_and_state(process).is_some_and(|(_, state)| state != 'Z')
}

/// The children of a process that run.
pub(super) fn children(process: u32) -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|id| parent_and_state(*id).is_some_and(|(up, state)| up == process && state != 'Z'))
        .collect()
}

/// A process and all that descend from it.
pub(super) fn family(process: u32) -> Vec<u32> {
    let mut found = vec![process];
    let mut next = 0;
    while let Some(id) = found.get(next).copied() {
        found.extend(children(id));
        next += 1;
    }
    found
}

fn parent_and_state(process: u32) -> Option<(u32, char)> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name before it is in parentheses and may itself hold spaces and parentheses.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?.chars().next()?;
    Some((fields.next()?.parse().ok()?, state))
}

fn signal(name: &str, process: u32) -> Result<()> {
    let status = Command::new("kill")
        .args(["-s", name, "--", &process.to_string()])
        .stderr(Stdio::null())
        .status()
        .context("cannot start kill")?;
    if !status.success() {
        bail!("kill ended with {status}");
    }
    Ok(())
}
