//! Language, theme, and there being only one window.

use std::{
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use anyhow::{Result, ensure};
use corral_testbed::{
    FakeOllama,
    window::{PATIENCE, until},
};

use zbus::fdo::DBusProxy;

use crate::stage::Stage;

// criterion: 12.1
#[tokio::test(flavor = "multi_thread")]
async fn language_and_theme_switch_at_once_and_stay() -> Result<()> {
    let stage = Stage::open(FakeOllama::builder(), &["llama3.2:3b"]).await?;
    stage.window.text_holds("nav-models", "Models").await?;
    stage.top().language("zh-CN").await?;
    stage.window.text_holds("nav-models", "模型").await?;
    stage.models().status("llama3.2:3b", "已停止").await?;
    stage.top().theme("dark").await?;
    looks(&stage, "zh-CN", "dark").await?;
    stage.top().theme("light").await?;
    looks(&stage, "zh-CN", "light").await?;
    stage.top().theme("dark").await?;
    looks(&stage, "zh-CN", "dark").await?;

    stage.window.reload().await?;
    looks(&stage, "zh-CN", "dark").await?;
    let stage = stage.again(async |window| window.quit().await).await?;
    looks(&stage, "zh-CN", "dark").await
}

async fn looks(stage: &Stage, language: &str, theme: &str) -> Result<()> {
    stage
        .window
        .wait_for(&format!("the page is {language} and {theme}"), async |window| {
            let body = "const root = document.documentElement; \
                        return [root.lang, root.dataset.theme]";
            Ok(window.script(body, Vec::new()).await? == serde_json::json!([language, theme]))
        })
        .await
}

// criterion: 11.2
#[tokio::test(flavor = "multi_thread")]
async fn a_second_start_leaves_everything_to_the_first() -> Result<()> {
    let stage = Stage::open(FakeOllama::builder(), &["llama3.2:3b"]).await?;
    let mut second = Start::beside(&stage)?;
    let mut ended = None;
    until("the second start has ended", PATIENCE, async || {
        ended = second.0.try_wait()?;
        Ok(ended.is_some())
    })
    .await?;
    ensure!(ended.is_some_and(|status| status.success()), "it ended with {ended:?}");
    stage.models().shows("llama3.2:3b").await?;
    stage.window.quit().await
}

/// Whoever starts Corral gets a Corral, also when the one that is there is just leaving.
// criterion: 11.2
#[tokio::test(flavor = "multi_thread")]
async fn a_start_while_the_first_one_leaves_waits_and_opens() -> Result<()> {
    let stage = Stage::open(FakeOllama::builder(), &["llama3.2:3b"]).await?;
    signal("TERM", stage.window.process()?)?;
    let stage = stage.beside(async |window| window.ended(PATIENCE).await).await?;
    stage.models().shows("llama3.2:3b").await?;
    stage.window.quit().await
}

/// One that hangs is killed sooner or later; a start that waits for its answer then goes on.
// criterion: 11.2
#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_asked_one_that_is_killed_takes_its_place() -> Result<()> {
    let stage = Stage::open(FakeOllama::builder(), &["llama3.2:3b"]).await?;
    let bus = zbus::connection::Builder::address(stage.window.desktop().bus())?.build().await?;
    let bus = DBusProxy::new(&bus).await?;
    signal("STOP", stage.window.process()?)?;
    // The second start is on the same desktop and needs it to the end.
    let _desktop = Arc::clone(stage.window.desktop());
    let second = Start::beside(&stage)?;
    owns(&bus, second.0.id(), "").await?;
    stage.window.kill().await?;
    owns(&bus, second.0.id(), ".SingleInstance").await
}

/// Waits until a process owns a name with this end on the bus; every process there has some name.
async fn owns(bus: &DBusProxy<'_>, process: u32, end: &str) -> Result<()> {
    until(&format!("process {process} owns a name {end:?}"), PATIENCE, async || {
        for name in bus.list_names().await?.into_iter().filter(|name| name.ends_with(end)) {
            // Its owner may have gone since.
            if bus.get_connection_unix_process_id(name.into_inner()).await.ok() == Some(process) {
                return Ok(true);
            }
        }
        Ok(false)
    })
    .await
}

/// One more start of the app, without a driver; ends with the value.
struct Start(Child);

impl Start {
    /// On the desktop and the data folder of a stage.
    fn beside(stage: &Stage) -> Result<Start> {
        let launch = stage.launch();
        let mut command = Command::new(&launch.app);
        command
            .envs(stage.window.desktop().environment())
            .envs(launch.environment.clone())
            .env("CORRAL_DATA_DIR", &launch.data)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        Ok(Start(command.spawn()?))
    }
}

impl Drop for Start {
    fn drop(&mut self) {
        // Fails only when it has ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn signal(name: &str, process: u32) -> Result<()> {
    let sent = Command::new("kill").args(["-s", name, &process.to_string()]).status()?;
    ensure!(sent.success(), "no {name} could be sent");
    Ok(())
}

/// Logging out asks every program to end; a download then goes on at the next start.
// criterion: 2.4
#[tokio::test(flavor = "multi_thread")]
async fn a_polite_end_takes_three_seconds_at_most() -> Result<()> {
    let stage = Stage::open(FakeOllama::builder(), &["llama3.2:3b"]).await?;
    signal("TERM", stage.window.process()?)?;
    // Three seconds for the core, and some for a machine that has other things to do.
    stage.window.ended(Duration::from_secs(10)).await
}
