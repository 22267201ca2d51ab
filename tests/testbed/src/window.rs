//! The real window of the real app, driven through WebDriver on a desktop of its own.
//!
//! [`Window::launch`] starts a display, a message bus, the driver and the app; whatever it started
//! is ended, by its id, when the handle is dropped. A test that needs something else on the same
//! desktop (a notification service, a second start of the app) makes the [`Desktop`] first and
//! opens the window there.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use thirtyfour::prelude::*;

mod act;
mod desktop;
mod driver;
mod group;
mod hand;
mod keys;
mod services;
mod wait;
mod words;

pub use desktop::Desktop;
pub use hand::Hand;
pub use services::Services;
pub use wait::{PATIENCE, until};
pub use words::{says, word};

use driver::Driver;

/// What to open and how.
#[derive(Debug, Clone)]
pub struct Launch {
    /// The app's program; window tests take `env!("CARGO_BIN_EXE_corral")`.
    pub app: PathBuf,
    /// Its data folder. The rest of what a user's home offers (settings, caches) is made inside.
    pub data: PathBuf,
    /// More environment for the app, over what the desktop sets.
    pub environment: Vec<(String, String)>,
    /// Arguments of the app.
    pub arguments: Vec<String>,
}

impl Launch {
    /// The app on a data folder, with nothing special.
    #[must_use]
    pub fn new(app: impl Into<PathBuf>, data: impl Into<PathBuf>) -> Self {
        Self { app: app.into(), data: data.into(), environment: Vec::new(), arguments: Vec::new() }
    }

    /// One more variable for the app.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.push((name.to_owned(), value.into()));
        self
    }

    /// On a system that speaks the language of the scenario: English, or what `CORRAL_WORDS` says.
    #[must_use]
    pub fn spoken(self) -> Self {
        words::locale().iter().fold(self, |launch, (name, value)| launch.with(name, *value))
    }

    /// One more argument for the app.
    #[must_use]
    pub fn argument(mut self, argument: impl Into<String>) -> Self {
        self.arguments.push(argument.into());
        self
    }
}

/// An open window of the app.
///
/// Elements are named by their `data-testid`. Everything that looks for one waits for it, up to
/// [`PATIENCE`], and says what the window showed when it did not come.
#[derive(Debug)]
pub struct Window {
    session: Option<WebDriver>,
    driver: Driver,
    desktop: Arc<Desktop>,
}

impl Window {
    /// Opens the app on a new desktop.
    ///
    /// # Errors
    /// When a program is missing (the message names its package) or the app does not open.
    pub async fn launch(launch: &Launch) -> Result<Self> {
        Self::launch_on(Arc::new(Desktop::start().await?), launch).await
    }

    /// Opens the app on a desktop that other programs share.
    ///
    /// # Errors
    /// As [`Window::launch`].
    pub async fn launch_on(desktop: Arc<Desktop>, launch: &Launch) -> Result<Self> {
        let driver = Driver::start(&desktop, launch).await?;
        let session = driver
            .open(launch)
            .await
            .with_context(|| format!("the app did not open; it said: {}", driver.said()))?;
        Ok(Self { session: Some(session), driver, desktop })
    }

    /// The desktop it is on.
    #[must_use]
    pub fn desktop(&self) -> &Arc<Desktop> {
        &self.desktop
    }

    /// What the app and the driver printed so far.
    #[must_use]
    pub fn said(&self) -> String {
        self.driver.said()
    }

    /// The WebDriver session, for what this handle does not offer.
    ///
    /// # Panics
    /// Never: the session is only taken by what consumes the handle.
    #[must_use]
    pub fn session(&self) -> &WebDriver {
        self.session.as_ref().expect("the session is there until the handle is consumed")
    }

    /// Process id of the app.
    ///
    /// # Errors
    /// When the app is not running.
    pub fn process(&self) -> Result<u32> {
        self.driver.app().ok_or_else(|| anyhow!("the app is not running"))
    }

    /// Process ids of the app and everything it started: the web view's processes too.
    #[must_use]
    pub fn processes(&self) -> Vec<u32> {
        self.driver.app().map(group::family).unwrap_or_default()
    }

    /// Loads the page again, as a person's reload would, and returns when it is loaded.
    ///
    /// # Errors
    /// When the session is gone.
    pub async fn reload(&self) -> Result<()> {
        Ok(self.session().refresh().await?)
    }

    /// Sets the size of the window in CSS pixels, and returns when the page has that size and was
    /// painted.
    ///
    /// # Errors
    /// When the session is gone, or the window does not take that size.
    pub async fn resize(&self, width: u32, height: u32) -> Result<()> {
        self.session().set_window_rect(0, 0, width, height).await?;
        self.wait_for(&format!("the page has {width}×{height}"), async |window| {
            let size = window.script("return [innerWidth, innerHeight]", Vec::new()).await?;
            Ok(size == serde_json::json!([width, height]))
        })
        .await?;
        self.painted().await
    }

    /// Writes what the window shows as PNG.
    ///
    /// # Errors
    /// When the session is gone or the file cannot be written.
    pub async fn screenshot(&self, path: &Path) -> Result<()> {
        self.painted().await?;
        Ok(self.session().screenshot(path).await?)
    }

    /// Returns when everything that was changed before the call has been painted.
    ///
    /// # Errors
    /// When the session is gone.
    pub async fn painted(&self) -> Result<()> {
        // The first callback runs before the frame with the changes, the second after it.
        let body = "const done = arguments[arguments.length - 1];\
                    requestAnimationFrame(() => requestAnimationFrame(() => done()));";
        self.session().execute_async(body, Vec::new()).await?;
        Ok(())
    }

    /// Runs the body of a function in the page; its arguments are `arguments[0]` and so on.
    ///
    /// # Errors
    /// When the script throws or the session is gone.
    pub async fn script(
        &self,
        body: &str,
        arguments: Vec<serde_json::Value>,
    ) -> Result<serde_json::Value> {
        Ok(self.session().execute(body, arguments).await?.json().clone())
    }

    /// Ends the app at once, as `kill -9` does, and waits until it is gone.
    ///
    /// # Errors
    /// When the app was not running or does not end.
    pub async fn kill(mut self) -> Result<()> {
        let app = self.process()?;
        self.forget_session();
        group::kill(app)?;
        self.gone(app).await
    }

    /// Puts the window away as the question before closing does when "keep in tray" is chosen. The
    /// close button itself belongs to the window manager, which this desktop does not have.
    ///
    /// # Errors
    /// When the session is gone.
    pub async fn put_away(&self) -> Result<()> {
        let body = "window.__TAURI__.core.invoke('plugin:desktop|close_choice', \
                    { request: { choice: 'tray', remember: false } })";
        self.script(body, Vec::new()).await.map(|_| ())
    }

    /// Waits until the page knows itself to be `visible` or `hidden`.
    ///
    /// # Errors
    /// When it does not in time.
    pub async fn visibility(&self, state: &str) -> Result<()> {
        self.wait_for(&format!("the window is {state}"), async |window| {
            Ok(window.script("return document.visibilityState", Vec::new()).await? == state)
        })
        .await
    }

    /// Closes the session, which ends the app, and waits until it is gone.
    ///
    /// # Errors
    /// When the app does not end.
    pub async fn quit(mut self) -> Result<()> {
        let app = self.driver.app();
        if let Some(session) = self.session.take() {
            session.quit().await?;
        }
        match app {
            Some(app) => self.gone(app).await,
            None => Ok(()),
        }
    }

    /// Waits until the app has ended by itself, for instance after Quit was clicked.
    ///
    /// # Errors
    /// When it still runs after `deadline`.
    pub async fn ended(mut self, deadline: Duration) -> Result<()> {
        self.forget_session();
        until("the app has ended", deadline, async || Ok(self.driver.app().is_none())).await
    }

    async fn gone(&self, app: u32) -> Result<()> {
        until("the app is gone", PATIENCE, async || Ok(!group::alive(app))).await
    }

    /// Lets go of the session without talking to a driver that may be gone.
    fn forget_session(&mut self) {
        if let Some(session) = self.session.take() {
            // It answers an error only when the session was closed before: then it is gone too.
            let _ = session.leak();
        }
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        self.forget_session();
    }
}
