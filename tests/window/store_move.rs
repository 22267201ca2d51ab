//! Where the models are: the folder, models that are put elsewhere and come back, and what is set.

use anyhow::{Result, ensure};
use corral_testbed::{FakeOllama, ollama::library};
use thirtyfour::prelude::Key;

use crate::stage::Stage;

async fn opened(stage: &Stage) -> Result<()> {
    stage.window.click("nav-instances").await?;
    stage.window.click("instance-menu").await?;
    stage.window.click_css(".menu [data-testid='storage']").await?;
    stage.window.find("instance-detail").await.map(|_| ())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_is_archived_on_another_drive_and_comes_back() -> Result<()> {
    let yard = tempfile::tempdir()?;
    let (store, attic) = (yard.path().join("models"), yard.path().join("attic"));
    std::fs::create_dir(&attic)?;
    let builder = FakeOllama::builder()
        .folder(&store)
        .models([library::small("kept:latest"), library::small("seldom:latest")]);
    let stage = Stage::open(builder, &[]).await?;
    let window = &stage.window;
    opened(&stage).await?;
    window.text_holds("storage-path", &store.to_string_lossy()).await?;

    window.click("cold-add").await?;
    window.fill("cold-path", &yard.path().join("nowhere").to_string_lossy()).await?;
    window.click("cold-keep").await?;
    window.text_holds("storage-cold", "nowhere").await?;
    window.fill("cold-path", &attic.to_string_lossy()).await?;
    window.click("cold-keep").await?;
    window.find("cold-folder").await?;

    window.click("cold-archive").await?;
    window.find("dialog-archive").await?;
    window.click_css("[data-testid='dialog-archive'] li:nth-child(2) [role='checkbox']").await?;
    window.click("archive-confirm").await?;
    window.find("cold-bring").await?;
    window
        .wait_for("the server has it no more", async |_| {
            Ok(stage.server.store(|store| store.len()) == 1)
        })
        .await?;
    ensure!(attic.join("manifests").is_dir(), "it lies there");

    window.click("cold-bring").await?;
    window.gone_from_view("cold-bring").await?;
    window
        .wait_for("the server has it again", async |_| {
            Ok(stage.server.store(|store| store.len()) == 2)
        })
        .await?;
    // The keyboard leaves it.
    window.find("instance-tab-storage").await?.focus().await?;
    window.press(Key::Escape + "").await?;
    window.gone_from_view("instance-detail").await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_set_for_the_desktop_is_kept() -> Result<()> {
    let stage = Stage::open(FakeOllama::builder(), &["llama3.2:3b"]).await?;
    let window = &stage.window;
    window.click("nav-settings").await?;
    for (switch, before) in
        [("startHidden", "true"), ("stopOllama", "true"), ("restoreRunning", "false")]
    {
        let testid = format!("settings-{switch}");
        let is = async |wanted: &str| {
            window
                .wait_for(&format!("{switch} is {wanted}"), async |window| {
                    Ok(window.attribute(&testid, "aria-checked").await?.as_deref() == Some(wanted))
                })
                .await
        };
        is(before).await?;
        window.click(&testid).await?;
        is(if before == "true" { "false" } else { "true" }).await?;
    }
    window.fill("settings-diskCritical", "49").await?;
    window.press(Key::Enter + "").await?;
    window.text_holds("settings-page", "50").await?;
    let stage = stage.again(async |window| window.quit().await).await?;
    let window = &stage.window;
    window.click("nav-settings").await?;
    let kept = window.attribute("settings-startHidden", "aria-checked").await?;
    ensure!(kept.as_deref() == Some("false"), "it is {kept:?}");
    Ok(())
}
