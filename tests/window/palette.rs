//! The command palette, by keys alone, in both languages.

use anyhow::{Result, ensure};
use corral_testbed::FakeOllama;
use thirtyfour::Key;

use crate::{pages::focused, stage::Stage};

const LLAMA: &str = "llama3.2:3b";
const QWEN: &str = "qwen2.5:7b";
const CODER: &str = "qwen2.5-coder:14b";

async fn open(stage: &Stage, question: &str) -> Result<()> {
    let window = &stage.window;
    window.press(Key::Control + "k").await?;
    window.find("palette").await?;
    focused(window, "palette-input").await?;
    // The driver refuses to type nothing.
    if question.is_empty() { Ok(()) } else { window.press(question).await }
}

/// Waits until the line that Enter takes is this one.
async fn first(stage: &Stage, line: &str) -> Result<()> {
    let body = "const id = document.querySelector('.palette__input')\
                ?.getAttribute('aria-activedescendant'); \
                return (id && document.getElementById(id)?.dataset.testid) ?? ''";
    stage
        .window
        .wait_for(&format!("{line} is the first line"), async |window| {
            Ok(window.script(body, Vec::new()).await? == format!("palette-{line}"))
        })
        .await
}

async fn take(stage: &Stage) -> Result<()> {
    stage.window.press(Key::Enter + "").await?;
    stage.window.gone_from_view("palette").await
}

// criterion: 12.10
// criterion: 0.1
#[tokio::test(flavor = "multi_thread")]
async fn everything_is_found_and_done_by_keys_in_both_languages() -> Result<()> {
    let stage = Stage::open(FakeOllama::builder(), &[LLAMA, QWEN, CODER]).await?;
    let (window, models) = (&stage.window, stage.models());
    models.shows(LLAMA).await?;

    // An action and a model; then the same in Chinese by the first letters.
    open(&stage, "start coder").await?;
    first(&stage, &format!("start-{CODER}")).await?;
    take(&stage).await?;
    models.status(CODER, "Running").await?;
    stage.top().language("zh-CN").await?;
    models.status(CODER, "运行中").await?;
    open(&stage, "tz coder").await?;
    first(&stage, &format!("close-{CODER}")).await?;
    take(&stage).await?;
    models.status(CODER, "已停止").await?;

    // A page by its pinyin, by its initials, and by the word of the other language.
    for (question, page) in
        [("xiazai", "downloads"), ("hd", "activity"), ("instances", "instances")]
    {
        open(&stage, question).await?;
        first(&stage, page).await?;
        take(&stage).await?;
        window.find(&format!("{page}-page")).await?;
    }
    stage.top().language("en").await?;

    // A single setting: the page opens and the control has the focus.
    open(&stage, "take a delete back").await?;
    first(&stage, "undoSeconds").await?;
    take(&stage).await?;
    window
        .wait_for("the setting has the focus", async |window| {
            Ok(focused(window, "settings-undoSeconds").await.is_ok())
        })
        .await?;

    // A model opens its details; arrows choose among the lines; Escape leaves everything alone.
    open(&stage, "qwen2.5:7").await?;
    first(&stage, &format!("model-{QWEN}")).await?;
    take(&stage).await?;
    window.text_holds("detail", "qwen2.5").await?;
    window.press(Key::Escape + "").await?;
    window.gone_from_view("detail").await?;
    open(&stage, "xyzzy").await?;
    window.text_holds("palette", "Nothing fits").await?;
    window.press(Key::Escape + "").await?;
    window.gone_from_view("palette").await?;

    // The selected rows come first.
    for name in [LLAMA, QWEN] {
        models.tick(name).await?;
    }
    open(&stage, "").await?;
    first(&stage, "selected-start").await?;
    window.press(Key::Down + "").await?;
    first(&stage, "selected-recreate").await?;
    window.press(Key::Up + "").await?;
    take(&stage).await?;
    window.find("dialog-batch").await?;
    focused(window, "batch-cancel").await?;
    window.click("batch-confirm").await?;
    models.status(LLAMA, "Running").await?;
    models.status(QWEN, "Running").await?;

    // Everything out of the memory, after a question that names what runs.
    open(&stage, "stop all").await?;
    first(&stage, "stopAll").await?;
    take(&stage).await?;
    window.text_holds("dialog-stop-all", LLAMA).await?;
    focused(window, "stop-all-keep").await?;
    window.click("stop-all-confirm").await?;
    models.status(LLAMA, "Stopped").await?;
    models.status(QWEN, "Stopped").await?;
    ensure!(stage.server.loaded().is_empty(), "nothing is in memory");
    Ok(())
}
