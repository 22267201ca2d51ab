//! Making a model by a Modelfile, importing a file, a second and another name: by clicks and keys.

use anyhow::{Result, ensure};
use corral_testbed::{gguf::Gguf, ollama::FakeOllama};
use thirtyfour::Key;

use crate::stage::Stage;

const BASE: &str = "smollm2:135m";

// criterion: 2.1
#[tokio::test(flavor = "multi_thread")]
async fn models_are_made_named_and_imported() -> Result<()> {
    let stage = Stage::open(FakeOllama::builder(), &[BASE]).await?;
    let (window, models) = (&stage.window, stage.models());

    // By the keyboard: N, the way, the text with proposals, the mistake, the name.
    window.press("n").await?;
    window.find("dialog-create").await?;
    window.click("option-modelfile").await?;
    window.find("dialog-make").await?;
    window.fill("make-name", "terse").await?;
    let text = window.find_css("#make-text").await?;
    text.send_keys(Key::Control + "a").await?;
    text.send_keys("fr").await?;
    window.text_holds("code-list", "FROM").await?;
    window.press(Key::Enter + "").await?;
    window.press("smol").await?;
    window.text_holds("code-list", BASE).await?;
    window.press(Key::Escape + "").await?;
    window.gone_from_view("code-list").await?;
    ensure!(window.shows("dialog-make").await?, "Escape closes the proposals first");
    window.press(Key::Control + " ").await?;
    window.text_holds("code-list", BASE).await?;
    window.press(Key::Tab + "").await?;
    window.press(Key::Enter + "PARAMETER num_ctx many").await?;
    window.text_holds("make-problem-2", "num_ctx").await?;
    ensure!(value(&stage).await?.starts_with("FROM smollm2:135m"), "the proposal was taken");

    // What was written is there again after the dialog was closed.
    window.click("make-cancel").await?;
    window.gone_from_view("dialog-make").await?;
    window.click("models-new").await?;
    window.click("option-modelfile").await?;
    window.text_holds("make-problem-2", "num_ctx").await?;
    window.click("make-problem-2").await?;
    window.press(Key::End + "").await?;
    for _ in 0.."many".len() {
        window.press(Key::Backspace + "").await?;
    }
    window.press("4096").await?;
    window.gone_from_view("make-problem-2").await?;
    window.click("make-submit").await?;
    window.gone_from_view("dialog-make").await?;
    models.status("terse:latest", "Stopped").await?;
    let asked = stage.server.requests_to("POST", "/api/create");
    ensure!(asked[0].body.contains("\"num_ctx\":4096"), "{}", asked[0].body);

    // The Modelfile of a model, and a new one from it with the difference.
    models.choose("terse:latest", "modelfile").await?;
    window.text_holds("export-text", "FROM terse:latest").await?;
    window.click("export-close").await?;
    models.choose("terse:latest", "edit").await?;
    window.find("dialog-make").await?;
    let text = window.find_css("#make-text").await?;
    text.send_keys(Key::Control + Key::End).await?;
    window.press("SYSTEM Be kind.").await?;
    window.click("make-diff-toggle").await?;
    window.text_holds("make-diff", "+ SYSTEM Be kind.").await?;
    window.fill("make-name", BASE).await?;
    window.text_holds("make-replaces", BASE).await?;
    window.fill("make-name", "kind").await?;
    window.click("make-submit").await?;
    models.status("kind:latest", "Stopped").await?;

    // A second name; one that is taken has to be agreed to.
    models.choose("kind:latest", "copy-model").await?;
    window.fill("name-input", "terse").await?;
    window.press(Key::Enter + "").await?;
    window.find("name-overwrite").await?;
    window.fill("name-input", "kinder").await?;
    window.press(Key::Enter + "").await?;
    window.gone_from_view("dialog-name").await?;
    models.status("kinder:latest", "Stopped").await?;

    // Another name, and back.
    models.choose("kinder:latest", "rename").await?;
    window.fill("name-input", "kindest").await?;
    window.click("name-submit").await?;
    models.status("kindest:latest", "Stopped").await?;
    models.lacks("kinder:latest").await?;
    window.click("toast-name-back").await?;
    models.status("kinder:latest", "Stopped").await?;

    // A file of this machine.
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("Tiny-F16.gguf"), Gguf::tiny().bytes())?;
    std::fs::write(folder.path().join("short.gguf"), Gguf::tiny().truncated(64))?;
    window.click("models-new").await?;
    window.click("option-import").await?;
    window.fill("import-path", &folder.path().display().to_string()).await?;
    window.press(Key::Enter + "").await?;
    window.text_holds("import-found", "output.weight").await?;
    window.click("import-tick-Tiny-F16.gguf").await?;
    window.text_holds("import-cost", "Sent to the server").await?;
    window.fill("import-name-Tiny-F16.gguf", "two words").await?;
    window.click("import-submit").await?;
    ensure!(window.shows("dialog-import-files").await?, "a wrong name is not sent");
    window.fill("import-name-Tiny-F16.gguf", "small:f16").await?;
    window.click("import-submit").await?;
    window.gone_from_view("dialog-import-files").await?;
    models.status("small:f16", "Stopped").await?;
    Ok(())
}

async fn value(stage: &Stage) -> Result<String> {
    let body = "return document.querySelector('#make-text').value";
    let value = stage.window.script(body, Vec::new()).await?;
    Ok(value.as_str().unwrap_or_default().to_owned())
}
