//! Schedules and past syncs, as a person uses them.

use anyhow::{Result, ensure};
use corral_testbed::{FakeOllama, ollama::library, window::says};
use thirtyfour::Key;

use crate::stage::Stage;

const LLAMA: &str = "llama3.2:3b";
const QWEN: &str = "qwen2.5:7b";

// criterion: 4.7
#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_is_written_with_its_next_runs_in_sight() -> Result<()> {
    let stage = Stage::open(FakeOllama::builder(), &[LLAMA]).await?;
    let window = &stage.window;
    open(&stage).await?;
    window.text_holds("schedule-stand", "ago").await?;
    choose(&stage, "cron").await?;
    runs(&stage, 3).await?;
    window.fill("schedule-cron", "0 25 * * *").await?;
    window.text_holds("dialog-schedule", "Part 2, the hour: “25”").await?;
    runs(&stage, 0).await?;
    window.fill("schedule-cron", "30 4 * * 1-5").await?;
    runs(&stage, 3).await?;
    window.text_holds("schedule-runs", "04:30").await?;
    window.click("schedule-metered").await?;
    window.click("schedule-save").await?;
    window.gone_from_view("dialog-schedule").await?;
    window.text_holds("instance-card-Desk", "next sync").await?;

    // What was saved is there again, also in the other language.
    stage.top().language("zh-CN").await?;
    window.text_holds("instance-card-Desk", "下次同步").await?;
    open(&stage).await?;
    window.text_holds("schedule-runs", "04:30").await?;
    let kept = window.find("schedule-cron").await?.prop("value").await?;
    ensure!(kept.as_deref() == Some("30 4 * * 1-5"), "{kept:?}");
    ensure!(
        window.attribute("schedule-metered", "aria-checked").await?.as_deref() == Some("true"),
        "the tick stays"
    );
    window.fill("schedule-cron", "0 3 * *").await?;
    window.text_holds("dialog-schedule", "需要五段").await?;
    window.press(Key::Escape + "").await?;
    window.gone_from_view("dialog-schedule").await
}

// criterion: 4.8
#[tokio::test(flavor = "multi_thread")]
async fn past_syncs_are_found_opened_and_compared() -> Result<()> {
    let stage = Stage::open(FakeOllama::builder(), &[LLAMA]).await?;
    let window = &stage.window;
    stage.models().shows(LLAMA).await?;
    window.text_holds("status-synced", "ago").await?;
    sync(&stage).await?;
    stage.server.install(library::pick(QWEN));
    sync(&stage).await?;
    stage.models().shows(QWEN).await?;

    window.click("nav-activity").await?;
    window.click("activity-tab-syncs").await?;
    window
        .wait_for("both reports are listed", async |window| {
            Ok(window.all("sync-tick").await?.len() >= 2)
        })
        .await?;
    let rows = window.all("sync-tick").await?.len();
    ensure!(
        window.attribute("syncs-compare", "aria-disabled").await?.as_deref() == Some("true"),
        "two have to be ticked"
    );
    for tick in [0, rows - 1] {
        window.click_nth("[data-testid='sync-tick']", tick).await?;
    }
    window.click("syncs-compare").await?;
    window
        .wait_for("the comparison names the new model", async |window| {
            let items = window.text("sync-compare-items").await?;
            Ok(items.contains(QWEN) && says(&items, "added"))
        })
        .await?;
    window.click("sync-compare-close").await?;
    window.gone_from_view("sync-compare").await?;

    select(&stage, "syncs-result", "failed").await?;
    window.text_holds("activity-page", "Nothing has been synced yet").await?;
    select(&stage, "syncs-result", "changed").await?;
    window.find("sync-open").await?;
    window.click("sync-open").await?;
    window
        .wait_for("the report says what is new", async |window| {
            Ok(says(&window.text("sync-report").await?, "Digest"))
        })
        .await?;
    window.click("sync-report-close").await
}

async fn open(stage: &Stage) -> Result<()> {
    stage.window.click("nav-instances").await?;
    stage.window.click("instance-menu").await?;
    stage.window.click_css(".menu [data-testid='schedule']").await?;
    stage.window.find("schedule-kind").await.map(|_| ())
}

async fn choose(stage: &Stage, kind: &str) -> Result<()> {
    select(stage, "schedule-kind", kind).await
}

async fn select(stage: &Stage, list: &str, value: &str) -> Result<()> {
    let selector = format!("[data-testid='{list}'] option[value='{value}']");
    stage.window.find(list).await?;
    stage.window.click_css(&selector).await
}

/// Waits until so many next runs show.
async fn runs(stage: &Stage, count: usize) -> Result<()> {
    let body = "return document.querySelectorAll(\"[data-testid='schedule-runs'] li\").length";
    stage
        .window
        .wait_for(&format!("{count} runs show"), async |window| {
            Ok(window.script(body, Vec::new()).await? == count)
        })
        .await
}

async fn sync(stage: &Stage) -> Result<()> {
    stage.window.click("sync-button").await?;
    stage.window.text_holds("toast", "synced").await?;
    // The next one is told by a message of its own.
    stage.window.click("toast-dismiss").await?;
    stage.window.gone_from_view("toast").await
}
