//! Programs of the system, run with arguments and never by a shell.

use std::{collections::BTreeMap, process::Stdio, time::Duration};

use async_trait::async_trait;
use corral_contract::{ErrorCode, Timestamp, WireError};
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, Signal};
use tokio::{io::AsyncReadExt, process::Command};

use crate::Result;

/// Most of what a program says that is kept, in bytes.
const MOST: u64 = 1024 * 1024;

/// A program to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    pub program: String,
    pub arguments: Vec<String>,
    /// Variables besides Corral's own; `None` = not that one of Corral's.
    pub environment: BTreeMap<String, Option<String>>,
    /// How long it may take.
    pub limit: Duration,
}

impl Call {
    /// With Corral's own environment and ten seconds.
    #[must_use]
    pub fn new(program: &str, arguments: &[&str]) -> Call {
        Call {
            program: program.to_owned(),
            arguments: arguments.iter().map(|word| (*word).to_owned()).collect(),
            environment: BTreeMap::new(),
            limit: Duration::from_secs(10),
        }
    }
}

/// How a program ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Output {
    /// `None` = ended by a signal.
    pub code: Option<i32>,
    pub said: String,
    pub complained: String,
}

impl Output {
    /// What it said when it failed, for "details".
    #[must_use]
    pub fn words(&self) -> String {
        let both = format!("{}\n{}", self.complained.trim(), self.said.trim());
        both.trim().chars().take(2000).collect()
    }
}

/// What is done outside Corral, by programs and signals.
#[async_trait]
pub trait Outside: Send + Sync + 'static {
    /// Runs a program to its end; dropped, the program is ended.
    ///
    /// # Errors
    /// `NOT_FOUND` where there is no such program, `TIMED_OUT`, `FILE_SYSTEM`.
    async fn run(&self, call: &Call) -> Result<Output>;

    /// Starts a program that goes on by itself.
    ///
    /// # Errors
    /// As [`Outside::run`].
    async fn launch(&self, call: &Call) -> Result<()>;

    /// Asks a process to end, if it is still the one that was started then.
    ///
    /// # Errors
    /// `CHANGED_MEANWHILE` when it is another one or gone, `DENIED` when it is somebody else's.
    async fn end(&self, pid: u32, started: Option<Timestamp>) -> Result<()>;
}

/// The system that Corral runs on.
#[derive(Debug, Clone, Copy, Default)]
pub struct ThisSystem;

fn command(call: &Call) -> Command {
    let mut command = Command::new(&call.program);
    command.args(&call.arguments).stdin(Stdio::null());
    for (name, value) in &call.environment {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    #[cfg(windows)]
    command.creation_flags(0x0800_0000); // no console window
    command
}

fn not_run(call: &Call, error: &std::io::Error) -> WireError {
    let code = match error.kind() {
        std::io::ErrorKind::NotFound => ErrorCode::NotFound,
        _ => ErrorCode::FileSystem,
    };
    WireError::new(code).with("name", &call.program).detail(error.to_string())
}

async fn read(pipe: Option<impl tokio::io::AsyncRead + Unpin>) -> String {
    let mut bytes = Vec::new();
    if let Some(pipe) = pipe {
        // What came before it broke is all there is to show.
        let _ = pipe.take(MOST).read_to_end(&mut bytes).await;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[async_trait]
impl Outside for ThisSystem {
    async fn run(&self, call: &Call) -> Result<Output> {
        let mut child = command(call)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| not_run(call, &error))?;
        let (said, complained) = (child.stdout.take(), child.stderr.take());
        let all = async {
            let (said, complained) = tokio::join!(read(said), read(complained));
            let status = child.wait().await.map_err(|error| not_run(call, &error))?;
            Ok(Output { code: status.code(), said, complained })
        };
        tokio::time::timeout(call.limit, all).await.map_err(|_| {
            WireError::new(ErrorCode::TimedOut).with("seconds", call.limit.as_secs())
        })?
    }

    async fn launch(&self, call: &Call) -> Result<()> {
        let mut command = command(call);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        // Not to be ended with Corral by what is typed at a terminal.
        #[cfg(unix)]
        command.process_group(0);
        let mut child = command.spawn().map_err(|error| not_run(call, &error))?;
        tokio::spawn(async move {
            // Collected, so that nothing dead stays in the list of processes.
            let _ = child.wait().await;
        });
        Ok(())
    }

    async fn end(&self, pid: u32, started: Option<Timestamp>) -> Result<()> {
        let ended = tokio::task::spawn_blocking(move || end(pid, started)).await;
        ended.map_err(|error| WireError::new(ErrorCode::Internal).detail(error.to_string()))?
    }
}

fn end(pid: u32, started: Option<Timestamp>) -> Result<()> {
    let gone = || super::changed_meanwhile();
    let mut system = sysinfo::System::new()
        .map_err(|error| WireError::new(ErrorCode::Internal).detail(format!("{error:?}")))?;
    let pid = Pid::from_u32(pid);
    let pids = [pid];
    let what = ProcessesToUpdate::Some(&pids);
    system.refresh_processes_specifics(what, true, ProcessRefreshKind::nothing());
    let process = system.process(pid).ok_or_else(gone)?;
    let since = i64::try_from(process.start_time()).unwrap_or_default().saturating_mul(1000);
    if started.is_some_and(|started| started.0 != since) {
        return Err(gone());
    }
    // Where the system has no such signal there is only the hard way.
    let asked = process.kill_with(Signal::Term).unwrap_or_else(|| process.kill());
    if asked { Ok(()) } else { Err(super::refused("notAllowed")) }
}
