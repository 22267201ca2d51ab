//! Keeping a disk in order: what takes the room, what goes, and what comes back.

use std::{
    fs::{self, File},
    path::Path,
    time::{Duration, SystemTime},
};

use anyhow::{Result, ensure};
use corral_testbed::{FakeOllama, ollama::Fault, window::says};
use thirtyfour::prelude::Key;

use crate::{
    pages::{Delete, batch_result, focused},
    stage::Stage,
};

const LLAMA: &str = "llama3.2:3b";
const QWEN: &str = "qwen2.5:7b";
const GEMMA: &str = "gemma3:4b";

/// A file that nobody changed for two hours.
fn write_old(file: &Path) -> Result<()> {
    fs::write(file, vec![7; 50_000])?;
    let hours_ago = SystemTime::now() - Duration::from_secs(7200);
    Ok(File::options().write(true).open(file)?.set_modified(hours_ago)?)
}

// criterion: 1.6
// criterion: 3.6
// criterion: 8.4
// criterion: 12.4
#[tokio::test(flavor = "multi_thread")]
async fn a_disk_is_looked_at_cleaned_up_and_a_model_comes_back_from_the_trash() -> Result<()> {
    let store = tempfile::tempdir()?;
    let builder = FakeOllama::builder().folder(store.path());
    let stage = Stage::open(builder, &[LLAMA, QWEN, GEMMA]).await?;
    let blobs = store.path().join("blobs");
    the_map_leads_to_the_clean_up(&stage, &blobs).await?;
    a_delete_is_taken_back(&stage).await?;
    a_deleted_model_comes_back(&stage).await?;
    a_pinned_model_asks_once_more(&stage).await?;
    what_failed_is_tried_again(&stage).await
}

async fn the_map_leads_to_the_clean_up(stage: &Stage, blobs: &Path) -> Result<()> {
    let window = &stage.window;
    let orphan = blobs.join(format!("sha256-{}", "a".repeat(64)));
    let temporary = blobs.join("sha256-123456");
    write_old(&orphan)?;
    write_old(&temporary)?;
    window.click("nav-disk").await?;
    window.find("disk-map").await?;
    window.find("disk-tile-model").await?;
    for part in ["models", "orphans", "other"] {
        window.find(&format!("disk-part-{part}")).await?;
    }
    window.click("disk-tab-models").await?;
    window.text_holds("disk-models", LLAMA).await?;
    // By the keyboard: the line of the blobs leads to what can be done about them.
    let body = "document.querySelector(\"[data-testid='disk-part-orphans']\").focus()";
    window.script(body, Vec::new()).await?;
    window.press(Key::Enter + "").await?;
    window.find("reclaim-items").await?;
    window.find("reclaim-orphan").await?;
    window.click("reclaim-safe").await?;
    window.click("reclaim-clean").await?;
    window.find("dialog-reclaim").await?;
    focused(window, "reclaim-cancel").await?;
    window.press(Key::Escape + "").await?;
    window.gone_from_view("dialog-reclaim").await?;
    ensure!(orphan.exists() && temporary.exists(), "nothing goes before it is confirmed");
    window.click("reclaim-clean").await?;
    window.click("reclaim-confirm").await?;
    window.text_holds("reclaim-result", "removed").await?;
    window.click("reclaim-close").await?;
    window.wait_for("both are gone", async |_| Ok(!orphan.exists() && !temporary.exists())).await?;
    window.gone_from_view("reclaim-orphan").await
}

async fn a_delete_is_taken_back(stage: &Stage) -> Result<()> {
    let (window, models) = (&stage.window, stage.models());
    window.click("nav-models").await?;
    models.choose(QWEN, "delete").await?;
    let delete = Delete::shown(window).await?;
    window.text_holds("delete-trash", "7 days").await?;
    delete.confirm().await?;
    models.lacks(QWEN).await?;
    window.click("toast-undo").await?;
    models.shows(QWEN).await?;
    ensure!(stage.server.requests_to("DELETE", "/api/delete").is_empty(), "nothing was asked");
    Ok(())
}

async fn a_deleted_model_comes_back(stage: &Stage) -> Result<()> {
    let (window, models) = (&stage.window, stage.models());
    window.click("nav-settings").await?;
    window.fill("settings-undoSeconds", "0").await?;
    window.press(Key::Enter + "").await?;
    window.find("settings-undo").await?;
    window.click("nav-models").await?;
    models.choose(QWEN, "delete").await?;
    Delete::shown(window).await?.confirm().await?;
    stage
        .server
        .until("the server deletes it", |server| {
            !server.requests_to("DELETE", "/api/delete").is_empty()
        })
        .await?;
    window.click("nav-disk").await?;
    window.click("disk-tab-trash").await?;
    // The driver's own reading leaves out what may be cut to an ellipsis.
    window
        .wait_for("the trash has it", async |window| {
            Ok(window.shows("trash-items").await?
                && window.text("trash-items").await?.contains(QWEN))
        })
        .await?;
    window.click("trash-restore").await?;
    window.text_holds("toast", "is back").await?;
    window.gone_from_view("trash-restore").await?;
    window.click("nav-models").await?;
    models.shows(QWEN).await
}

async fn a_pinned_model_asks_once_more(stage: &Stage) -> Result<()> {
    let (window, models) = (&stage.window, stage.models());
    models.choose(GEMMA, "pin").await?;
    models.choose(GEMMA, "delete").await?;
    let delete = Delete::shown(window).await?;
    let disabled = window.attribute("delete-confirm", "aria-disabled").await?;
    ensure!(disabled.as_deref() == Some("true"), "a pinned model goes only when it is ticked");
    window.find("delete-pinned-too").await?;
    delete.cancel().await?;
    models.choose(GEMMA, "pin").await
}

async fn what_failed_is_tried_again(stage: &Stage) -> Result<()> {
    let (window, models) = (&stage.window, stage.models());
    stage.server.fault_once("/api/delete", Fault::Status(500, "busy".to_owned()));
    models.tick(LLAMA).await?;
    models.tick(GEMMA).await?;
    window.click("batch-delete").await?;
    Delete::shown(window).await?.confirm().await?;
    let both = "Deleted 1 of 2";
    window.text_holds("toast", both).await?;
    let result = batch_result(window).await?;
    ensure!(says(&result.to_lowercase(), "failed"), "nothing failed: {result}");
    window.click("batch-retry").await?;
    models.lacks(LLAMA).await?;
    models.lacks(GEMMA).await
}
