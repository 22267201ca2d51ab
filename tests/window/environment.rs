//! The variables of a server and what runs it, as a person changes them.

use anyhow::{Result, ensure};
use corral_testbed::{FakeOllama, window::Window};
use serde_json::json;
use thirtyfour::Key;

use crate::{outside::adds, stage::Stage};

const LLAMA: &str = "llama3.2:3b";
const PARALLEL: &str = "#OLLAMA_NUM_PARALLEL";
const DROP_IN: &str = "home/config/systemd/user/ollama.service.d/zz-corral.conf";

#[tokio::test(flavor = "multi_thread")]
async fn a_variable_is_changed_by_keyboard_shown_applied_and_taken_back_when_it_does_not_work()
-> Result<()> {
    let play = |written: &str, on: bool| on && !written.contains("=64");
    let (stage, systemd) = Stage::open_with_unit(FakeOllama::builder(), &[LLAMA], play).await?;
    let window = &stage.window;
    open(window).await?;
    window.text_holds("steering-unit", "ollama.service").await?;
    window.find("instance-tab-details").await?.focus().await?;
    window.press(Key::Right + "").await?;

    // What is impossible is said in its field, and cannot go on.
    write(window, PARALLEL, "many").await?;
    window.text_holds("variable-OLLAMA_NUM_PARALLEL", "Not a whole number").await?;
    let blocked = window.attribute("environment-review", "aria-disabled").await?;
    ensure!(blocked.as_deref() == Some("true"), "{blocked:?}");

    write(window, PARALLEL, "4").await?;
    review(window).await?;
    window.text_holds("review-diff", "+ Environment=\"OLLAMA_NUM_PARALLEL=4\"").await?;
    window.text_holds("dialog-environment", "systemctl --user edit ollama.service").await?;
    window.text_holds("dialog-environment", "did not set this server up").await?;
    ensure!(systemd.calls().is_empty(), "nothing was done yet");
    ensure!(!stage.file(DROP_IN).exists(), "nothing was written yet");
    window.click("steer-remember").await?;
    apply(window).await?;
    window.find("environment-applied").await?;
    let written = std::fs::read_to_string(stage.file(DROP_IN))?;
    ensure!(written.contains("Environment=\"OLLAMA_NUM_PARALLEL=4\""), "{written}");
    window.text_holds("variable-OLLAMA_NUM_PARALLEL", "by Corral").await?;

    // The server does not come up with this one.
    write(window, PARALLEL, "64").await?;
    review(window).await?;
    window.text_holds("review-diff", "- Environment=\"OLLAMA_NUM_PARALLEL=4\"").await?;
    apply(window).await?;
    window.text_holds("environment-failed", "taken back").await?;
    window.text_holds("environment-failed", "exit-code, status 1").await?;
    ensure!(std::fs::read_to_string(stage.file(DROP_IN))? == written, "to the byte");
    let kept = window.find_css(PARALLEL).await?.prop("value").await?;
    ensure!(kept.as_deref() == Some("64"), "what was typed stays to be mended: {kept:?}");

    stage.top().language("zh-CN").await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_corrals_is_stopped_and_started_after_the_user_agreed() -> Result<()> {
    let (stage, systemd) =
        Stage::open_with_unit(FakeOllama::builder(), &[LLAMA], |_, on| on).await?;
    let window = &stage.window;
    open(window).await?;
    window.click("steer-stop").await?;
    window.text_holds("dialog-steer", "systemctl --user stop ollama.service").await?;
    window.press(Key::Escape + "").await?;
    window.gone_from_view("dialog-steer").await?;
    ensure!(systemd.calls().is_empty(), "nothing was done");
    window.click("steer-stop").await?;
    window.click("steer-confirm").await?;
    window.text_holds("instance-card-Desk", "no answer").await?;
    ensure!(systemd.calls() == ["StopUnit ollama.service replace"], "{:?}", systemd.calls());
    window.click("steer-start").await?;
    window.click("steer-confirm").await?;
    window
        .wait_for("the server answers again", async |window| {
            Ok(!window.text("instance-card-Desk").await?.contains("no answer"))
        })
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preset_says_what_it_trades_and_fills_fields_that_can_still_be_changed() -> Result<()> {
    let (stage, _systemd) =
        Stage::open_with_unit(FakeOllama::builder(), &[LLAMA], |_, on| on).await?;
    let window = &stage.window;
    open(window).await?;
    window.click("instance-tab-environment").await?;
    preset(window, "saveMemory").await?;
    window.text_holds("instance-detail", "models are loaded more often").await?;
    is(window, "#OLLAMA_KEEP_ALIVE", "1m").await?;
    is(window, PARALLEL, "1").await?;
    window.text_holds("environment-count", "6 changed").await?;
    // The second one adds to it, and one value is changed by hand.
    preset(window, "manyUsers").await?;
    window.text_holds("instance-detail", "Four requests at once").await?;
    is(window, PARALLEL, "4").await?;
    is(window, "#OLLAMA_KEEP_ALIVE", "30m").await?;
    window.text_holds("environment-count", "7 changed").await?;
    write(window, PARALLEL, "6").await?;
    review(window).await?;
    for line in ["OLLAMA_NUM_PARALLEL=6", "OLLAMA_KEEP_ALIVE=30m", "OLLAMA_KV_CACHE_TYPE=q8_0"] {
        window.text_holds("review-diff", line).await?;
    }
    window.click("review-cancel").await?;
    window.gone_from_view("dialog-environment").await?;
    window.click("environment-discard").await?;
    window.gone_from_view("environment-count").await?;
    is(window, PARALLEL, "").await
}

#[tokio::test(flavor = "multi_thread")]
async fn cards_are_chosen_by_ticks_or_by_hand() -> Result<()> {
    let (stage, _systemd) =
        Stage::open_with_unit(FakeOllama::builder(), &[LLAMA], |_, on| on).await?;
    let window = &stage.window;
    let card = |name: &str, vendor: &str| json!({ "name": name, "vendor": vendor, "memory": null, "used": null });
    let cards =
        [card("RTX 4090", "NVIDIA"), card("Radeon PRO W7900", "AMD"), card("RTX 3060", "NVIDIA")];
    adds(window, "plugin:environment|read", json!({ "gpus": cards })).await?;
    open(window).await?;
    window.click("instance-tab-environment").await?;
    let cuda = "#CUDA_VISIBLE_DEVICES";
    window.text_holds("variable-CUDA_VISIBLE_DEVICES", "1: RTX 3060").await?;
    ensure!(
        !window.text("variable-CUDA_VISIBLE_DEVICES").await?.contains("Radeon"),
        "each kind is counted by itself"
    );
    window.text_holds("variable-GGML_VK_VISIBLE_DEVICES", "2: RTX 3060").await?;
    let tick = async |number: usize| {
        let boxes = "[data-testid='variable-CUDA_VISIBLE_DEVICES'] .variable__cards";
        let nth = format!("{boxes} > :nth-child({number})");
        // The tick itself, whatever it is wrapped in.
        let tick = format!("{nth}[role='checkbox'], {nth} [role='checkbox']");
        window.click_css(&tick).await
    };
    tick(2).await?;
    is(window, cuda, "1").await?;
    tick(1).await?;
    is(window, cuda, "0,1").await?;
    tick(2).await?;
    is(window, cuda, "0").await?;
    // None at all, by hand; a tick takes that back.
    write(window, cuda, "-1").await?;
    tick(2).await?;
    is(window, cuda, "1").await?;
    review(window).await?;
    window.text_holds("review-diff", "CUDA_VISIBLE_DEVICES=1").await
}

async fn preset(window: &Window, name: &str) -> Result<()> {
    window.click_css(&format!("#environment-preset option[value='{name}']")).await
}

/// Waits until a field holds this.
async fn is(window: &Window, field: &str, text: &str) -> Result<()> {
    window
        .wait_for(&format!("{field} holds {text:?}"), async |window| {
            let held = window.find_css(field).await?.prop("value").await?;
            Ok(held.as_deref() == Some(text))
        })
        .await
}

async fn open(window: &Window) -> Result<()> {
    window.click("nav-instances").await?;
    window.click("instance-menu").await?;
    window.click_css(".menu [data-testid='details']").await?;
    window.find("instance-detail").await?;
    Ok(())
}

pub(crate) async fn write(window: &Window, field: &str, text: &str) -> Result<()> {
    let field = window.find_css(field).await?;
    field.focus().await?;
    field.send_keys(Key::Control + "a").await?;
    field.send_keys(Key::Delete + "").await?;
    Ok(field.send_keys(text).await?)
}

pub(crate) async fn review(window: &Window) -> Result<()> {
    window.find("environment-review").await?.focus().await?;
    window.press(Key::Enter + "").await?;
    window.find("review-diff").await.map(drop)
}

pub(crate) async fn apply(window: &Window) -> Result<()> {
    window.find("review-apply").await?.focus().await?;
    window.press(Key::Enter + "").await?;
    window.gone_from_view("dialog-environment").await
}
