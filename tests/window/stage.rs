//! An open window with a fake server behind it.

use std::{
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, Result};
use corral_testbed::{
    Clock, FakeOllama, FakeRegistry,
    ollama::{Builder, library},
    systemd::Systemd,
    window::{Desktop, Launch, Window},
};
use serde_json::json;
use tempfile::TempDir;

use crate::pages::{Models, Top};

/// The app under test.
const APP: &str = env!("CARGO_BIN_EXE_corral");

/// Window, server and folder; all end with it.
pub(crate) struct Stage {
    pub(crate) window: Window,
    pub(crate) server: FakeOllama,
    folder: Folder,
}

/// Where the app keeps its files. A part of the page that panicked fails the test, whatever it saw;
/// what the engine ended without a panic is only said, as nobody has found out yet whose fault it is.
struct Folder(TempDir);

impl Folder {
    fn new() -> Result<Folder> {
        Ok(Folder(tempfile::tempdir()?))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let log = std::fs::read_to_string(self.path().join("logs/corral.log")).unwrap_or_default();
        let ended = |line: &&str| line.contains("a part of the page has ended");
        for line in log.lines().filter(ended) {
            // Past what is kept of a test that passes.
            let _ = writeln!(std::io::stderr(), "{line}");
            assert!(std::thread::panicking() || !line.contains("panicked at"), "{line}");
        }
    }
}

impl Stage {
    /// A server with these models of the library, and the window on it.
    pub(crate) async fn open(builder: Builder, models: &[&str]) -> Result<Stage> {
        Stage::open_on(Arc::new(Desktop::start().await?), builder, models).await
    }

    /// As [`Stage::open`], on a desktop with other programs.
    pub(crate) async fn open_on(
        desktop: Arc<Desktop>,
        builder: Builder,
        models: &[&str],
    ) -> Result<Stage> {
        let stage = Stage::start(desktop, builder, models, |launch| launch).await?;
        stage.top().well().await.context("is the page built? cargo xtask ui builds it")?;
        Ok(stage)
    }

    /// As [`Stage::open`], with this in the place of Ollama's registry.
    pub(crate) async fn open_beside(
        registry: &FakeRegistry,
        builder: Builder,
        models: &[&str],
    ) -> Result<Stage> {
        let mirrors = json!({ "registry.ollama.ai": [registry.url()] }).to_string();
        let change = |launch: Launch| launch.with("CORRAL_REGISTRY_MIRRORS", mirrors);
        let desktop = Arc::new(Desktop::start().await?);
        let stage = Stage::start(desktop, builder, models, change).await?;
        stage.top().well().await?;
        Ok(stage)
    }

    /// As [`Stage::open`], for somebody who asked the system for less motion.
    pub(crate) async fn open_still(builder: Builder, models: &[&str]) -> Result<Stage> {
        let still = |launch: Launch| {
            let settings = launch.data.join("home/config/gtk-3.0");
            let text = "[Settings]\ngtk-enable-animations=0\n";
            std::fs::create_dir_all(&settings)
                .and_then(|()| std::fs::write(settings.join("settings.ini"), text))
                .expect("the folder of a test can be written");
            launch
        };
        let stage = Stage::start(Arc::new(Desktop::start().await?), builder, models, still).await?;
        stage.top().well().await?;
        Ok(stage)
    }

    /// As [`Stage::open`], with a second server.
    pub(crate) async fn open_with(
        builder: Builder,
        models: &[&str],
        second: &FakeOllama,
    ) -> Result<Stage> {
        let models = models.iter().map(|name| library::pick(name));
        let server = builder.clock(Clock::system()).models(models).start().await?;
        let folder = Folder::new()?;
        let seed = json!([
            { "name": "Desk", "url": server.url() },
            { "name": "Lab", "url": second.url() },
        ]);
        let launch = launch(&server, &folder).with("CORRAL_SEED_INSTANCES", seed.to_string());
        let window = Window::launch_on(Arc::new(Desktop::start().await?), &launch).await?;
        window.find("models-new").await.context("is the page built? cargo xtask ui builds it")?;
        Ok(Stage { window, server, folder })
    }

    /// As [`Stage::open_on`], with the window not shown.
    pub(crate) async fn open_hidden(
        desktop: Arc<Desktop>,
        builder: Builder,
        models: &[&str],
    ) -> Result<Stage> {
        Stage::start(desktop, builder, models, |launch| launch.argument("--hidden")).await
    }

    async fn start(
        desktop: Arc<Desktop>,
        builder: Builder,
        models: &[&str],
        change: impl FnOnce(Launch) -> Launch,
    ) -> Result<Stage> {
        let models = models.iter().map(|name| library::pick(name));
        let server = builder.clock(Clock::system()).models(models).start().await?;
        let folder = Folder::new()?;
        let window = Window::launch_on(desktop, &change(launch(&server, &folder))).await?;
        Ok(Stage { window, server, folder })
    }

    /// As [`Stage::open`], with the server run by a unit of the user. `play` is told what Corral's
    /// drop-in holds and whether to start or to stop, and answers whether the server runs.
    pub(crate) async fn open_with_unit(
        builder: Builder,
        models: &[&str],
        play: impl Fn(&str, bool) -> bool + Send + Sync + 'static,
    ) -> Result<(Stage, Systemd)> {
        let models = models.iter().map(|name| library::pick(name));
        let server = builder.clock(Clock::system()).models(models).start().await?;
        let folder = Folder::new()?;
        let units = folder.path().join("home/config/systemd/user");
        std::fs::create_dir_all(&units)?;
        let unit = units.join("ollama.service");
        let text = format!("[Service]\nEnvironment=\"OLLAMA_HOST={}\"\n", server.address());
        std::fs::write(&unit, text)?;
        let own = units.join("ollama.service.d/zz-corral.conf");
        let control = server.control();
        let systemd = Systemd::new(unit, move |on| {
            let runs = play(&std::fs::read_to_string(&own).unwrap_or_default(), on);
            control.offline(!runs);
            runs
        });
        let desktop = Arc::new(Desktop::start().await?);
        systemd.join(desktop.bus()).await?;
        let window = Window::launch_on(desktop, &launch(&server, &folder)).await?;
        let stage = Stage { window, server, folder };
        stage.top().well().await?;
        Ok((stage, systemd))
    }

    /// The same folder and server with a new start of the app, after `end` ended the first one.
    pub(crate) async fn again(self, end: impl AsyncFnOnce(Window) -> Result<()>) -> Result<Stage> {
        let Stage { window, server, folder } = self;
        let desktop = Arc::clone(window.desktop());
        end(window).await?;
        let window = Window::launch_on(desktop, &launch(&server, &folder)).await?;
        let stage = Stage { window, server, folder };
        stage.top().well().await?;
        Ok(stage)
    }

    /// As [`Stage::again`], with the new start and the end of the first one at the same time.
    pub(crate) async fn beside(self, end: impl AsyncFnOnce(Window) -> Result<()>) -> Result<Stage> {
        let Stage { window, server, folder } = self;
        let desktop = Arc::clone(window.desktop());
        let again = launch(&server, &folder);
        let (ended, window) = tokio::join!(end(window), Window::launch_on(desktop, &again));
        ended?;
        let stage = Stage { window: window?, server, folder };
        stage.top().well().await?;
        Ok(stage)
    }

    /// How the app on this stage was started, for a second start of it.
    pub(crate) fn launch(&self) -> Launch {
        launch(&self.server, &self.folder)
    }

    /// A file in the folder of this stage.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The Models page.
    pub(crate) fn models(&self) -> Models<'_> {
        Models(&self.window)
    }

    /// The bar at the top.
    pub(crate) fn top(&self) -> Top<'_> {
        Top(&self.window)
    }
}

fn launch(server: &FakeOllama, folder: &Folder) -> Launch {
    let seed = json!([{ "name": "Desk", "url": server.url() }]);
    Launch::new(PathBuf::from(APP), folder.path())
        .with("CORRAL_SEED_INSTANCES", seed.to_string())
        // No test asks Ollama's own registry.
        .with("CORRAL_REGISTRY_MIRRORS", r#"{"registry.ollama.ai":["http://127.0.0.1:9"]}"#)
        .spoken()
}
