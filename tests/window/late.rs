//! Answers that come late: to what was left, closed or put away meanwhile.

use anyhow::{Result, ensure};
use corral_testbed::{FakeOllama, window::Window};
use thirtyfour::Key;

use crate::{pages::Delete, stage::Stage};

const LLAMA: &str = "llama3.2:3b";
const QWEN: &str = "qwen2.5:7b";

/// From now on answers to this command wait until [`come`].
async fn hold(window: &Window, route: &str) -> Result<()> {
    let body = "const [route, fetch] = [arguments[0], window.fetch];
        const late = { asked: 0, answers: [] };
        const gate = new Promise((open) => (late.open = open));
        window.fetch = (url, ...rest) => {
            const answer = fetch(url, ...rest);
            if (!decodeURIComponent(url).endsWith(route)) return answer;
            late.asked += 1;
            const held = gate.then(() => answer);
            late.answers.push(held);
            return held;
        };
        late.come = () => { window.fetch = fetch; late.open(); };
        window.late = late;";
    window.script(body, vec![route.into()]).await.map(|_| ())
}

/// Waits until the page asked what is held.
async fn asked(window: &Window) -> Result<()> {
    let asked = async |window: &Window| {
        Ok(window.script("return window.late.asked > 0", Vec::new()).await? == true)
    };
    window.wait_for("the page has asked", asked).await
}

/// Lets the answers through. When it returns, the page has taken them and done what it does a
/// moment after an answer: its timers run in the order of their times, and the longest of them is
/// shorter than the one here.
async fn come(window: &Window) -> Result<()> {
    let body = "const done = arguments[arguments.length - 1];
        window.late.come();
        Promise.allSettled(window.late.answers).then(() => setTimeout(done, 0))";
    let after = "setTimeout(arguments[arguments.length - 1], 250)";
    for body in [body, after] {
        window.session().execute_async(body, Vec::new()).await?;
    }
    ensure!(!window.shows("banner-fault").await?, "{}", window.text("banner-fault").await?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_what_is_gone_stops_nothing() -> Result<()> {
    let stage = Stage::open(FakeOllama::builder(), &[LLAMA, QWEN]).await?;
    rows_for_a_page_that_was_left(&stage).await?;
    a_save_of_a_dialog_that_was_closed(&stage).await?;
    a_delete_whose_dialog_was_closed(&stage).await
}

async fn rows_for_a_page_that_was_left(stage: &Stage) -> Result<()> {
    let window = &stage.window;
    stage.models().shows(LLAMA).await?;
    hold(window, "plugin:models|search").await?;
    window.fill("models-search", "llama").await?;
    asked(window).await?;
    window.click("nav-instances").await?;
    window.find("instance-card-Desk").await?;
    come(window).await
}

/// What was asked for is done all the same.
async fn a_save_of_a_dialog_that_was_closed(stage: &Stage) -> Result<()> {
    let window = &stage.window;
    window.click("instance-menu").await?;
    window.click_css(".menu [data-testid='schedule']").await?;
    window.click_css("[data-testid='schedule-kind'] option[value='every']").await?;
    hold(window, "plugin:sync|save_schedule").await?;
    window.click("schedule-save").await?;
    asked(window).await?;
    window.press(Key::Escape + "").await?;
    window.gone_from_view("dialog-schedule").await?;
    come(window).await?;
    window.text_holds("instance-card-Desk", "next sync").await
}

/// What was opened meanwhile stays open.
async fn a_delete_whose_dialog_was_closed(stage: &Stage) -> Result<()> {
    let (window, models) = (&stage.window, stage.models());
    window.click("nav-models").await?;
    models.shows(LLAMA).await?;
    models.choose(LLAMA, "delete").await?;
    Delete::shown(window).await?;
    hold(window, "plugin:models|delete").await?;
    window.click("delete-confirm").await?;
    asked(window).await?;
    window.press(Key::Escape + "").await?;
    window.gone_from_view("dialog-delete").await?;
    window.click("models-new").await?;
    window.find("dialog-create").await?;
    come(window).await?;
    window.text_holds("toast", "Undo").await?;
    ensure!(window.shows("dialog-create").await?, "it stays open");
    Ok(())
}
