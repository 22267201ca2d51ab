//! Whether rows stay in their places while the models of some change.

use anyhow::{Context, Result, ensure};
use corral_testbed::window::Window;

/// Looks at every row in view in every frame for ten seconds; answers how often a place had
/// another row than at first, and how often a row said something else than in the frame before.
const WATCH: &str = r#"
const done = arguments[arguments.length - 1];
const first = new Map(), texts = new Map();
let moved = 0, changed = 0;
const begin = performance.now();
const frame = () => {
  for (const row of document.querySelectorAll("[role='row'][data-testid^='row-']")) {
    if (row.offsetParent === null) continue;
    const place = row.getAttribute("aria-rowindex");
    // The same name may be on several servers.
    const server = /Server \d+/.exec(row.innerText) ?? "";
    const who = `${row.dataset.testid} ${server}`;
    if (!first.has(place)) first.set(place, who);
    else if (first.get(place) !== who) moved += 1;
    const text = row.innerText;
    if (texts.has(place) && texts.get(place) !== text) changed += 1;
    texts.set(place, text);
  }
  if (performance.now() - begin > 10000) return done([first.size, moved, changed]);
  requestAnimationFrame(frame);
};
requestAnimationFrame(frame);
"#;

/// What was seen in ten seconds.
pub(super) struct Seen {
    /// Rows that were found at another place.
    pub(super) moved: f64,
    /// Rows that said something else.
    pub(super) changed: f64,
}

/// Leaves the list alone and looks at it.
///
/// # Errors
/// When there is no list, or nothing in it changes.
pub(super) async fn watch(window: &Window) -> Result<Seen> {
    window.click("nav-models").await?;
    window.find_css("[role='row'][data-testid^='row-']").await?;
    let seen = window.session().execute_async(WATCH, Vec::new()).await?;
    let seen = seen.json();
    let number = |at: usize| seen[at].as_f64().context("a number");
    ensure!(number(0)? > 0.0, "no row was in view");
    let seen = Seen { moved: number(1)?, changed: number(2)? };
    ensure!(seen.changed > 0.0, "nothing changed while it was looked at");
    Ok(seen)
}
