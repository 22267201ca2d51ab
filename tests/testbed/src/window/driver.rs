//! WebKit's WebDriver server and the app it starts.

use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::json;
use thirtyfour::prelude::*;
use tokio::net::TcpStream;

use super::group::{self, Started};
use super::{Desktop, Launch, PATIENCE, until};

/// How long one WebDriver request may take; opening the app is one.
const REQUEST: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(super) struct Driver {
    server: Started,
    url: String,
    said: PathBuf,
}

impl Driver {
    /// Starts the server with the environment that the app will inherit.
    pub(super) async fn start(desktop: &Desktop, launch: &Launch) -> Result<Self> {
        fs::create_dir_all(&launch.data)
            .with_context(|| format!("cannot create {}", launch.data.display()))?;
        let said = launch.data.join("window-driver.log");
        let log = File::create(&said)?;
        let port = free_port()?;
        let mut command = Command::new("WebKitWebDriver");
        command
            .arg(format!("--port={port}"))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            // Without these two the app opens and no session ever begins.
            .env("TAURI_WEBVIEW_AUTOMATION", "true")
            .env("TAURI_AUTOMATION", "true")
            .env("CORRAL_DATA_DIR", &launch.data)
            .envs(desktop.environment())
            .envs(home(&launch.data)?)
            .envs(launch.environment.iter().map(|(name, value)| (name, value)));
        let mut server = Started::start(&mut command, "webkit2gtk-driver")?;
        until("WebKitWebDriver listens", PATIENCE, async || {
            server.still_runs().context("WebKitWebDriver does not run")?;
            Ok(TcpStream::connect(("127.0.0.1", port)).await.is_ok())
        })
        .await?;
        Ok(Self { server, url: format!("http://127.0.0.1:{port}"), said })
    }

    /// Opens the app and a session on its window.
    pub(super) async fn open(&self, launch: &Launch) -> Result<WebDriver> {
        let mut capabilities = Capabilities::new();
        let options = json!({ "binary": launch.app, "args": launch.arguments });
        capabilities.set("webkitgtk:browserOptions", options)?;
        Ok(WebDriver::builder(self.url.as_str(), capabilities).request_timeout(REQUEST).await?)
    }

    /// Process id of the app, while it runs.
    pub(super) fn app(&self) -> Option<u32> {
        group::children(self.server.id()).first().copied()
    }

    /// What server and app printed.
    pub(super) fn said(&self) -> String {
        let text = fs::read(&self.said).unwrap_or_default();
        String::from_utf8_lossy(&text).into_owned()
    }
}

/// A user's folders inside the data folder: a test never touches those of the real user.
fn home(data: &Path) -> Result<Vec<(&'static str, PathBuf)>> {
    let folders = [
        ("XDG_CONFIG_HOME", "config"),
        ("XDG_DATA_HOME", "share"),
        ("XDG_CACHE_HOME", "cache"),
        ("XDG_STATE_HOME", "state"),
        ("XDG_RUNTIME_DIR", "run"),
    ];
    let mut home = Vec::new();
    for (name, folder) in folders {
        let path = data.join("home").join(folder);
        // The last of them is refused by those who use it unless it is private.
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&path)
            .with_context(|| format!("cannot create {}", path.display()))?;
        home.push((name, path));
    }
    Ok(home)
}

/// A port that was free a moment ago. The server cannot choose one itself; should another program
/// be quicker, the server ends and the start fails with a clear message.
fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
