//! A person who asked the system for less motion.

use anyhow::{Result, ensure};
use corral_testbed::FakeOllama;
use thirtyfour::Key;

use crate::stage::Stage;

const LLAMA: &str = "llama3.2:3b";

/// Writes down, from now on, every animation and transition that takes time.
const WATCH: &str = "window.moved = [];\
    const look = () => {\
        for (const each of document.getAnimations()) {\
            const took = each.effect.getComputedTiming().duration;\
            if (took > 0) moved.push(each.animationName ?? each.transitionProperty);\
        }\
        requestAnimationFrame(look);\
    };\
    look();";

// criterion: 12.10
#[tokio::test(flavor = "multi_thread")]
async fn nothing_moves_when_less_motion_is_wanted() -> Result<()> {
    let stage = Stage::open_still(FakeOllama::builder(), &[LLAMA]).await?;
    let (window, models) = (&stage.window, stage.models());
    let asked = "return matchMedia('(prefers-reduced-motion: reduce)').matches";
    ensure!(window.script(asked, Vec::new()).await? == true, "the page knows what was asked for");
    models.shows(LLAMA).await?;
    window.script(WATCH, Vec::new()).await?;

    // A drawer comes, a switch is turned, work is under way, a message shows.
    models.choose(LLAMA, "details").await?;
    window.click_css("[data-testid='detail'] [data-testid='tab-run']").await?;
    window.click("run-preload").await?;
    window
        .wait_for("the switch is on", async |window| {
            Ok(window.attribute("run-preload", "aria-checked").await?.as_deref() == Some("true"))
        })
        .await?;
    stage.server.hold_loads(true);
    window.click("detail-action-start").await?;
    window.find("detail-action-cancel").await?;
    window.painted().await?;
    stage.server.hold_loads(false);
    models.status(LLAMA, "Running").await?;
    window.find("toast").await?;
    window.painted().await?;
    window.press(Key::Escape + "").await?;
    let moved = window.script("return moved", Vec::new()).await?;
    ensure!(moved == serde_json::json!([]), "these moved: {moved}");
    Ok(())
}
