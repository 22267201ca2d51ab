//! What comes from outside the page: files that are dropped onto the window, and the system's own
//! questions for a file.

use std::fs;

use anyhow::{Context, Result, ensure};
use corral_testbed::{FakeOllama, gguf::Gguf, window::Hand};

use crate::stage::Stage;

const LLAMA: &str = "llama3.2:3b";

// criterion: 2.1
#[tokio::test(flavor = "multi_thread")]
async fn a_model_file_is_dropped_onto_the_window_and_imported() -> Result<()> {
    let stage = Stage::open(FakeOllama::builder(), &[LLAMA]).await?;
    let (window, models) = (&stage.window, stage.models());
    let file = stage.file("Tiny-F16.gguf");
    fs::write(&file, Gguf::tiny().bytes())?;
    models.shows(LLAMA).await?;
    // From another page as well: the drop leads to where it belongs.
    window.click("nav-help").await?;
    window.find("help-page").await?;
    let hand = Hand::of(window.desktop())?;
    let app = hand.windows()?.pop().context("the window of the app")?;
    hand.drop_files(app, &[&file]).await?;
    window.find("dialog-import-files").await?;
    // One alone is chosen already.
    window.fill("import-name-Tiny-F16.gguf", "dropped:f16").await?;
    window.click("import-submit").await?;
    window.gone_from_view("dialog-import-files").await?;
    models.status("dropped:f16", "Stopped").await
}

// criterion: 12.7
#[tokio::test(flavor = "multi_thread")]
async fn a_modelfile_is_kept_where_the_systems_own_dialog_is_told() -> Result<()> {
    let stage = Stage::open(FakeOllama::builder(), &[LLAMA]).await?;
    let (window, models) = (&stage.window, stage.models());
    let hand = Hand::of(window.desktop())?;
    models.choose(LLAMA, "modelfile").await?;
    window.text_holds("export-text", "FROM llama3.2:3b").await?;
    let shown = window.text("export-text").await?;

    // Gone back from, nothing is written and the dialog is as it was.
    let before = hand.windows()?;
    window.click("export-save").await?;
    let dialog = hand.new_window(&before).await?;
    hand.focus(dialog).await?;
    hand.escape()?;
    hand.gone(dialog).await?;
    ensure!(window.shows("export-text").await?, "the Modelfile is still there");

    let file = stage.file("kept.Modelfile");
    window.click("export-save").await?;
    let dialog = hand.new_window(&before).await?;
    hand.focus(dialog).await?;
    hand.answer(file.to_str().context("a path")?)?;
    window.text_holds("toast", "kept.Modelfile").await?;
    ensure!(fs::read_to_string(&file)?.trim() == shown.trim(), "it is what was shown");
    Ok(())
}
