//! A few servers with 10,000 models, and windows that know them.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use corral_testbed::ollama::KeepAlive;
use corral_testbed::scenario::{self, Options, Scene};
use corral_testbed::window::{Launch, Window};
use serde_json::json;
use tempfile::TempDir;

/// Models in all.
pub(super) const MODELS: usize = 10_000;

/// Bytes per second of a download; the three together outlast the measuring.
const RATE: u64 = 40_000_000;

/// What is downloaded: one to each server, tens of gigabytes each.
const DOWNLOADS: [&str; 3] = ["gpt-oss:120b", "llama3.3:70b", "mixtral:8x7b"];

/// Models of each server that change at once, and how long they stay as they are: longer than the
/// app takes between two looks.
const CHANGING: usize = 10;
const TURN: Duration = Duration::from_millis(2500);

/// How long the first start may take to know them all.
const FIRST: Duration = Duration::from_secs(180);

/// Something that goes on beside; it ends with the value.
pub(super) struct AbortOnDrop(tokio::task::JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The servers; they end with the value.
pub(super) struct Fleet(Scene);

impl Fleet {
    pub(super) async fn start(servers: u16) -> Result<Self> {
        let options = Options { rate: RATE, ..Options::default() };
        Ok(Self(scenario::shared(MODELS, servers, options).await?))
    }

    /// From now on the ten newest models of every server are loaded and unloaded by turns, by
    /// somebody else. Ends with the value that is returned.
    pub(super) fn changing(&self) -> AbortOnDrop {
        let servers: Vec<_> = self.0.servers().map(|server| server.control()).collect();
        for server in &servers {
            server.machine(|machine| {
                machine.max_loaded = CHANGING;
                machine.memory = u64::MAX / 2;
            });
        }
        AbortOnDrop(tokio::spawn(async move {
            let mut loaded = false;
            loop {
                loaded = !loaded;
                for server in &servers {
                    if !loaded {
                        server.expire_now();
                        continue;
                    }
                    let newest = server.store(|store| store.newest_first());
                    for stored in newest.iter().take(CHANGING) {
                        server.external_load(&stored.model.name.to_string(), KeepAlive::Forever);
                    }
                }
                tokio::time::sleep(TURN).await;
            }
        }))
    }

    /// A data folder whose database holds every model; the first start is over.
    pub(super) async fn known(&self, app: &Path) -> Result<TempDir> {
        let folder = tempfile::tempdir()?;
        let window = Window::launch(&self.launch(app, folder.path())).await?;
        all_known(&window).await?;
        window.quit().await?;
        Ok(folder)
    }

    /// A new data folder that also begins with three downloads.
    pub(super) fn downloading(&self, app: &Path, folder: &Path) -> Launch {
        let downloads: Vec<_> = DOWNLOADS
            .iter()
            .enumerate()
            .map(|(index, model)| {
                json!({ "instance": format!("Server {}", index + 1), "model": model })
            })
            .collect();
        self.launch(app, folder).with("CORRAL_SEED_DOWNLOADS", json!(downloads).to_string())
    }

    fn launch(&self, app: &Path, folder: &Path) -> Launch {
        english(Launch::new(app, folder)).with("CORRAL_SEED_INSTANCES", self.0.seed().to_string())
    }
}

/// What is waited for is read in English.
pub(super) fn english(launch: Launch) -> Launch {
    launch.with("LC_ALL", "en_US.UTF-8").with("LANGUAGE", "en")
}

/// Waits until the list counts every model and no comparison with a server is under way.
pub(super) async fn all_known(window: &Window) -> Result<()> {
    let body = "const text = id => \
                  document.querySelector(`[data-testid='${id}']`)?.innerText ?? ''; \
                return [parseInt(text('models-count').replaceAll(',', ''), 10), \
                        text('status-synced')]";
    window
        .wait_until("every model is known", FIRST, async |window| {
            let seen = window.script(body, Vec::new()).await?;
            let count = seen[0].as_u64().unwrap_or_default();
            let synced = seen[1].as_str().unwrap_or_default();
            Ok(count >= MODELS as u64 && synced.contains("ago"))
        })
        .await
}

/// Waits until every download runs.
pub(super) async fn all_downloading(window: &Window) -> Result<()> {
    let running = format!("{} downloading", DOWNLOADS.len());
    window.text_holds("status-queue", &running).await
}
