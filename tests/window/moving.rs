//! Models into a file and out of it, to another server, and as a list of names.

use std::path::Path;

use anyhow::{Result, ensure};
use corral_testbed::{
    Clock, FakeOllama,
    content::Content,
    gguf::Gguf,
    ollama::{Layer, LayerKind, Model, library},
    window::Window,
};
use thirtyfour::Key;

use crate::{pages::focused, stage::Stage};

const LLAMA: &str = "llama3.2:3b";
const MINILM: &str = "all-minilm:22m";

fn model(name: &str, seed: u64) -> Model {
    let mut bytes = Gguf::tiny().bytes();
    bytes.extend(Content::seeded(seed, 2_000_000).piece(0, 2_000_000));
    let mut model = Model::new(name);
    model.weights = Layer::of(LayerKind::Model, bytes);
    model
}

// criterion: 1.4
#[tokio::test(flavor = "multi_thread")]
async fn models_are_exported_imported_copied_and_listed() -> Result<()> {
    let (one, two, files) = (tempfile::tempdir()?, tempfile::tempdir()?, tempfile::tempdir()?);
    let lab = FakeOllama::builder().clock(Clock::system()).folder(two.path());
    let lab = lab.models([library::pick(MINILM)]).start().await?;
    let desk = FakeOllama::builder().folder(one.path());
    let desk = desk.models([model("herd", 1), model("calf", 2)]);
    let stage = Stage::open_with(desk, &[LLAMA], &lab).await?;
    let window = &stage.window;
    for name in ["herd:latest", "calf:latest", MINILM] {
        stage.models().shows(name).await?;
    }
    let file = files.path().join("herd.corral.tar");
    export(&stage, &file).await?;
    import(window, &file, two.path()).await?;
    copy(&stage, two.path()).await?;
    list(window, &files.path().join("list.json")).await
}

async fn export(stage: &Stage, file: &Path) -> Result<()> {
    let window = &stage.window;
    stage.models().choose("herd:latest", "export").await?;
    window.find("dialog-export").await?;
    window.text_holds("moving-weight", "2.2 MB").await?;
    focused(window, "moving-path").await?;
    // What is refused says so at the field, and what was written stays.
    window.press("herd.corral.tar").await?;
    window.press(Key::Enter + "").await?;
    window.text_holds("dialog-export", "full path").await?;
    window.fill("moving-path", &file.to_string_lossy()).await?;
    window.press(Key::Enter + "").await?;
    window.text_holds("moving-result", "done").await?;
    names(window, "moving-items", "herd:latest").await?;
    ensure!(file.is_file(), "the file is there");
    window.press(Key::Escape + "").await?;
    window.gone_from_view("dialog-export").await?;

    stage.models().choose("herd:latest", "export").await?;
    window.find("dialog-export").await?;
    window.fill("moving-path", &file.to_string_lossy()).await?;
    window.click("moving-submit").await?;
    window.text_holds("dialog-export", "already").await?;
    window.click_css("[data-testid='moving-overwrite'] [role='checkbox']").await?;
    window.press(Key::Escape + "").await?;
    window.gone_from_view("dialog-export").await
}

/// A list of models names this one. Names are cut where there is no room.
async fn names(window: &Window, list: &str, name: &str) -> Result<()> {
    let text = window.text(list).await?;
    ensure!(text.contains(name), "{list} names {text} and not {name}");
    Ok(())
}

/// Chooses the second server by keys.
async fn into_lab(window: &Window) -> Result<()> {
    window.find("moving-server").await?.send_keys("Lab").await?;
    let body = "const list = document.querySelector(\"[data-testid='moving-server']\");\
                return list.selectedOptions[0]?.textContent ?? ''";
    window
        .wait_for("Lab is chosen", async |window| {
            Ok(window.script(body, Vec::new()).await? == "Lab")
        })
        .await
}

async fn import(window: &Window, file: &Path, store: &Path) -> Result<()> {
    window.click("models-menu").await?;
    window.click("import-file").await?;
    window.find("dialog-import").await?;
    window.fill("moving-path", &file.with_file_name("nothing").to_string_lossy()).await?;
    window.click("moving-submit").await?;
    window.text_holds("dialog-import", "no such file").await?;
    window.fill("moving-path", &file.to_string_lossy()).await?;
    window.click("moving-submit").await?;
    window.text_holds("moving-preview", "same model is there").await?;
    into_lab(window).await?;
    window.click("moving-submit").await?;
    window.text_holds("moving-preview", "to move").await?;
    window.text_holds("moving-weight", "free").await?;
    window.click("moving-submit").await?;
    window.text_holds("moving-result", "done").await?;
    names(window, "moving-items", "herd:latest").await?;
    let manifest = store.join("manifests/registry.ollama.ai/library/herd/latest");
    ensure!(manifest.is_file(), "the manifest is in the folder of the other server");
    window.click("moving-close").await?;
    window.gone_from_view("dialog-import").await
}

async fn copy(stage: &Stage, store: &Path) -> Result<()> {
    let window = &stage.window;
    stage.models().choose("calf:latest", "copy-to").await?;
    window.find("dialog-copy").await?;
    window.text_holds("moving-preview", "2.2 MB").await?;
    window.click("moving-submit").await?;
    window.text_holds("moving-result", "done").await?;
    ensure!(store.join("manifests/registry.ollama.ai/library/calf/latest").is_file(), "it came");
    window.click("moving-close").await?;
    window.gone_from_view("dialog-copy").await
}

async fn list(window: &Window, file: &Path) -> Result<()> {
    window.click("models-menu").await?;
    window.click("save-list").await?;
    window.find("dialog-save-list").await?;
    window.fill("moving-path", &file.to_string_lossy()).await?;
    window.press(Key::Enter + "").await?;
    window.gone_from_view("dialog-save-list").await?;
    let text = std::fs::read_to_string(file)?;
    ensure!(text.contains("calf:latest") && text.contains(LLAMA), "{text}");
    // The looks at the other server have found what came.
    window.text_holds("models-count", "6").await?;

    window.click("models-menu").await?;
    window.click("restore-list").await?;
    window.find("dialog-restore-list").await?;
    window.fill("moving-path", &file.to_string_lossy()).await?;
    into_lab(window).await?;
    window.click("moving-submit").await?;
    window.text_holds("moving-preview", "will be fetched").await?;
    names(window, "moving-preview", LLAMA).await?;
    window.text_holds("moving-preview", "is there").await?;
    window.click("moving-submit").await?;
    window.text_holds("moving-result", "1 put into the queue").await?;
    window.click("moving-close").await?;
    window.gone_from_view("dialog-restore-list").await
}
