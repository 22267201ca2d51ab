//! Choosing a model and keeping it up to date.

use anyhow::{Result, ensure};
use corral_testbed::{FakeOllama, FakeRegistry, ollama::library};
use thirtyfour::prelude::*;

use crate::{pages::Create, stage::Stage};

const HERE: &str = "llama3.2:3b";
const NEW: &str = "tinyllama:1.1b";

// criterion: 12.2
#[tokio::test(flavor = "multi_thread")]
async fn a_model_is_found_got_and_kept_up_to_date() -> Result<()> {
    let registry = FakeRegistry::start().await?;
    registry.announce(&library::pick(HERE));
    registry.announce(&library::pick(NEW));
    let stage = Stage::open_beside(&registry, FakeOllama::builder(), &[HERE]).await?;
    discover(&stage).await?;
    refuse_what_is_gone(&stage).await?;
    suggestions(&stage).await?;
    let newer = library::pick(HERE).template("{{ .System }} {{ .Prompt }}");
    registry.announce(&newer);
    stage.server.catalogue(|catalogue| catalogue.add(newer));
    update(&stage).await
}

/// By keys to the page, by clicks to the model.
async fn discover(stage: &Stage) -> Result<()> {
    let window = &stage.window;
    window.press(Key::Control + "2").await?;
    window.text_holds("discover-age", "registries not asked yet").await?;
    window.press("/").await?;
    window.press("llama3.2").await?;
    window.click("discover-llama3.2").await?;
    window.text_holds("has-llama3.2:3b", "Installed").await?;
    window.text_holds("discover-tags", "about 1.3 GB").await?;
    window.press(Key::Escape).await?;
    window.gone_from_view("discover-tags").await?;

    window.fill("discover-search", "tinyllama").await?;
    window.click("discover-tinyllama").await?;
    window.click("get-tinyllama:1.1b").await?;
    window.text_holds("toast", NEW).await?;
    stage.server.until("it came", |server| server.store(|store| store.len()) == 2).await?;
    window.text_holds("has-tinyllama:1.1b", "Installed").await
}

/// What cannot go well opens the dialog that says why, with the name in it.
async fn refuse_what_is_gone(stage: &Stage) -> Result<()> {
    let window = &stage.window;
    window.fill("discover-search", "mistral-nemo").await?;
    window.click("discover-mistral-nemo").await?;
    window.click("get-mistral-nemo:12b").await?;
    window.text_holds("check-refusal", "mistral-nemo:12b").await?;
    window.click("create-cancel").await?;
    window.gone_from_view("dialog-create").await
}

/// What is typed is completed, with the size that suits.
async fn suggestions(stage: &Stage) -> Result<()> {
    let window = &stage.window;
    let create = Create::open(window).await?;
    create.name("llama3.").await?;
    window.find("suggest-llama3.2").await?;
    window.press(Key::Down).await?;
    window.press(Key::Enter).await?;
    window.gone_from_view("create-suggest").await?;
    window.text_holds("create-tags", "1b").await?;
    window.click("tag-3b").await?;
    let name = window.find("create-name").await?.prop("value").await?;
    ensure!(name.as_deref() == Some(HERE), "{name:?}");
    window.click("fit-open").await?;
    window.text_holds("fit-said", "tokens").await?;
    window.click("create-cancel").await?;
    window.gone_from_view("dialog-create").await
}

/// From the line above the list to the first load of the new version.
async fn update(stage: &Stage) -> Result<()> {
    let (window, models) = (&stage.window, stage.models());
    window.click("models-menu").await?;
    window.click("updates").await?;
    window.click("updates-check").await?;
    window.find("update-llama3.2:3b").await?;
    window.click("updates-close").await?;
    window.text_holds("radar-text", "1 update").await?;
    window.click("radar-open").await?;
    window.find("update-llama3.2:3b").await?;
    window.click("updates-apply").await?;
    window.text_holds("radar-text", "not loaded yet").await?;
    let kept = || {
        let all = stage.server.store(|store| store.newest_first());
        all.iter().filter(|it| it.model.name.key().contains("corral-backup/")).count()
    };
    ensure!(kept() == 1, "the version before is there");
    models.are(&[HERE, NEW]).await?;
    models.press(HERE, "start").await?;
    models.status(HERE, "Running").await?;
    window.gone_from_view("radar").await?;
    ensure!(kept() == 0, "and no longer");
    Ok(())
}
