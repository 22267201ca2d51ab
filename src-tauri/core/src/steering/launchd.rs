//! launchd: a server with a description of its own, and the variables of a session.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use corral_contract::{ErrorCode, WireError};

use super::{
    Call, Changes, LogSource, Outside, Powers, ServiceControl, Verb, Written, app::done,
    changed_meanwhile, refused,
};
use crate::{Result, instances::Machine};

mod plist;
mod session;

pub(super) use session::{session_environment, set_session_variable};

/// `launchctl` and launchd say this of a service that is not loaded.
const NOT_LOADED: [i32; 2] = [3, 113];

pub(super) struct Launchd {
    outside: Arc<dyn Outside>,
    machine: Arc<dyn Machine>,
    file: PathBuf,
}

impl Launchd {
    pub(super) fn new(
        outside: Arc<dyn Outside>,
        machine: Arc<dyn Machine>,
        file: PathBuf,
    ) -> Launchd {
        Launchd { outside, machine, file }
    }

    /// Of the whole machine, which only an administrator steers.
    fn of_machine(&self) -> bool {
        self.file.to_string_lossy().contains("/LaunchDaemons/")
    }

    fn text(&self) -> Option<String> {
        self.machine.head(&self.file).filter(|text| !text.starts_with("bplist"))
    }

    fn label(&self) -> String {
        let told = self.text().and_then(|text| plist::string(&text, "Label"));
        told.unwrap_or_else(|| {
            let stem = self.file.file_stem().unwrap_or_default();
            stem.to_string_lossy().into_owned()
        })
    }

    fn domain(&self) -> String {
        if self.of_machine() { "system".to_owned() } else { session::domain(&*self.machine) }
    }

    fn target(&self) -> String {
        format!("{}/{}", self.domain(), self.label())
    }

    async fn stop(&self) -> Result<()> {
        let output =
            self.outside.run(&Call::new("launchctl", &["bootout", &self.target()])).await?;
        match output.code {
            Some(code) if NOT_LOADED.contains(&code) => Ok(()),
            _ => done(&output),
        }
    }

    async fn start(&self) -> Result<()> {
        let file = self.file.to_string_lossy();
        let loaded = self.outside.run(&Call::new("launchctl", &["print", &self.target()])).await?;
        if loaded.code != Some(0) {
            let words = ["bootstrap", &self.domain(), &file];
            done(&self.outside.run(&Call::new("launchctl", &words)).await?)?;
        }
        done(&self.outside.run(&Call::new("launchctl", &["kickstart", &self.target()])).await?)
    }

    async fn now(&self) -> Result<String> {
        let bytes = tokio::fs::read(&self.file)
            .await
            .map_err(|error| WireError::new(ErrorCode::ServiceMissing).detail(error.to_string()))?;
        if bytes.starts_with(b"bplist") {
            return Err(refused("binaryFile"));
        }
        String::from_utf8(bytes).map_err(|_| refused("notText"))
    }
}

#[async_trait]
impl ServiceControl for Launchd {
    fn powers(&self) -> Powers {
        if self.of_machine() {
            return Powers { why_not: Some("needsAdmin"), ..Powers::default() };
        }
        let readable = self.text().is_some();
        let folder = self.file.parent().unwrap_or(Path::new("/"));
        let writable = readable && self.machine.writable(folder);
        Powers {
            start: true,
            stop: true,
            environment: writable,
            autostart: true,
            ours: false,
            why_not: match (readable, writable) {
                (false, _) => Some("binaryFile"),
                (true, false) => Some("needsAdmin"),
                (true, true) => None,
            },
        }
    }

    fn unit(&self) -> Option<String> {
        Some(self.label())
    }

    fn equivalent(&self, verb: Verb) -> Vec<String> {
        let start = format!("launchctl bootstrap {} \"{}\"", self.domain(), self.file.display());
        let stop = format!("launchctl bootout {}", self.target());
        match verb {
            Verb::Start => vec![start],
            Verb::Stop => vec![stop],
            Verb::Restart => vec![stop, start],
        }
    }

    fn equivalent_autostart(&self, on: bool) -> Vec<String> {
        let verb = if on { "enable" } else { "disable" };
        vec![format!("launchctl {verb} {}", self.target())]
    }

    async fn act(&self, verb: Verb) -> Result<()> {
        // A changed description is read only when it is loaded anew, so a restart is both.
        if verb != Verb::Start {
            self.stop().await?;
        }
        if verb != Verb::Stop {
            self.start().await?;
        }
        Ok(())
    }

    async fn environment(&self) -> Result<BTreeMap<String, String>> {
        Ok(plist::environment(&self.now().await?))
    }

    async fn written(&self) -> Result<BTreeMap<String, Written>> {
        let place = self.file.display().to_string();
        let of = |(name, value)| (name, Written { value, place: place.clone(), ours: true });
        Ok(self.environment().await?.into_iter().map(of).collect())
    }

    async fn preview_environment(&self, changes: &Changes) -> Result<(String, String)> {
        let before = self.now().await?;
        let after = plist::edited(&before, changes).ok_or_else(|| refused("binaryFile"))?;
        Ok((before, after))
    }

    async fn set_environment(&self, changes: &Changes) -> Result<Changes> {
        let (before, after) = self.preview_environment(changes).await?;
        let undo = super::texts::undo(&plist::environment(&before), changes);
        self.write_environment(&before, &after).await?;
        Ok(undo)
    }

    async fn write_environment(&self, from: &str, to: &str) -> Result<()> {
        if self.now().await? != from {
            return Err(changed_meanwhile());
        }
        session::put(&self.file, to.as_bytes()).await
    }

    async fn autostart(&self) -> Result<Option<bool>> {
        let words = ["print-disabled", &self.domain()];
        let output = self.outside.run(&Call::new("launchctl", &words)).await?;
        let name = format!("\"{}\"", self.label());
        let line = output.said.lines().find(|line| line.contains(&name)).unwrap_or_default();
        // Older systems say `true`, newer ones `disabled`.
        if line.ends_with("true") || line.ends_with("disabled") {
            return Ok(Some(false));
        }
        Ok(self.text().map(|text| plist::flag(&text, "RunAtLoad")))
    }

    async fn set_autostart(&self, on: bool) -> Result<()> {
        let verb = if on { "enable" } else { "disable" };
        done(&self.outside.run(&Call::new("launchctl", &[verb, &self.target()])).await?)
    }

    fn log(&self) -> LogSource {
        let text = self.text().unwrap_or_default();
        let file = plist::string(&text, "StandardErrorPath");
        let file = file.or_else(|| plist::string(&text, "StandardOutPath"));
        file.map_or(LogSource::Nowhere, |file| LogSource::Files(vec![file.into()]))
    }
}
