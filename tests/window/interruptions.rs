//! What comes in between: a reload, a server that goes away, an app that is quit or killed.

use anyhow::{Context, Result, ensure};
use corral_testbed::{
    FakeOllama,
    ollama::{Pace, library},
};

use crate::{pages::Create, stage::Stage};

const NEW: &str = "tinyllama:1.1b";
const HERE: &str = "llama3.2:3b";

/// Bytes of [`NEW`]'s weights.
const WEIGHTS: u64 = 637_699_456;

async fn begin_pull(stage: &Stage) -> Result<()> {
    let create = Create::open(&stage.window).await?;
    create.name(NEW).await?;
    create.submit().await?;
    stage.server.release(WEIGHTS / 2);
    stage.models().reaches(NEW, 49).await
}

async fn end_pull(stage: &Stage) -> Result<()> {
    stage.server.release(WEIGHTS * 2);
    stage.models().status(NEW, "Stopped").await
}

/// How often the log says that the page has painted, and that its process has ended.
fn said(stage: &Stage) -> Result<(usize, usize)> {
    let log = std::fs::read_to_string(stage.file("logs/corral.log"))?;
    let times = |words: &str| log.matches(words).count();
    Ok((times("the page has painted"), times("the process that shows the page has ended")))
}

// criterion: 0.7
#[tokio::test(flavor = "multi_thread")]
async fn a_page_whose_process_is_killed_comes_back() -> Result<()> {
    let stage = Stage::open(FakeOllama::builder(), &[HERE]).await?;
    stage.models().shows(HERE).await?;
    let (painted, _) = said(&stage)?;
    let shows = |process: &&u32| {
        std::fs::read_to_string(format!("/proc/{process}/comm"))
            .is_ok_and(|name| name.starts_with("WebKitWebProc"))
    };
    let processes = stage.window.processes();
    let page = processes.iter().find(shows).context("a process that shows the page")?;
    let ended = std::process::Command::new("kill").args(["-9", &page.to_string()]).status()?;
    ensure!(ended.success(), "{page} was not ended");
    // The driver loses its hold on a page that ends: what is seen is what the page told the app.
    stage
        .window
        .wait_for("the page is there again", async |_| {
            let (now, ended) = said(&stage)?;
            Ok(ended == 1 && now > painted)
        })
        .await
}

// criterion: 0.2
// criterion: 0.3
// criterion: 0.7
#[tokio::test(flavor = "multi_thread")]
async fn a_reload_and_a_dead_server_lose_nothing() -> Result<()> {
    let builder = FakeOllama::builder().pace(Pace::Gated);
    let stage = Stage::open(builder, &[HERE]).await?;
    begin_pull(&stage).await?;

    stage.window.reload().await?;
    stage.models().reaches(NEW, 49).await?;
    ensure!(
        stage.server.requests_to("POST", "/api/pull").len() == 1,
        "a reload does not touch the download"
    );
    end_pull(&stage).await?;

    stage.server.offline(true);
    stage.top().broken().await?;
    stage.models().shows(HERE).await?;
    let selector = format!("[data-testid='row-{HERE}'].models__row--dimmed");
    stage.window.find_css(&selector).await?;
    stage.window.find("status-offline").await?;

    stage.server.offline(false);
    stage.top().well().await?;
    stage.window.gone_from_view("status-offline").await?;
    stage.models().press(HERE, "start").await?;
    stage.models().status(HERE, "Running").await
}

/// The page asks for the rows of last time before its program runs. What it asked for and nobody
/// then needed must not answer a question that is asked later.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_an_early_question_is_not_kept_for_later() -> Result<()> {
    const LATER: &str = "qwen2.5:7b";
    let stage = Stage::open(FakeOllama::builder(), &[HERE]).await?;
    let (window, models) = (&stage.window, stage.models());
    models.search("qwen").await?;
    window.find("models-no-match").await?;
    let note = "return localStorage.getItem('corral.first-rows')";
    let note = window.script(note, Vec::new()).await?;
    ensure!(note.as_str().is_some_and(|note| note.contains("qwen")), "it keeps {note}");
    window.click("filters-clear").await?;
    models.shows(HERE).await?;

    let keep = "localStorage.setItem('corral.first-rows', arguments[0])";
    window.script(keep, vec![note]).await?;
    window.reload().await?;
    models.shows(HERE).await?;
    stage.server.install(library::pick(LATER));
    window.click("sync-button").await?;
    models.shows(LATER).await?;
    models.search("qwen").await?;
    models.are(&[LATER]).await?;

    window.script(keep, vec!["{ spoiled".into()]).await?;
    window.reload().await?;
    models.are(&[LATER]).await
}

// criterion: 0.7
// criterion: 2.4
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_app_goes_on_with_its_download() -> Result<()> {
    let builder = FakeOllama::builder().pace(Pace::Gated);
    let stage = Stage::open(builder, &[HERE]).await?;
    begin_pull(&stage).await?;
    let stage = stage.again(async |window| window.kill().await).await?;
    stage.models().shows(NEW).await?;
    end_pull(&stage).await?;
    stage.models().are(&[HERE, NEW]).await
}
