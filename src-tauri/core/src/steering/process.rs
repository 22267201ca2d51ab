//! A server that somebody started by hand.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use corral_contract::{ErrorCode, WireError};

use super::{Changes, LogSource, Outside, Powers, ServiceControl, Verb, refused};
use crate::{
    Result,
    instances::{Machine, Process, System},
};

/// How long a process has to end after it was asked to.
const LIMIT: Duration = Duration::from_secs(15);

/// Can be ended, and nothing else: how it was started is known to whoever did.
pub(super) struct Plain {
    outside: Arc<dyn Outside>,
    machine: Arc<dyn Machine>,
    process: Process,
}

impl Plain {
    pub(super) fn new(
        outside: Arc<dyn Outside>,
        machine: Arc<dyn Machine>,
        process: Process,
    ) -> Plain {
        Plain { outside, machine, process }
    }
}

#[async_trait]
impl ServiceControl for Plain {
    fn powers(&self) -> Powers {
        Powers { stop: true, why_not: Some("process"), ..Powers::default() }
    }

    fn unit(&self) -> Option<String> {
        let program = self.process.executable.as_ref().map(|path| path.display().to_string());
        program.or_else(|| Some("ollama".to_owned()))
    }

    fn equivalent(&self, verb: Verb) -> Vec<String> {
        match (verb, self.machine.system()) {
            (Verb::Stop, System::Windows) => vec![format!("taskkill /PID {} /F", self.process.pid)],
            (Verb::Stop, _) => vec![format!("kill -TERM {}", self.process.pid)],
            _ => Vec::new(),
        }
    }

    async fn act(&self, verb: Verb) -> Result<()> {
        if verb != Verb::Stop {
            return Err(refused("startedByHand"));
        }
        self.outside.end(self.process.pid, self.process.started).await?;
        gone(&self.machine, self.process.pid).await
    }

    async fn environment(&self) -> Result<BTreeMap<String, String>> {
        Ok(BTreeMap::new())
    }

    async fn preview_environment(&self, _changes: &Changes) -> Result<(String, String)> {
        Err(refused("startedByHand"))
    }

    async fn set_environment(&self, _changes: &Changes) -> Result<Changes> {
        Err(refused("startedByHand"))
    }

    async fn autostart(&self) -> Result<Option<bool>> {
        Ok(None)
    }

    async fn set_autostart(&self, _on: bool) -> Result<()> {
        Err(refused("startedByHand"))
    }

    fn log(&self) -> LogSource {
        LogSource::Nowhere
    }
}

/// Waits until a server's process is gone.
///
/// # Errors
/// `TIMED_OUT` when it does not go.
pub(super) async fn gone(machine: &Arc<dyn Machine>, pid: u32) -> Result<()> {
    let wait = async {
        loop {
            let machine = machine.clone();
            let servers = tokio::task::spawn_blocking(move || machine.servers()).await;
            if servers.is_ok_and(|servers| servers.iter().all(|server| server.pid != pid)) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::time::timeout(LIMIT, wait)
        .await
        .map_err(|_| WireError::new(ErrorCode::TimedOut).with("seconds", LIMIT.as_secs()))
}
