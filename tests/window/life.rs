//! The life of an Ollama that Corral installs, from a computer without one to its end, by clicks.

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::{Context, Result, ensure};
use corral_testbed::{
    releases::FakeReleases,
    window::{Window, says, word},
};
use thirtyfour::Key;

use crate::{
    environment::{apply, review, write},
    pages::{Create, Models},
};

const VARIABLE: &str = "OLLAMA_NUM_PARALLEL";

/// The card of the server that Corral installs.
fn card() -> String {
    format!("instance-card-{}", word("This computer"))
}

/// The number of its process, which stands behind what it does.
fn number(state: &str) -> Option<String> {
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    state.split('·').nth(1).map(digits).filter(|number| !number.is_empty())
}

/// A version of the server, as it is published.
pub(crate) struct Release {
    pub(crate) version: String,
    pub(crate) archive: Vec<u8>,
}

/// Where the first model comes from.
pub(crate) enum Source {
    /// A button on the card of the new server.
    Button,
    /// Its name, of a registry without encryption.
    Name,
}

/// What differs between the servers that the same is done with.
pub(crate) struct Life<'a> {
    pub(crate) window: &'a Window,
    pub(crate) site: &'a FakeReleases,
    /// The first is published already, the second comes later.
    pub(crate) first: &'a str,
    pub(crate) second: Release,
    pub(crate) model: &'a str,
    pub(crate) source: Source,
    /// Corral's own.
    pub(crate) data: &'a Path,
    /// Not there yet; where the models move.
    pub(crate) elsewhere: PathBuf,
}

impl Life<'_> {
    pub(crate) async fn lead(self) -> Result<()> {
        let began = Instant::now();
        self.install().await?;
        let installed = began.elapsed();
        self.get_model().await?;
        println!(
            "{}: answers {:.1} s after the click, the first model is loaded after {:.1} s",
            self.first,
            installed.as_secs_f64(),
            began.elapsed().as_secs_f64()
        );
        self.configure().await?;
        self.load().await?;
        self.move_models().await?;
        self.load().await?;
        self.update().await?;
        self.crash().await?;
        self.roll_back().await?;
        self.stop_and_start().await?;
        self.load().await?;
        self.uninstall().await
    }

    /// One button, which says what it will do.
    async fn install(&self) -> Result<()> {
        let window = self.window;
        window.click("nav-instances").await?;
        window.find("first-run").await.context("is another Ollama on this computer?")?;
        window.text_holds("first-run-install", &format!("Ollama {}", self.first)).await?;
        window.text_holds("first-run-install", "MIT licence").await?;
        window.click("first-run-install").await?;
        window.text_holds(&card(), &format!("API {}", self.first)).await?;
        window.text_holds(&card(), "run by Corral").await?;
        window.text_holds(&card(), "service running").await
    }

    async fn get_model(&self) -> Result<()> {
        let window = self.window;
        match self.source {
            Source::Button => {
                window.click(&format!("first-model-{}", self.model)).await?;
                window.gone_from_view("first-models").await?;
                window.click("nav-models").await?;
            }
            Source::Name => {
                window.click("nav-models").await?;
                let create = Create::open(window).await?;
                create.name(self.model).await?;
                let plain = "[data-testid='dialog-create'] .form-row > div:last-child \
                             [role='checkbox']";
                window.click_css(plain).await?;
                window.click("create-start").await?;
                create.submit().await?;
            }
        }
        Models(window).status(self.model, "Running").await
    }

    async fn load(&self) -> Result<()> {
        self.window.click("nav-models").await?;
        let models = Models(self.window);
        models.status(self.model, "Stopped").await?;
        models.press(self.model, "start").await?;
        models.status(self.model, "Running").await
    }

    /// Opens a tab about the server; the name is that of an entry of its menu.
    async fn open(&self, tab: &str) -> Result<()> {
        self.window.click("nav-instances").await?;
        self.window.click("instance-menu").await?;
        self.window.click_css(&format!(".menu [data-testid='{tab}']")).await?;
        self.window.find("instance-detail").await.map(drop)
    }

    /// The focus may be on the page: what had it went with its work.
    async fn close(&self) -> Result<()> {
        self.window.press(Key::Escape + "").await?;
        self.window.gone_from_view("instance-detail").await
    }

    async fn configure(&self) -> Result<()> {
        let window = self.window;
        self.open("details").await?;
        window.click("instance-tab-environment").await?;
        write(window, &format!("#{VARIABLE}"), "3").await?;
        review(window).await?;
        window.text_holds("review-diff", &format!("+ {VARIABLE}=3")).await?;
        apply(window).await?;
        window.find("environment-applied").await?;
        let row = format!("variable-{VARIABLE}");
        window.text_holds(&row, "by Corral").await?;
        window.text_holds(&row, "Now 3").await?;
        self.close().await
    }

    async fn move_models(&self) -> Result<()> {
        let (window, old) = (self.window, self.data.join("ollama/models"));
        let before = blobs(&old)?;
        ensure!(!before.is_empty(), "there is something to move");
        self.open("storage").await?;
        window.text_holds("storage-path", &old.to_string_lossy()).await?;
        window.click("storage-move").await?;
        window.fill("store-to", &self.elsewhere.to_string_lossy()).await?;
        window.click("store-look").await?;
        window.text_holds("store-preview", "1 model").await?;
        window.click("store-begin").await?;
        window.find("storage-confirm").await?;
        window.text_holds("storage-path", &self.elsewhere.to_string_lossy()).await?;
        ensure!(blobs(&old)? == before, "the old place is whole until somebody says so");
        ensure!(blobs(&self.elsewhere)? == before, "and so is the new one");
        window.click("storage-confirm").await?;
        window.click("clear-store-confirm").await?;
        window.gone_from_view("storage-moving").await?;
        ensure!(blobs(&old)?.is_empty(), "what was left there is gone");
        self.close().await
    }

    async fn update(&self) -> Result<()> {
        let (window, new) = (self.window, &self.second);
        self.site.publish_bytes(&new.version, new.archive.clone());
        self.versions().await?;
        window.text_holds("versions-offer", &new.version).await?;
        window.click("versions-update").await?;
        window.text_holds(&format!("version-{}", new.version), "active").await?;
        window.text_holds(&format!("version-{}", self.first), "before").await?;
        window.gone_from_view("install-progress").await
    }

    async fn versions(&self) -> Result<()> {
        self.window.click("nav-instances").await?;
        self.window.click("instance-menu").await?;
        self.window.click("instance-versions").await?;
        self.window.find("dialog-versions").await.map(drop)
    }

    /// It dies without a chance to say anything, and runs again.
    async fn crash(&self) -> Result<()> {
        let (window, before) = (self.window, self.process().await?);
        let ended = std::process::Command::new("kill").args(["-9", &before]).status()?;
        ensure!(ended.success(), "{before} was not ended");
        window.text_holds("versions", "It last ended by itself").await?;
        window
            .wait_for("another process runs", async |window| {
                let state = window.text("versions-state").await?;
                Ok(says(&state, "running") && number(&state).is_some_and(|now| now != before))
            })
            .await
    }

    /// The number of the server's process, as it is shown.
    async fn process(&self) -> Result<String> {
        let state = self.window.text("versions-state").await?;
        number(&state).context("its number is shown")
    }

    async fn roll_back(&self) -> Result<()> {
        let window = self.window;
        window.click("versions-back").await?;
        window.text_holds(&format!("version-{}", self.first), "active").await?;
        window.gone_from_view("install-progress").await?;
        ensure!(!window.shows("versions-offer").await?, "who goes back is not asked again");
        window.press(Key::Escape + "").await?;
        window.gone_from_view("dialog-versions").await?;
        window.text_holds(&card(), &format!("API {}", self.first)).await
    }

    async fn stop_and_start(&self) -> Result<()> {
        let window = self.window;
        self.versions().await?;
        let process = self.process().await?;
        window.press(Key::Escape + "").await?;
        window.gone_from_view("dialog-versions").await?;
        window.click("instance-stop").await?;
        // A model that is still loaded would be lost: then it asks.
        window
            .wait_for("it is asked for or done", async |window| {
                if window.shows("steer-confirm").await? {
                    window.click("steer-confirm").await?;
                }
                Ok(says(&window.text(&card()).await?, "service stopped"))
            })
            .await?;
        window.text_holds(&card(), "no answer").await?;
        let left = std::process::Command::new("kill").args(["-0", &process]).status()?;
        ensure!(!left.success(), "process {process} still runs");
        window.click("instance-start").await?;
        window.text_holds(&card(), &format!("API {}", self.first)).await?;
        window.text_holds(&card(), "service running").await
    }

    async fn uninstall(&self) -> Result<()> {
        let window = self.window;
        self.versions().await?;
        let process = self.process().await?;
        window.press(Key::Escape + "").await?;
        window.gone_from_view("dialog-versions").await?;
        window.click("instance-remove").await?;
        window.click("uninstall-confirm").await?;
        window.find("first-run").await?;
        ensure!(!self.data.join("ollama/versions").exists(), "no version is left");
        let left = std::process::Command::new("kill").args(["-0", &process]).status()?;
        ensure!(!left.success(), "process {process} still runs");
        ensure!(!blobs(&self.elsewhere)?.is_empty(), "the models stay where they were put");
        Ok(())
    }
}

/// Names and sizes of the layers in a models folder.
fn blobs(models: &Path) -> Result<Vec<(String, u64)>> {
    let mut found = Vec::new();
    let Ok(entries) = std::fs::read_dir(models.join("blobs")) else { return Ok(found) };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with("sha256-") {
            found.push((name, entry.metadata()?.len()));
        }
    }
    found.sort();
    Ok(found)
}
