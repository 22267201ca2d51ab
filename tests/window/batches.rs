//! Finding models, and doing one thing to several of them.

use anyhow::{Result, ensure};
use corral_testbed::{
    FakeOllama,
    ollama::{Loading, library},
    window::says,
};

use crate::{
    pages::{batch_result, some_report_names},
    stage::Stage,
};

const LLAMA: &str = "llama3.2:3b";
const QWEN: &str = "qwen2.5:7b";
const GEMMA: &str = "gemma3:4b";
const BROKEN: &str = "mistral:7b";

// criterion: 0.4
// criterion: 0.9
// criterion: 1.2
// criterion: 4.1
// criterion: 4.2
// criterion: 12.4
// criterion: 12.5
#[tokio::test(flavor = "multi_thread")]
async fn models_are_found_batched_and_synced() -> Result<()> {
    let stage = Stage::open(FakeOllama::builder(), &[LLAMA, QWEN, GEMMA]).await?;
    sync_tells_what_it_found(&stage).await?;
    search_and_filter(&stage).await?;
    a_batch_with_one_failure(&stage).await
}

/// What another client did stands in the report of whatever found it: the sync that was asked for,
/// or a look by the clock that came before it.
async fn sync_tells_what_it_found(stage: &Stage) -> Result<()> {
    let window = &stage.window;
    // Asking while the sync of the start still runs would only wait for that one.
    window.text_holds("status-synced", "ago").await?;
    stage.server.install(
        library::pick(BROKEN).loading(Loading::Fails(
            "llama-server process has terminated: exit status 1".to_owned(),
        )),
    );
    window.click("sync-button").await?;
    window.text_holds("toast", "synced").await?;
    stage.models().shows(BROKEN).await?;
    some_report_names(window, BROKEN).await?;
    window.click("nav-models").await
}

async fn search_and_filter(stage: &Stage) -> Result<()> {
    let (window, models) = (&stage.window, stage.models());
    models.search("QWEN2").await?;
    models.are(&[QWEN]).await?;
    // A sign of the database's own means itself.
    models.search("%").await?;
    window.find("models-no-match").await?;
    window.click("filters-clear").await?;
    models.shows(LLAMA).await?;

    models.press(GEMMA, "start").await?;
    models.status(GEMMA, "Running").await?;
    window.click("group-running").await?;
    models.are(&[GEMMA]).await?;
    window.click("group-all").await?;
    models.shows(LLAMA).await
}

async fn a_batch_with_one_failure(stage: &Stage) -> Result<()> {
    let (window, models) = (&stage.window, stage.models());
    for name in [LLAMA, GEMMA, BROKEN] {
        models.tick(name).await?;
    }
    window.text_holds("batch-count", "3").await?;
    window.click("batch-start").await?;
    window.find("dialog-batch").await?;
    window.click("batch-confirm").await?;
    models.status(LLAMA, "Running").await?;
    let result = batch_result(window).await?;
    for name in [LLAMA, GEMMA, BROKEN] {
        ensure!(result.contains(name), "{name} is missing in the result: {result}");
    }
    for word in ["done", "skipped", "failed"] {
        ensure!(says(&result.to_lowercase(), word), "nothing {word}: {result}");
    }
    window.find("batch-retry").await?;
    Ok(())
}
