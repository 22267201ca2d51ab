//! From a name to a running model and back.

use anyhow::Result;
use corral_testbed::{
    FakeOllama,
    ollama::{KeepAlive, Pace},
};

use crate::{
    pages::{Create, Delete, focused},
    stage::Stage,
};

const NEW: &str = "tinyllama:1.1b";
const HERE: &str = "llama3.2:3b";

/// Bytes of [`NEW`]'s weights.
const WEIGHTS: u64 = 637_699_456;

// criterion: 0.1
// criterion: 1.6
// criterion: 2.1
// criterion: 3.1
// criterion: 3.2
// criterion: 12.3
// criterion: 12.6
#[tokio::test(flavor = "multi_thread")]
async fn a_model_is_pulled_started_stopped_and_deleted() -> Result<()> {
    let builder = FakeOllama::builder().pace(Pace::Gated);
    let stage = Stage::open(builder, &[HERE, "qwen2.5:7b"]).await?;
    stage.models().are(&[HERE, "qwen2.5:7b"]).await?;
    pull(&stage).await?;
    start_and_stop(&stage).await?;
    somebody_else_starts_it(&stage).await?;
    delete_and_take_back(&stage).await?;
    delete_for_good(&stage).await
}

async fn pull(stage: &Stage) -> Result<()> {
    let (window, models) = (&stage.window, stage.models());
    let create = Create::open(window).await?;
    create.name("not a name!").await?;
    window
        .wait_for("the button refuses a bad name", async |window| {
            let button = window.find("create-submit").await?;
            Ok(button.attr("aria-disabled").await?.as_deref() == Some("true")
                || !button.is_enabled().await?)
        })
        .await?;
    create.name(NEW).await?;
    create.submit().await?;
    models.shows(NEW).await?;
    models.status(NEW, "Downloading").await?;
    stage.server.release(WEIGHTS / 2);
    models.reaches(NEW, 49).await?;
    stage.server.release(WEIGHTS);
    models.status(NEW, "Stopped").await?;
    window.text_holds("toast", NEW).await
}

async fn start_and_stop(stage: &Stage) -> Result<()> {
    let models = stage.models();
    models.press(NEW, "start").await?;
    models.status(NEW, "Running").await?;
    stage.server.until("it is loaded", |server| server.loaded() == [NEW]).await?;
    models.press(NEW, "close").await?;
    models.status(NEW, "Stopped").await?;
    stage.server.until("it is unloaded", |server| server.loaded().is_empty()).await
}

/// Another client of the same server: the window follows by itself.
async fn somebody_else_starts_it(stage: &Stage) -> Result<()> {
    stage.server.external_load(HERE, KeepAlive::Forever);
    stage.models().status(HERE, "Running").await?;
    stage.server.expire_now();
    stage.server.until("it is unloaded", |server| server.loaded().is_empty()).await?;
    stage.models().status(HERE, "Stopped").await
}

async fn delete_and_take_back(stage: &Stage) -> Result<()> {
    let (window, models) = (&stage.window, stage.models());
    models.choose(NEW, "delete").await?;
    let delete = Delete::shown(window).await?;
    focused(window, "delete-cancel").await?;
    delete.cancel().await?;
    models.shows(NEW).await?;

    models.choose(NEW, "delete").await?;
    Delete::shown(window).await?.confirm().await?;
    models.lacks(NEW).await?;
    window.click("toast-undo").await?;
    models.shows(NEW).await?;
    models.status(NEW, "Stopped").await?;
    assert!(
        stage.server.requests_to("DELETE", "/api/delete").is_empty(),
        "what was taken back was never asked for"
    );
    Ok(())
}

async fn delete_for_good(stage: &Stage) -> Result<()> {
    let models = stage.models();
    models.choose(NEW, "delete").await?;
    Delete::shown(&stage.window).await?.confirm().await?;
    models.lacks(NEW).await?;
    stage
        .server
        .until("the server deleted it", |server| server.store(|store| store.len()) == 2)
        .await?;
    models.are(&[HERE, "qwen2.5:7b"]).await
}
