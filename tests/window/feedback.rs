//! What a person is told of what was done: how it ended, why it failed and what helps, what can be
//! taken back, and what is still there after a reload.

use anyhow::{Result, ensure};
use corral_testbed::{
    FakeOllama,
    ollama::{Loading, Pace, library},
    window::{Window, says},
};
use thirtyfour::Key;

use crate::{pages::Create, stage::Stage};

const LLAMA: &str = "llama3.2:3b";
const QWEN: &str = "qwen2.5:7b";
const GEMMA: &str = "gemma3:4b";
const LARGE: &str = "mistral:7b";

/// What an element of that selector says, at the moment.
async fn said(window: &Window, selector: &str) -> Result<String> {
    let body = "return document.querySelector(arguments[0])?.innerText ?? ''";
    let text = window.script(body, vec![selector.into()]).await?;
    Ok(text.as_str().unwrap_or_default().to_owned())
}

// criterion: 0.1
// criterion: 0.5
// criterion: 0.6
#[tokio::test(flavor = "multi_thread")]
async fn an_error_says_why_stays_and_its_advice_is_a_button() -> Result<()> {
    let stage = Stage::open(FakeOllama::builder(), &[LLAMA]).await?;
    let (window, models) = (&stage.window, stage.models());
    stage.server.install(library::pick(LARGE).loading(Loading::OutOfMemory));
    window.click("sync-button").await?;
    models.shows(LARGE).await?;
    models.press(LARGE, "start").await?;
    models.status(LARGE, "Failed").await?;
    let card = "[data-testid='toast'] .error-card";
    window
        .wait_for("the message says what failed and why", async |window| {
            let text = said(window, card).await?;
            Ok(text.contains("OUT_OF_MEMORY") && says(&text, "Not enough memory"))
        })
        .await?;
    // The server's own words are there for who wants them.
    ensure!(!said(window, card).await?.contains("cudaMalloc"), "they are folded away");
    window.click_css(&format!("{card} summary")).await?;
    window
        .wait_for("the raw text shows", async |window| {
            Ok(said(window, card).await?.contains("cudaMalloc failed"))
        })
        .await?;
    // What goes well comes and goes beside it.
    models.press(LLAMA, "start").await?;
    models.status(LLAMA, "Running").await?;
    ensure!(said(window, card).await?.contains("OUT_OF_MEMORY"), "it stays");
    window
        .click_css("[data-testid='toast']:has(.error-card) [data-testid='toast-dismiss']")
        .await?;
    window
        .wait_for("it is gone when it is dismissed", async |window| {
            Ok(said(window, card).await?.is_empty())
        })
        .await?;
    // It is still told where the model is, with what helps.
    models.choose(LARGE, "details").await?;
    let card = "[data-testid='detail'] .error-card";
    window
        .wait_for("the page of the model tells it", async |window| {
            Ok(said(window, card).await?.contains("OUT_OF_MEMORY"))
        })
        .await?;
    stage.server.forget_requests();
    window.click_css(&format!("{card} .error-card__foot .button")).await?;
    stage
        .server
        .until("it is loaded with less context", |server| {
            let loads = server.requests_to("POST", "/api/generate");
            loads.iter().any(|it| it.json()["options"]["num_ctx"] == 4096)
        })
        .await
}

// criterion: 0.4
// criterion: 12.4
#[tokio::test(flavor = "multi_thread")]
async fn a_batch_says_before_what_gives_way_and_is_stopped_half_way() -> Result<()> {
    // Four of them begin at once.
    let names = [LLAMA, QWEN, GEMMA, LARGE, "phi3:3.8b", "granite3.3:8b"];
    let stage = Stage::open(FakeOllama::builder(), &names).await?;
    let (window, models) = (&stage.window, stage.models());
    for name in names {
        models.tick(name).await?;
    }
    window.click("batch-start").await?;
    window.text_holds("dialog-batch", "These will probably be unloaded").await?;
    stage.server.hold_loads(true);
    window.click("batch-confirm").await?;
    stage.server.until("one is being loaded", |server| !server.loading().is_empty()).await?;
    window.click("task-center").await?;
    window.click("task-batch").await?;
    window.text_holds("batch-result", "waiting").await?;
    window.click("batch-stop").await?;
    window.text_holds("batch-result", "cancelled").await?;
    window.gone_from_view("batch-stop").await?;
    stage.server.hold_loads(false);
    let result = window.text("batch-result").await?;
    for name in names {
        ensure!(result.contains(name), "each stands in the result: {result}");
    }
    Ok(())
}

// criterion: 0.7
// criterion: 0.1
#[tokio::test(flavor = "multi_thread")]
async fn filter_and_selection_outlive_a_reload_and_buttons_say_why_they_are_off() -> Result<()> {
    let stage = Stage::open(FakeOllama::builder(), &[LLAMA, QWEN, GEMMA]).await?;
    let (window, models) = (&stage.window, stage.models());
    models.search("3").await?;
    models.are(&[LLAMA, GEMMA]).await?;
    models.tick(LLAMA).await?;
    models.tick(GEMMA).await?;
    window.text_holds("batch-count", "2").await?;
    // Both are written at once; a reload waits for nobody.
    window.reload().await?;
    models.are(&[LLAMA, GEMMA]).await?;
    window.text_holds("batch-count", "2").await?;
    window.press(Key::Escape + "").await?;
    window.gone_from_view("batch-count").await?;

    stage.server.offline(true);
    stage.top().broken().await?;
    let button = format!("[data-testid='row-{LLAMA}'] [data-testid='row-action-start']");
    window
        .wait_for("the button is off and says why", async |window| {
            let Some(button) = window.find_css(&button).await?.attr("title").await? else {
                return Ok(false);
            };
            Ok(says(&button, "does not answer") || says(&button, "offline"))
        })
        .await?;
    let off = window.find_css(&button).await?.attr("aria-disabled").await?;
    ensure!(off.as_deref() == Some("true"), "{off:?}");

    // What was typed is still there when the answer is an error.
    window.click("nav-instances").await?;
    window.click("instance-add").await?;
    window.fill("instance-url", "http://127.0.0.1:9").await?;
    window.fill("instance-name", "Attic").await?;
    window.click("instance-save").await?;
    window.find("error-card").await?;
    for (field, text) in [("instance-url", "http://127.0.0.1:9"), ("instance-name", "Attic")] {
        let value = window.find(field).await?.prop("value").await?;
        ensure!(value.as_deref() == Some(text), "{field} holds {value:?}");
    }
    window.click("instance-cancel").await?;
    window.gone_from_view("dialog-instance").await
}

const FIRST: &str = "tinyllama:1.1b";
const SECOND: &str = "all-minilm:22m";

// criterion: 12.10
// criterion: 2.4
#[tokio::test(flavor = "multi_thread")]
async fn a_moved_and_a_cancelled_download_are_brought_back() -> Result<()> {
    let builder = FakeOllama::builder().pace(Pace::Gated);
    let stage = Stage::open(builder, &[LLAMA]).await?;
    let window = &stage.window;
    for name in [FIRST, SECOND] {
        let create = Create::open(window).await?;
        create.name(name).await?;
        if name == SECOND {
            window.click("create-start").await?;
        }
        create.submit().await?;
        stage.models().shows(name).await?;
    }
    window.click("nav-downloads").await?;
    order_is(window, &[FIRST, SECOND]).await?;
    let focus = "document.querySelector(`[data-testid='downloads-row-${arguments[0]}']`).focus()";
    window.script(focus, vec![SECOND.into()]).await?;
    window.press(Key::Alt + Key::Up).await?;
    order_is(window, &[SECOND, FIRST]).await?;
    window.find("toast-place-back").await?;
    window.press(Key::Control + "z").await?;
    order_is(window, &[FIRST, SECOND]).await?;

    window.script(focus, vec![SECOND.into()]).await?;
    window.press(Key::Delete + "").await?;
    window.click("download-cancel-confirm").await?;
    order_is(window, &[FIRST]).await?;
    window.click("toast-fetch-back").await?;
    order_is(window, &[FIRST, SECOND]).await?;
    stage.server.release(2_000_000_000);
    window.click("nav-models").await?;
    // As it was asked for: loaded when it is there.
    stage.models().status(SECOND, "Running").await
}

/// Waits until these are in the queue, in this order.
async fn order_is(window: &Window, names: &[&str]) -> Result<()> {
    let body = "return [...document.querySelectorAll(\"[data-job][data-testid^='downloads-row-']\")]\
                .map(row => row.dataset.testid.slice('downloads-row-'.length))";
    window
        .wait_for(&format!("the queue is {names:?}"), async |window| {
            let shown: Vec<String> = serde_json::from_value(window.script(body, vec![]).await?)?;
            Ok(shown == names)
        })
        .await
}
