//! Corral without its window: the tray's icon and menu, and notifications.

use std::{sync::Arc, time::Duration};

use anyhow::Result;
use corral_testbed::{
    FakeOllama,
    ollama::{KeepAlive, Pace},
    window::{Desktop, Services},
};

use crate::{pages::Create, stage::Stage};

const HERE: &str = "llama3.2:3b";
const NEW: &str = "all-minilm:22m";

// criterion: 0.5
// criterion: 12.8
#[tokio::test(flavor = "multi_thread")]
async fn the_tray_works_while_the_window_is_hidden() -> Result<()> {
    let desktop = Arc::new(Desktop::start().await?);
    let services = Services::start(&desktop).await?;
    let builder = FakeOllama::builder().pace(Pace::Gated);
    let stage = Stage::open_on(desktop, builder, &[HERE]).await?;
    services.entry("Open Corral").await?;

    loaded_models_can_be_stopped(&stage, &services).await?;
    a_finished_download_is_told(&stage, &services).await?;
    a_tray_that_goes_away_brings_the_window_back(&stage, &services).await
}

async fn loaded_models_can_be_stopped(stage: &Stage, services: &Services) -> Result<()> {
    stage.server.external_load(HERE, KeepAlive::Forever);
    services.choose(&format!("Stop {HERE}")).await?;
    stage.server.until("it is unloaded", |server| server.loaded().is_empty()).await?;
    stage.models().status(HERE, "Stopped").await
}

async fn a_finished_download_is_told(stage: &Stage, services: &Services) -> Result<()> {
    let create = Create::open(&stage.window).await?;
    create.name(NEW).await?;
    create.submit().await?;
    stage.models().status(NEW, "Downloading").await?;
    stage.window.put_away().await?;
    stage.window.visibility("hidden").await?;
    stage.server.release(1_000_000_000);
    let number = services.notified(NEW).await?;
    services.click(number).await?;
    stage.window.visibility("visible").await
}

async fn a_tray_that_goes_away_brings_the_window_back(
    stage: &Stage,
    services: &Services,
) -> Result<()> {
    stage.window.put_away().await?;
    stage.window.visibility("hidden").await?;
    services.end_tray().await?;
    stage.window.visibility("visible").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hidden_start_can_be_opened_and_quit_from_the_tray() -> Result<()> {
    let desktop = Arc::new(Desktop::start().await?);
    let services = Services::start(&desktop).await?;
    let stage = Stage::open_hidden(desktop, FakeOllama::builder(), &[HERE]).await?;
    stage.window.visibility("hidden").await?;
    services.choose("Open Corral").await?;
    stage.window.visibility("visible").await?;
    services.choose("Quit").await?;
    stage.window.ended(Duration::from_secs(10)).await
}
