//! Newer versions of models by clicks and keys: later, now, kept until the new one has loaded, and
//! the way back.

use anyhow::{Result, ensure};
use corral_testbed::{
    FakeOllama, FakeRegistry,
    ollama::library,
    window::{Window, says},
};
use thirtyfour::Key;

use crate::stage::Stage;

const LLAMA: &str = "llama3.2:3b";
const QWEN: &str = "qwen2.5:7b";
const NEW: &str = "{{ .System }} {{ .Prompt }}";

// criterion: 0.1
// criterion: 0.5
#[tokio::test(flavor = "multi_thread")]
async fn an_update_waits_comes_proves_itself_and_is_taken_back() -> Result<()> {
    let registry = FakeRegistry::start().await?;
    for name in [LLAMA, QWEN] {
        registry.announce(&library::pick(name));
    }
    let store = tempfile::tempdir()?;
    let builder = FakeOllama::builder().folder(store.path());
    let stage = Stage::open_beside(&registry, builder, &[LLAMA, QWEN]).await?;
    for name in [LLAMA, QWEN] {
        let newer = library::pick(name).template(NEW);
        registry.announce(&newer);
        stage.server.catalogue(|catalogue| catalogue.add(newer));
    }
    one_is_put_off(&stage).await?;
    one_comes_and_is_taken_back(&stage).await?;
    one_comes_and_proves_itself(&stage).await?;
    one_is_kept_unproven(&stage).await
}

/// Whether the server has the new version of a model under its name.
fn is_new(stage: &Stage, name: &str) -> bool {
    let all = stage.server.store(|store| store.newest_first());
    all.iter().any(|it| it.model.name.to_string() == name && it.model.template == NEW)
}

/// Versions before an update on the server.
fn kept(stage: &Stage) -> usize {
    let all = stage.server.store(|store| store.newest_first());
    all.iter().filter(|it| it.model.name.key().contains("corral-backup/")).count()
}

async fn holds(window: &Window, name: &str, text: &str) -> Result<()> {
    window
        .wait_for(&format!("the update of {name} says {text:?}"), async |window| {
            Ok(says(&window.text(&format!("update-{name}")).await?, text))
        })
        .await
}

/// Two are there; one is left for later and no longer counted.
async fn one_is_put_off(stage: &Stage) -> Result<()> {
    let window = &stage.window;
    window.click("models-menu").await?;
    window.click("updates").await?;
    window.click("updates-check").await?;
    holds(window, LLAMA, "changed").await?;
    window.find(&format!("update-{QWEN}")).await?;
    // By keys: the box of one of them, then the button.
    let body = "document.querySelector(`[data-testid='update-${arguments[0]}'] [role='checkbox']`)\
                .focus()";
    window.script(body, vec![LLAMA.into()]).await?;
    window.press(" ").await?;
    let body = "document.querySelector(\"[data-testid='updates-later']\").focus()";
    window.script(body, Vec::new()).await?;
    window.press(Key::Enter + "").await?;
    holds(window, QWEN, "put off").await?;
    window.press(Key::Escape + "").await?;
    window.gone_from_view("updates-close").await?;
    window.text_holds("radar-text", "1 update").await?;
    ensure!(stage.server.requests_to("POST", "/api/pull").is_empty(), "nothing was fetched");
    Ok(())
}

/// From the page of the model there and back; the list never shows the version that is kept.
async fn one_comes_and_is_taken_back(stage: &Stage) -> Result<()> {
    let (window, models) = (&stage.window, stage.models());
    models.choose(LLAMA, "details").await?;
    window.text_holds("detail-newer", "A newer version").await?;
    window.click("detail-update").await?;
    window.find("detail-rollback").await?;
    ensure!(is_new(stage, LLAMA) && kept(stage) == 1, "the new one is there, the old one kept");
    models.are(&[LLAMA, QWEN]).await?;
    window.text_holds("radar-text", "the version before is kept").await?;
    window.click("detail-rollback").await?;
    window.text_holds("toast", "is back at the version before").await?;
    ensure!(!is_new(stage, LLAMA) && kept(stage) == 0, "as it was before");
    window.gone_from_view("detail-rollback").await?;
    // What was given back is not offered again by itself.
    window.gone_from_view("radar").await?;
    window.press(Key::Escape + "").await?;
    window.gone_from_view("detail").await?;
    models.status(LLAMA, "Stopped").await
}

/// The row's own entry; the old one stays until the new one has loaded once.
async fn one_comes_and_proves_itself(stage: &Stage) -> Result<()> {
    let (window, models) = (&stage.window, stage.models());
    models.choose(LLAMA, "update").await?;
    window.text_holds("radar-text", "the version before is kept").await?;
    ensure!(is_new(stage, LLAMA) && kept(stage) == 1, "the old one is kept");
    models.press(LLAMA, "start").await?;
    models.status(LLAMA, "Running").await?;
    window.gone_from_view("radar").await?;
    stage.server.until("the old one is gone", |_| kept(stage) == 0).await?;
    ensure!(is_new(stage, LLAMA), "the new one stays");
    models.press(LLAMA, "close").await?;
    models.status(LLAMA, "Stopped").await
}

/// What was put off comes when it is asked for, and is kept without having been loaded.
async fn one_is_kept_unproven(stage: &Stage) -> Result<()> {
    let (window, models) = (&stage.window, stage.models());
    models.choose(QWEN, "update").await?;
    window.text_holds("radar-text", "the version before is kept").await?;
    models.choose(QWEN, "details").await?;
    window.click("detail-accept").await?;
    window.gone_from_view("detail-accept").await?;
    stage.server.until("the old one is gone", |_| kept(stage) == 0).await?;
    ensure!(is_new(stage, QWEN), "the new one stays");
    window.press(Key::Escape + "").await?;
    window.gone_from_view("detail").await
}
