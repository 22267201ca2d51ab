//! One unit.

use std::{collections::BTreeMap, path::PathBuf};

use async_trait::async_trait;

use super::{bus::Bus, drop_in, files};
use crate::{
    Result,
    steering::{
        Changes, LogSource, Powers, ServiceControl, Surroundings, Verb, Written, changed_meanwhile,
        refused,
    },
};

pub(super) struct Unit {
    around: Surroundings,
    name: String,
    user: bool,
    bus: Bus,
    /// Corral's own drop-in.
    file: Option<PathBuf>,
}

impl Unit {
    pub(super) fn new(
        around: Surroundings,
        name: String,
        user: bool,
        file: Option<PathBuf>,
    ) -> Unit {
        let address = if user { around.user_bus.clone() } else { around.system_bus.clone() };
        Unit { around, name, user, bus: Bus::new(user, address), file }
    }

    fn file(&self) -> Result<&PathBuf> {
        self.file.as_ref().ok_or_else(|| refused("noHome"))
    }

    fn command(&self, words: &str) -> String {
        let program = if self.user { "systemctl --user" } else { "sudo systemctl" };
        format!("{program} {words} {}", self.name)
    }
}

#[async_trait]
impl ServiceControl for Unit {
    fn powers(&self) -> Powers {
        Powers {
            start: true,
            stop: true,
            environment: self.file.is_some(),
            autostart: true,
            ours: false,
            why_not: None,
        }
    }

    fn unit(&self) -> Option<String> {
        Some(self.name.clone())
    }

    fn equivalent(&self, verb: Verb) -> Vec<String> {
        vec![self.command(match verb {
            Verb::Start => "start",
            Verb::Stop => "stop",
            Verb::Restart => "restart",
        })]
    }

    fn equivalent_autostart(&self, on: bool) -> Vec<String> {
        vec![self.command(if on { "enable" } else { "disable" })]
    }

    fn equivalent_environment(&self, _changes: &Changes) -> Vec<String> {
        let reload = if self.user { "systemctl --user" } else { "sudo systemctl" };
        vec![self.command("edit"), format!("{reload} daemon-reload"), self.command("restart")]
    }

    async fn act(&self, verb: Verb) -> Result<()> {
        self.bus.act(&self.name, verb).await
    }

    async fn failure(&self) -> Option<String> {
        let facts = self.bus.facts(&self.name).await.ok()?;
        (facts.active == "failed").then(|| facts.words())
    }

    async fn environment(&self) -> Result<BTreeMap<String, String>> {
        let written = self.written().await?;
        Ok(written.into_iter().map(|(name, written)| (name, written.value)).collect())
    }

    async fn written(&self) -> Result<BTreeMap<String, Written>> {
        let files = self.bus.facts(&self.name).await?.files;
        let mut texts = Vec::new();
        for file in &files {
            // Whatever is in a file of somebody else is shown as well as it can be.
            let bytes = tokio::fs::read(file).await.unwrap_or_default();
            texts.push(String::from_utf8_lossy(&bytes).into_owned());
        }
        let of = |(name, (value, number)): (String, (String, usize))| {
            let place = &files[number];
            let ours = Some(place) == self.file.as_ref();
            (name, Written { value, place: place.display().to_string(), ours })
        };
        Ok(drop_in::settings(&texts).into_iter().map(of).collect())
    }

    async fn preview_environment(&self, changes: &Changes) -> Result<(String, String)> {
        let before = files::read(self.file()?).await?;
        let after = drop_in::edited(&before, changes);
        Ok((before, after))
    }

    async fn set_environment(&self, changes: &Changes) -> Result<Changes> {
        let (before, after) = self.preview_environment(changes).await?;
        let held = drop_in::settings(std::slice::from_ref(&before));
        let undo = changes
            .keys()
            .map(|name| (name.clone(), held.get(name).map(|(value, _)| value.clone())))
            .collect();
        self.write_environment(&before, &after).await?;
        Ok(undo)
    }

    async fn write_environment(&self, from: &str, to: &str) -> Result<()> {
        let file = self.file()?;
        // A masked or missing unit is told before anything is written.
        self.bus.facts(&self.name).await?;
        if files::read(file).await? != from {
            return Err(changed_meanwhile());
        }
        files::write(&*self.around.outside, file, to).await?;
        if let Err(error) = self.bus.reload().await {
            // Written and not read is neither here nor there.
            files::write(&*self.around.outside, file, from).await?;
            return Err(error);
        }
        Ok(())
    }

    async fn autostart(&self) -> Result<Option<bool>> {
        let enabled = self.bus.facts(&self.name).await?.enabled;
        Ok(match enabled.as_str() {
            "enabled" | "enabled-runtime" | "linked" | "alias" => Some(true),
            "disabled" => Some(false),
            // Static, generated, indirect: not a question of on and off.
            _ => None,
        })
    }

    async fn set_autostart(&self, on: bool) -> Result<()> {
        self.bus.enable(&self.name, on).await
    }

    fn log(&self) -> LogSource {
        LogSource::Journal { unit: self.name.clone(), user: self.user }
    }
}
