//! What Windows keeps: services, the user's variables, what starts with a session.
//!
//! All of it is asked of the system's own programs, whose figures are the same in every language.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use corral_contract::{ErrorCode, WireError, environment::spec};

use super::{
    Call, Changes, LogSource, Output, Outside, Powers, ServiceControl, Verb, Written, app::done,
    refused,
};
use crate::{
    Result,
    instances::{Machine, System},
};

/// The user's own variables.
const VARIABLES: &str = r"HKCU\Environment";
/// Whether Windows honours a shortcut of the Startup folder.
const APPROVED: &str =
    r"HKCU\Software\Microsoft\Windows\CurrentVersion\Explorer\StartupApproved\StartupFolder";
const SHORTCUT: &str = "Ollama.lnk";
/// How long a service may take to start or to end.
const LIMIT: Duration = Duration::from_secs(60);
/// Exit codes of `sc.exe`: the error codes of Windows.
const NOT_ALLOWED: i32 = 5;
const NO_SUCH_SERVICE: i32 = 1060;
const RUNS_ALREADY: i32 = 1056;
const NOT_STARTED: i32 = 1062;
const DISABLED: i32 = 1058;

/// The name under which people install `ollama serve` as a service.
const NAME: &str = "Ollama";

/// A service of Windows.
pub(super) struct Service {
    outside: Arc<dyn Outside>,
}

impl Service {
    pub(super) fn new(outside: Arc<dyn Outside>) -> Service {
        Service { outside }
    }

    async fn ask(&self, words: &[&str]) -> Result<Output> {
        self.outside.run(&Call::new("sc.exe", words)).await
    }

    async fn tell(&self, words: &[&str], fine: i32) -> Result<()> {
        let output = self.ask(words).await?;
        match output.code {
            Some(0) => Ok(()),
            Some(code) if code == fine => Ok(()),
            Some(NOT_ALLOWED) => Err(refused("needsAdmin").detail(output.words())),
            Some(DISABLED) => Err(refused("masked").detail(output.words())),
            Some(NO_SUCH_SERVICE) => {
                Err(WireError::new(ErrorCode::ServiceMissing).detail(output.words()))
            }
            _ => Err(refused("systemSaidNo").detail(output.words())),
        }
    }

    /// 1 stopped, 2 starting, 3 stopping, 4 running.
    async fn reaches(&self, wanted: u32) -> Result<()> {
        let wait = async {
            loop {
                if figure(&self.ask(&["query", NAME]).await?.said, "STATE") == Some(wanted) {
                    return Ok(());
                }
                tokio::time::sleep(Duration::from_millis(250)).await;
            }
        };
        let late = |_| WireError::new(ErrorCode::TimedOut).with("seconds", LIMIT.as_secs());
        tokio::time::timeout(LIMIT, wait).await.map_err(late)?
    }
}

/// The number behind a name in what `sc.exe` prints: `STATE : 4  RUNNING`.
fn figure(text: &str, name: &str) -> Option<u32> {
    let line = text.lines().find(|line| line.trim_start().starts_with(name))?;
    line.split_once(':')?.1.split_whitespace().next()?.parse().ok()
}

#[async_trait]
impl ServiceControl for Service {
    fn powers(&self) -> Powers {
        Powers {
            start: true,
            stop: true,
            autostart: true,
            // Whatever wraps the server keeps its variables in its own way.
            environment: false,
            ours: false,
            why_not: Some("windowsService"),
        }
    }

    fn unit(&self) -> Option<String> {
        Some(NAME.to_owned())
    }

    fn equivalent(&self, verb: Verb) -> Vec<String> {
        let (start, stop) = (format!("sc.exe start {NAME}"), format!("sc.exe stop {NAME}"));
        match verb {
            Verb::Start => vec![start],
            Verb::Stop => vec![stop],
            Verb::Restart => vec![stop, start],
        }
    }

    fn equivalent_autostart(&self, on: bool) -> Vec<String> {
        let kind = if on { "auto" } else { "demand" };
        vec![format!("sc.exe config {NAME} start= {kind}")]
    }

    async fn act(&self, verb: Verb) -> Result<()> {
        if verb != Verb::Start {
            self.tell(&["stop", NAME], NOT_STARTED).await?;
            self.reaches(1).await?;
        }
        if verb != Verb::Stop {
            self.tell(&["start", NAME], RUNS_ALREADY).await?;
            self.reaches(4).await?;
        }
        Ok(())
    }

    async fn environment(&self) -> Result<BTreeMap<String, String>> {
        Ok(BTreeMap::new())
    }

    async fn preview_environment(&self, _changes: &Changes) -> Result<(String, String)> {
        Err(refused("windowsService"))
    }

    async fn set_environment(&self, _changes: &Changes) -> Result<Changes> {
        Err(refused("windowsService"))
    }

    async fn autostart(&self) -> Result<Option<bool>> {
        // 2 = automatic, 3 = on demand, 4 = disabled.
        let output = self.ask(&["qc", NAME]).await?;
        Ok(figure(&output.said, "START_TYPE").map(|kind| kind == 2))
    }

    async fn set_autostart(&self, on: bool) -> Result<()> {
        let kind = if on { "auto" } else { "demand" };
        // Two words, as sc.exe wants it.
        self.tell(&["config", NAME, "start=", kind], 0).await
    }

    fn log(&self) -> LogSource {
        LogSource::Nowhere
    }
}

/// The variables of Ollama that the user's environment has.
///
/// # Errors
/// As [`Outside::run`].
pub(super) async fn user_environment(outside: &dyn Outside) -> Result<BTreeMap<String, Written>> {
    let output = outside.run(&Call::new("reg.exe", &["query", VARIABLES])).await?;
    let mut found = BTreeMap::new();
    for line in output.said.lines() {
        let Some((name, rest)) = line.trim().split_once("    ") else { continue };
        let Some((kind, value)) = rest.trim_start().split_once("    ") else { continue };
        if kind.starts_with("REG_") && spec(name).is_some() {
            let place = VARIABLES.to_owned();
            let value = value.trim().to_owned();
            found.insert(name.to_owned(), Written { value, place, ours: true });
        }
    }
    Ok(found)
}

/// Sets a variable of the user, or takes it away.
///
/// # Errors
/// `SERVICE_REFUSED` with the system's words.
pub(super) async fn set_user_variable(
    outside: &dyn Outside,
    name: &str,
    value: Option<&str>,
) -> Result<()> {
    let call = match value {
        Some(value) => {
            Call::new("reg.exe", &["add", VARIABLES, "/v", name, "/t", "REG_SZ", "/d", value, "/f"])
        }
        None => Call::new("reg.exe", &["delete", VARIABLES, "/v", name, "/f"]),
    };
    let output = outside.run(&call).await?;
    if value.is_none() && output.code == Some(1) {
        // It was not there.
        return Ok(());
    }
    done(&output)
}

/// Whether Ollama's app starts with a session; `None` where it left no shortcut.
///
/// # Errors
/// As [`Outside::run`].
pub(super) async fn app_starts_at_login(
    outside: &dyn Outside,
    machine: &dyn Machine,
) -> Result<Option<bool>> {
    if !shortcut(machine) {
        return Ok(Some(false));
    }
    let output = outside.run(&Call::new("reg.exe", &["query", APPROVED, "/v", SHORTCUT])).await?;
    // `03…` = switched off by the user; `02…`, or nothing, = on.
    let value = output.said.split_whitespace().skip_while(|word| *word != "REG_BINARY").nth(1);
    Ok(Some(!value.is_some_and(|value| value.starts_with("03"))))
}

/// Switches the app's own shortcut on or off, as the task manager does.
///
/// # Errors
/// `SERVICE_REFUSED` where there is no shortcut.
pub(super) async fn set_app_at_login(
    outside: &dyn Outside,
    machine: &dyn Machine,
    on: bool,
) -> Result<()> {
    if !shortcut(machine) {
        return if on { Err(refused("noShortcut")) } else { Ok(()) };
    }
    let value = if on { "020000000000000000000000" } else { "030000000000000000000000" };
    let words = ["add", APPROVED, "/v", SHORTCUT, "/t", "REG_BINARY", "/d", value, "/f"];
    done(&outside.run(&Call::new("reg.exe", &words)).await?)
}

fn shortcut(machine: &dyn Machine) -> bool {
    let parts = ["Microsoft", "Windows", "Start Menu", "Programs", "Startup", SHORTCUT];
    let base = machine.variable("APPDATA");
    base.is_some_and(|base| machine.exists(&System::Windows.path(&base, &parts)))
}

#[cfg(test)]
mod tests {
    use super::figure;

    #[test]
    fn figures_of_a_service_are_read_in_any_language() {
        let text = "\nSERVICE_NAME: Ollama \n        TYPE               : 10  WIN32_OWN_PROCESS  \n\
                    \x20       STATE              : 4  RUNNING \n";
        assert_eq!(figure(text, "STATE"), Some(4));
        assert_eq!(figure("        START_TYPE         : 2   AUTO_START", "START_TYPE"), Some(2));
        assert_eq!(figure("nothing", "STATE"), None);
    }
}
