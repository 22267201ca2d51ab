//! Ollama's own app on macOS and Windows, which starts the server itself.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use async_trait::async_trait;

use super::{
    Call, Changes, LogSource, Output, Outside, Powers, ServiceControl, Verb, Written, launchd,
    process::gone, refused, texts, windows,
};
use crate::{
    Result,
    instances::{Machine, Process, System},
};

/// How many older logs the app keeps.
const OLD_LOGS: usize = 5;

pub(super) struct App {
    outside: Arc<dyn Outside>,
    machine: Arc<dyn Machine>,
    process: Option<Process>,
}

impl App {
    pub(super) fn new(
        outside: Arc<dyn Outside>,
        machine: Arc<dyn Machine>,
        process: Option<Process>,
    ) -> App {
        App { outside, machine, process }
    }

    fn windows(&self) -> bool {
        self.machine.system() == System::Windows
    }

    fn program(&self) -> String {
        if !self.windows() {
            return "Ollama".to_owned();
        }
        let base = self.machine.variable("LOCALAPPDATA").unwrap_or_default();
        let parts = ["Programs", "Ollama", "ollama app.exe"];
        System::Windows.path(&base, &parts).to_string_lossy().into_owned()
    }

    async fn start(&self) -> Result<()> {
        if !self.windows() {
            let call = Call::new("open", &["-j", "-a", "Ollama", "--args", "--fast-startup"]);
            return done(&self.outside.run(&call).await?);
        }
        let mut call = Call::new(&self.program(), &["--hide", "--fast-startup"]);
        // What Corral itself was started with may be older than what is written.
        let written = self.environment().await?;
        for spec in corral_contract::environment::SPECS {
            call.environment.insert(spec.name.to_owned(), written.get(spec.name).cloned());
        }
        self.outside.launch(&call).await
    }

    async fn stop(&self) -> Result<()> {
        let Some(process) = &self.process else { return Ok(()) };
        let call = if self.windows() {
            // The app would start the server again; it goes with everything that it started.
            let app = process.parent_pid.unwrap_or(process.pid).to_string();
            Call::new("taskkill", &["/PID", &app, "/T", "/F"])
        } else {
            Call::new("osascript", &["-e", "quit app \"Ollama\""])
        };
        done(&self.outside.run(&call).await?)?;
        gone(&self.machine, process.pid).await
    }
}

/// # Errors
/// `SERVICE_REFUSED` with what the program said.
pub(super) fn done(output: &Output) -> Result<()> {
    match output.code {
        Some(0) => Ok(()),
        _ => Err(refused("systemSaidNo").detail(output.words())),
    }
}

#[async_trait]
impl ServiceControl for App {
    fn powers(&self) -> Powers {
        Powers {
            start: true,
            stop: true,
            environment: true,
            // macOS keeps login items to itself.
            autostart: self.windows(),
            ours: false,
            why_not: (!self.windows()).then_some("loginItem"),
        }
    }

    fn unit(&self) -> Option<String> {
        Some(if self.windows() { "ollama app.exe" } else { "Ollama.app" }.to_owned())
    }

    fn equivalent(&self, verb: Verb) -> Vec<String> {
        let (start, stop) = if self.windows() {
            let start = format!("\"{}\" --hide --fast-startup", self.program());
            (start, "taskkill /IM \"ollama app.exe\" /T /F".to_owned())
        } else {
            let start = "open -j -a Ollama --args --fast-startup".to_owned();
            (start, "osascript -e 'quit app \"Ollama\"'".to_owned())
        };
        match verb {
            Verb::Start => vec![start],
            Verb::Stop => vec![stop],
            Verb::Restart => vec![stop, start],
        }
    }

    fn equivalent_environment(&self, changes: &Changes) -> Vec<String> {
        let line = |(name, value): (&String, &Option<String>)| match (self.windows(), value) {
            (true, Some(value)) => format!("setx {name} \"{value}\""),
            (true, None) => format!("reg delete HKCU\\Environment /v {name} /f"),
            (false, Some(value)) => format!("launchctl setenv {name} \"{value}\""),
            (false, None) => format!("launchctl unsetenv {name}"),
        };
        changes.iter().map(line).collect()
    }

    async fn act(&self, verb: Verb) -> Result<()> {
        if verb != Verb::Start {
            self.stop().await?;
        }
        if verb != Verb::Stop {
            self.start().await?;
        }
        Ok(())
    }

    async fn environment(&self) -> Result<BTreeMap<String, String>> {
        let written = self.written().await?;
        Ok(written.into_iter().map(|(name, written)| (name, written.value)).collect())
    }

    async fn written(&self) -> Result<BTreeMap<String, Written>> {
        if self.windows() {
            windows::user_environment(&*self.outside).await
        } else {
            Ok(launchd::session_environment(&*self.machine))
        }
    }

    async fn preview_environment(&self, changes: &Changes) -> Result<(String, String)> {
        let before = self.environment().await?;
        Ok((texts::list(&before), texts::list(&texts::changed(&before, changes))))
    }

    async fn set_environment(&self, changes: &Changes) -> Result<Changes> {
        let before = self.environment().await?;
        for (name, value) in changes {
            let set = if self.windows() {
                windows::set_user_variable(&*self.outside, name, value.as_deref()).await
            } else {
                let machine = &*self.machine;
                launchd::set_session_variable(&*self.outside, machine, name, value.as_deref()).await
            };
            if let Err(error) = set {
                // What was written before it is taken back, so that nothing is half done.
                for (name, value) in texts::undo(&before, changes) {
                    let value = value.as_deref();
                    let back = if self.windows() {
                        windows::set_user_variable(&*self.outside, &name, value).await
                    } else {
                        let machine = &*self.machine;
                        launchd::set_session_variable(&*self.outside, machine, &name, value).await
                    };
                    if let Err(error) = back {
                        tracing::warn!(%error, name, "a variable was not taken back");
                    }
                }
                return Err(error);
            }
        }
        Ok(texts::undo(&before, changes))
    }

    async fn autostart(&self) -> Result<Option<bool>> {
        if self.windows() {
            windows::app_starts_at_login(&*self.outside, &*self.machine).await
        } else {
            Ok(None)
        }
    }

    async fn set_autostart(&self, on: bool) -> Result<()> {
        if self.windows() {
            windows::set_app_at_login(&*self.outside, &*self.machine, on).await
        } else {
            Err(refused("loginItem"))
        }
    }

    fn log(&self) -> LogSource {
        let folder = if self.windows() {
            let base = self.machine.variable("LOCALAPPDATA");
            base.map(|base| System::Windows.path(&base, &["Ollama"]))
        } else {
            let home = self.machine.variable("HOME");
            home.map(|home| System::MacOs.path(&home, &[".ollama", "logs"]))
        };
        let Some(folder) = folder else { return LogSource::Nowhere };
        let file = |name: &str| -> PathBuf {
            self.machine.system().path(&folder.to_string_lossy(), &[name])
        };
        let old = (1..=OLD_LOGS).map(|number| file(&format!("server-{number}.log")));
        LogSource::Files(std::iter::once(file("server.log")).chain(old).collect())
    }
}
