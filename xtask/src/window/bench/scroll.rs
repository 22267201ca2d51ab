//! How long a frame takes while the list scrolls.

use std::path::Path;

use anyhow::{Context, Result};
use corral_testbed::window::{Launch, Window};
use serde_json::Value;

/// In the page, for five seconds: a step of 120 px each frame, about 160 rows per second, down and
/// up again; answers the milliseconds between frames. A page without a list counts frames only.
const SCROLL: &str = r#"
const done = arguments[arguments.length - 1];
const list = document.querySelector("[role='grid']");
const frames = [];
let last = null, step = 120;
const begin = performance.now();
const frame = now => {
  if (last !== null) frames.push(now - last);
  last = now;
  if (performance.now() - begin > 5000) return done(frames);
  if (list) {
    const before = list.scrollTop;
    list.scrollTop = before + step;
    if (list.scrollTop === before) step = -step;
  }
  requestAnimationFrame(frame);
};
requestAnimationFrame(frame);
"#;

/// Milliseconds between the frames of Corral's window while its list scrolls.
pub(super) async fn frames(window: &Window) -> Result<Vec<f64>> {
    window.click("nav-models").await?;
    window.find_css("[role='row'][data-testid^='row-']").await?;
    // What is there for good is made while scrolling for the first time.
    run(window).await?;
    run(window).await
}

/// The same of a page on which nothing moves: this machine's own limit.
pub(super) async fn floor(bare: &Path) -> Result<Vec<f64>> {
    let folder = tempfile::tempdir()?;
    let window = Window::launch(&Launch::new(bare, folder.path())).await?;
    let frames = run(&window).await?;
    window.quit().await?;
    Ok(frames)
}

async fn run(window: &Window) -> Result<Vec<f64>> {
    let frames = window.session().execute_async(SCROLL, Vec::new()).await?;
    let frames = frames.json().as_array().context("no frames")?;
    Ok(frames.iter().filter_map(Value::as_f64).collect())
}
