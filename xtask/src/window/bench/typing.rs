//! From a key in the search field to the frame that shows what it found.

use anyhow::{Context, Result};
use corral_testbed::window::Window;

/// What is typed, key by key. Each key but the first of a word leaves only rows that did not show
/// before it, so that an old list cannot be taken for the new one.
const WORDS: usize = 40;

/// In the page: when the key went down, and when a frame with nothing but rows that hold the typed
/// text, and with another count than before, has been painted.
const WATCH: &str = r#"
const input = document.querySelector("[data-testid='models-search']");
const rows = () => [...document.querySelectorAll("[role='row'][data-testid^='row-']")]
  .filter(row => row.offsetParent !== null).map(row => row.dataset.testid.slice(4));
const count = () => document.querySelector("[data-testid='models-count']").innerText;
const found = text => { const all = rows(); return all.length > 0 && all.every(row => row.includes(text)); };
const bench = window.corralBench = { key: null, last: null };
input.addEventListener("keydown", event => {
  if (event.key.length !== 1 || event.ctrlKey) return;
  bench.key = { at: event.timeStamp, text: input.value + event.key, count: count() };
  bench.key.stale = found(bench.key.text);
  bench.last = null;
  const look = () => {
    const key = bench.key;
    if (!found(key.text) || count() === key.count) return requestAnimationFrame(look);
    // Runs after the frame of this callback has been painted.
    const painted = new MessageChannel();
    painted.port1.onmessage = () => { bench.last = [key.stale, performance.now() - key.at]; };
    painted.port2.postMessage(null);
  };
  requestAnimationFrame(look);
}, true);
"#;

/// Milliseconds of every key that changed the list.
pub(super) async fn keys(window: &Window) -> Result<Vec<f64>> {
    window.click("nav-models").await?;
    window.find("models-search").await?;
    window.script(WATCH, Vec::new()).await?;
    let mut samples = Vec::new();
    for word in 0..WORDS {
        // Every server knows all of them: five that share the models have names up to v1999.
        let number = (1037 + 23 * word).to_string();
        window.fill("models-search", "v").await?;
        for key in number.chars() {
            window.press(key.to_string()).await?;
            let (stale, took) = answer(window).await?;
            if !stale {
                samples.push(took);
            }
        }
    }
    window.fill("models-search", "").await?;
    Ok(samples)
}

async fn answer(window: &Window) -> Result<(bool, f64)> {
    let mut seen = None;
    window
        .wait_for("the rows of the last key are painted", async |window| {
            let last = window.script("return window.corralBench.last", Vec::new()).await?;
            seen = last[0].as_bool().zip(last[1].as_f64());
            Ok(seen.is_some())
        })
        .await?;
    seen.context("it was seen a moment ago")
}
