//! Language, theme, and there being only one window.

use std::{
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Result, ensure};
use corral_testbed::{
    FakeOllama,
    window::{PATIENCE, until},
};

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
    let launch = stage.launch();
    let mut second = Command::new(&launch.app)
        .envs(stage.window.desktop().environment())
        .envs(launch.environment.clone())
        .env("CORRAL_DATA_DIR", &launch.data)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let mut ended = None;
    until("the second start has ended", PATIENCE, async || {
        ended = second.try_wait()?;
        Ok(ended.is_some())
    })
    .await?;
    ensure!(ended.is_some_and(|status| status.success()), "it ended with {ended:?}");
    stage.models().shows("llama3.2:3b").await?;
    stage.window.quit().await
}

/// Logging out asks every program to end; a download then goes on at the next start.
// criterion: 2.4
#[tokio::test(flavor = "multi_thread")]
async fn a_polite_end_takes_three_seconds_at_most() -> Result<()> {
    let stage = Stage::open(FakeOllama::builder(), &["llama3.2:3b"]).await?;
    let app = stage.window.process()?;
    let asked = Command::new("kill").args(["-s", "TERM", &app.to_string()]).status()?;
    ensure!(asked.success(), "it could not be asked");
    // Three seconds for the core, and some for a machine that has other things to do.
    stage.window.ended(Duration::from_secs(10)).await
}
