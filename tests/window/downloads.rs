//! The Downloads page: limits by slider, by the time of day and by job, and what moved.

use anyhow::{Result, ensure};
use corral_testbed::{
    FakeOllama, FakeRegistry,
    content::Content,
    gguf::Gguf,
    ollama::{LayerKind, Model},
    window::says,
};
use thirtyfour::Key;

use crate::{pages::Create, stage::Stage};

// criterion: 8.5
// criterion: 2.4
#[tokio::test(flavor = "multi_thread")]
async fn a_running_download_is_limited_by_hand_and_its_bytes_are_in_the_figures() -> Result<()> {
    let registry = FakeRegistry::start().await?;
    let mut weights = Gguf::tiny().bytes();
    weights.resize(20_000_000, 1);
    let weights = Content::of(weights);
    let config = Content::of("{}");
    let layers = [(LayerKind::Model, weights.clone())];
    registry.publish("library/herd:latest", &layers, config.clone());
    let mut model = Model::new("herd");
    model.weights = weights.layer(LayerKind::Model);
    model.other_layers = Some(Vec::new());
    model.config = Some(config.layer(LayerKind::Config));
    let store = tempfile::tempdir()?;
    let builder = FakeOllama::builder().folder(store.path());
    let stage = Stage::open_beside(&registry, builder, &["llama3.2:3b"]).await?;
    stage.server.catalogue(|catalogue| catalogue.add(model));
    let window = &stage.window;

    window.click("nav-downloads").await?;
    window.text_holds("downloads-limit-now", "no limit").await?;
    window.find("downloads-limit-slider").await?.focus().await?;
    window.press(Key::Home + "").await?;
    window.text_holds("downloads-limit-now", "1.0 MB/s").await?;

    window.click("downloads-schedule").await?;
    window.click("schedule-add").await?;
    window.fill("schedule-from", "25:00").await?;
    window.text_holds("schedule-line", "22:00").await?;
    window.fill("schedule-from", "0:00").await?;
    window.fill("schedule-to", "24:00").await?;
    window.fill("schedule-speed", "0.2").await?;
    window.click("schedule-save").await?;
    window.text_holds("downloads-limit-now", "200 kB/s").await?;
    window.text_holds("downloads-limit-now", "until").await?;

    window.click("nav-models").await?;
    let create = Create::open(window).await?;
    create.name("herd").await?;
    window.find("check-facts").await?;
    create.submit().await?;
    window.click("nav-downloads").await?;
    window.find("downloads-row-herd:latest").await?;
    window.click("download-more").await?;
    window.click("download-limit-5000").await?;
    // The driver's own reading leaves out what may be cut to an ellipsis.
    window
        .wait_for("the row tells its own limit", async |window| {
            Ok(says(&window.text("downloads-row-herd:latest").await?, "Limit: 5.0 MB/s"))
        })
        .await?;
    ensure!(stage.server.requests_to("POST", "/api/pull").is_empty(), "it takes minutes like this");

    window.click("downloads-schedule").await?;
    window.click_css("[data-testid='schedule-line'] .icon-button").await?;
    window.click("schedule-save").await?;
    window.find("downloads-limit-slider").await?.focus().await?;
    window.press(Key::End + "").await?;
    window.click("nav-models").await?;
    stage.models().status("herd:latest", "Stopped").await?;

    window.click("nav-downloads").await?;
    window.click("downloads-figures-open").await?;
    window.text_holds("figures-sum", "20 MB").await?;
    window.text_holds("figures-sum", "1 done").await?;
    window.click("figures-table-switch").await?;
    window.find_css(".figures__table tbody tr").await?;
    Ok(())
}
