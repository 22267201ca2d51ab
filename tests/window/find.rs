//! Finding models by what one said about them, keeping that view, writing it into a file; running
//! one with kept options and asking it something.

use anyhow::{Context, Result, ensure};
use corral_testbed::{
    FakeOllama,
    window::{Window, says},
};
use thirtyfour::Key;

use crate::{pages::focused, stage::Stage};

const LLAMA: &str = "llama3.2:3b";
const QWEN: &str = "qwen3:8b";
const NOMIC: &str = "nomic-embed-text:latest";

// criterion: 1.2
// criterion: 1.4
#[tokio::test(flavor = "multi_thread")]
async fn models_are_labelled_found_kept_as_a_view_and_written_down() -> Result<()> {
    let stage = Stage::open(FakeOllama::builder(), &[LLAMA, QWEN, NOMIC]).await?;
    label(&stage).await?;
    filter_and_keep(&stage).await?;
    write_down(&stage).await
}

/// By keys alone: the menu of the row, the fields of the dialog.
async fn label(stage: &Stage) -> Result<()> {
    let (window, models) = (&stage.window, stage.models());
    models.choose(QWEN, "labels").await?;
    window.find("dialog-labels").await?;
    window.press("聊天,work").await?;
    window.press(Key::Enter).await?;
    window
        .wait_for("both tags are chips", async |window| {
            Ok(window.text("dialog-labels").await?.contains("#聊天"))
        })
        .await?;
    // Enter with nothing typed saves.
    window.press(Key::Enter).await?;
    window.gone_from_view("dialog-labels").await?;
    models.holds(QWEN, ".models__why", "#聊天 #work").await?;
    models.choose(QWEN, "favourite").await?;
    window.find_css(&format!("[data-testid='row-{QWEN}'] .models__star")).await?;
    // A pinyin initial finds the tag.
    models.search("lt").await?;
    models.are(&[QWEN]).await?;
    models.search("").await?;
    models.are(&[LLAMA, QWEN, NOMIC]).await
}

async fn filter_and_keep(stage: &Stage) -> Result<()> {
    let (window, models) = (&stage.window, stage.models());
    window.click("filter-menu").await?;
    window.click("tag-work").await?;
    window.press(Key::Escape).await?;
    models.are(&[QWEN]).await?;
    window.click("views").await?;
    window.click("view-save").await?;
    window.find("dialog-view").await?;
    window.press("Team").await?;
    window.press(Key::Enter).await?;
    window.gone_from_view("dialog-view").await?;
    window.click_css("[data-testid='filter-menu'] .chip__clear").await?;
    models.are(&[LLAMA, QWEN, NOMIC]).await?;
    window.click("views").await?;
    window.click_css(".menu [data-testid='view-1']").await?;
    models.are(&[QWEN]).await
}

async fn write_down(stage: &Stage) -> Result<()> {
    let window = &stage.window;
    let file = stage.file("my-list.json");
    window.click("models-menu").await?;
    window.click("export").await?;
    window.find("dialog-table").await?;
    window.click_css("[data-testid='dialog-table'] [data-testid='option-json']").await?;
    type_into(window, "table-path", "my-list.json").await?;
    window.click("table-submit").await?;
    window
        .wait_for("the field says what is wrong", async |window| {
            Ok(says(&window.text("dialog-table").await?, "full path"))
        })
        .await?;
    type_into(window, "table-path", &file.display().to_string()).await?;
    window.press(Key::Enter).await?;
    window.gone_from_view("dialog-table").await?;
    window.wait_for("the list is written", async |_| Ok(file.exists())).await?;
    let list: serde_json::Value = serde_json::from_slice(&std::fs::read(&file)?)?;
    let models = list["models"].as_array().context("models")?;
    ensure!(models.len() == 1 && models[0]["name"] == QWEN, "{list}");
    Ok(())
}

/// Replaces what stands in a field of that id.
async fn type_into(window: &Window, id: &str, text: &str) -> Result<()> {
    window.click_css(&format!("#{id}")).await?;
    window.press(Key::Control + "a").await?;
    window.press(text).await
}

// criterion: 3.1
#[tokio::test(flavor = "multi_thread")]
async fn a_model_is_run_with_a_preset_kept_longer_and_asked() -> Result<()> {
    let stage = Stage::open(FakeOllama::builder(), &[LLAMA, NOMIC]).await?;
    let (window, models) = (&stage.window, stage.models());
    models.choose(LLAMA, "details").await?;
    window.click_css("[data-testid='tab-run']").await?;
    type_into(window, "run-ctx", "8192").await?;
    type_into(window, "preset-name", "long").await?;
    window.press(Key::Enter).await?;
    window.find("preset-start-1").await?;
    window.click("preset-start-1").await?;
    models.status(LLAMA, "Running").await?;
    let loads = stage.server.requests_to("POST", "/api/generate");
    let asked = loads.iter().any(|it| it.json()["options"]["num_ctx"] == 8192);
    ensure!(asked, "no load with the preset's context: {loads:?}");

    window.click("run-stay--1").await?;
    window.text_holds("run-stays", "until it is stopped").await?;
    window.click("run-preload").await?;
    window
        .wait_for("it is loaded at start", async |window| {
            Ok(window.attribute("run-preload", "aria-checked").await?.as_deref() == Some("true"))
        })
        .await?;

    window.click_css("#ask-prompt").await?;
    window.press("Where is the horse?").await?;
    window.press(Key::Tab).await?;
    focused(window, "ask-submit").await?;
    window.press(Key::Enter).await?;
    window.text_holds("ask-answer", "in the corral and waits").await?;
    window.text_holds("ask-figures", "tokens/s").await?;
    window.press(Key::Escape).await?;

    models.choose(NOMIC, "details").await?;
    window.click_css("[data-testid='tab-run']").await?;
    window.click("ask-submit").await?;
    window.text_holds("ask-vector", "dimensions").await?;
    window.press(Key::Escape).await?;
    window.gone_from_view("detail").await?;
    window.click("models-menu").await?;
    window.click("stop-all").await?;
    models.status(LLAMA, "Stopped").await?;
    models.status(NOMIC, "Stopped").await
}
