//! What comes in between: a reload, a server that goes away, an app that is quit or killed.

use anyhow::{Result, ensure};
use corral_testbed::{FakeOllama, ollama::Pace};

use crate::{pages::Create, stage::Stage};

const NEW: &str = "tinyllama:1.1b";
const HERE: &str = "llama3.2:3b";

/// Bytes of [`NEW`]'s weights.
const WEIGHTS: u64 = 637_699_456;

async fn begin_pull(stage: &Stage) -> Result<()> {
    let create = Create::open(&stage.window).await?;
    create.name(NEW).await?;
    create.submit().await?;
    stage.server.release(WEIGHTS / 2);
    stage.models().reaches(NEW, 49).await
}

async fn end_pull(stage: &Stage) -> Result<()> {
    stage.server.release(WEIGHTS * 2);
    stage.models().status(NEW, "Stopped").await
}

// criterion: 0.2
// criterion: 0.3
// criterion: 0.7
#[tokio::test(flavor = "multi_thread")]
async fn a_reload_and_a_dead_server_lose_nothing() -> Result<()> {
    let builder = FakeOllama::builder().pace(Pace::Gated);
    let stage = Stage::open(builder, &[HERE]).await?;
    begin_pull(&stage).await?;

    stage.window.reload().await?;
    stage.models().reaches(NEW, 49).await?;
    ensure!(
        stage.server.requests_to("POST", "/api/pull").len() == 1,
        "a reload does not touch the download"
    );
    end_pull(&stage).await?;

    stage.server.offline(true);
    stage.top().broken().await?;
    stage.models().shows(HERE).await?;
    let selector = format!("[data-testid='row-{HERE}'].models__row--dimmed");
    stage.window.find_css(&selector).await?;
    stage.window.find("status-offline").await?;

    stage.server.offline(false);
    stage.top().well().await?;
    stage.window.gone_from_view("status-offline").await?;
    stage.models().press(HERE, "start").await?;
    stage.models().status(HERE, "Running").await
}

// criterion: 0.7
// criterion: 2.4
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_app_goes_on_with_its_download() -> Result<()> {
    let builder = FakeOllama::builder().pace(Pace::Gated);
    let stage = Stage::open(builder, &[HERE]).await?;
    begin_pull(&stage).await?;
    let stage = stage.again(async |window| window.kill().await).await?;
    stage.models().shows(NEW).await?;
    end_pull(&stage).await?;
    stage.models().are(&[HERE, NEW]).await
}
