//! Every page for everybody: names for a screen reader, room in a small window, help at hand.

use anyhow::{Result, ensure};
use corral_testbed::{FakeOllama, window::Window};
use serde_json::Value;
use thirtyfour::Key;

use crate::{pages::focused, stage::Stage};

const LLAMA: &str = "llama3.2:3b";

/// Controls without a name, and ids that are there twice.
const NAMELESS: &str = r#"
    const findings = [];
    const seen = new Set();
    for (const element of document.querySelectorAll('[id]')) {
        if (seen.has(element.id)) findings.push('twice: #' + element.id);
        seen.add(element.id);
    }
    const controls = 'button, a[href], input, select, textarea, [role=button], [role=checkbox], '
        + '[role=switch], [role=tab], [role=radio], [role=option], [role=menuitem], [role=combobox], '
        + '[role=slider], [role=grid], [role=dialog], dialog';
    for (const element of document.querySelectorAll(controls)) {
        if (element.closest('[aria-hidden=true]') || element.type === 'hidden') continue;
        const by = (element.getAttribute('aria-labelledby') ?? '').split(' ').filter(Boolean)
            .map(id => document.getElementById(id)?.textContent ?? '').join(' ');
        const label = element.id && document.querySelector(`label[for="${CSS.escape(element.id)}"]`);
        const name = [element.getAttribute('aria-label'), by, label?.textContent,
            element.closest('label')?.textContent,
            element.matches('input, select, textarea, dialog, [role=dialog], [role=grid]')
                ? '' : element.textContent,
            element.getAttribute('title')].find(text => text?.trim());
        if (!name) findings.push('no name: ' + element.outerHTML.slice(0, 160));
    }
    return findings;
"#;

/// What is cut or can only be reached by scrolling the page sideways. What stands in a box of its
/// own that scrolls can be reached.
const CUT: &str = r#"
    const findings = [];
    const root = document.documentElement;
    if (root.scrollWidth > innerWidth + 1) findings.push('the page is ' + root.scrollWidth + ' wide');
    if (root.scrollHeight > innerHeight + 1) findings.push('the page is ' + root.scrollHeight + ' high');
    for (const element of document.querySelectorAll('button, a[href], input, select, textarea')) {
        const place = element.getBoundingClientRect();
        const hidden = element.closest('.visually-hidden, [aria-hidden=true]');
        if (hidden || !place.width || !element.checkVisibility()) continue;
        let box = element.parentElement, reachable = false;
        while (box && !reachable) {
            const style = getComputedStyle(box), edge = box.getBoundingClientRect();
            reachable = ['auto', 'scroll'].includes(style.overflowX)
                || ['auto', 'scroll'].includes(style.overflowY);
            const cuts = style.overflowX === 'hidden' || style.overflowX === 'clip';
            if (!reachable && cuts && (place.right > edge.right + 1 || place.left < edge.left - 1)) {
                findings.push('cut: ' + element.outerHTML.slice(0, 160));
                reachable = true;
            }
            // A sideways scrolling box has to lie inside the window itself.
            if (reachable && (edge.right > innerWidth + 1 || edge.left < -1)) {
                findings.push('outside: ' + element.outerHTML.slice(0, 160));
            }
            box = box.parentElement;
        }
        if (!reachable && (place.right > innerWidth + 1 || place.left < -1)) {
            findings.push('outside: ' + element.outerHTML.slice(0, 160));
        }
    }
    return findings;
"#;

async fn none(window: &Window, body: &str, where_: &str) -> Result<()> {
    // What slides in is where it will be once it has.
    let moves = "return !!document.querySelector('.drawer')?.getAnimations()\
                 .some(each => each.playState === 'running')";
    window
        .wait_for("nothing slides in any more", async |window| {
            Ok(window.script(moves, Vec::new()).await? == false)
        })
        .await?;
    window.painted().await?;
    let found = window.script(body, Vec::new()).await?;
    let found: Vec<String> = found.as_array().into_iter().flatten().map(Value::to_string).collect();
    ensure!(found.is_empty(), "{where_}: {found:#?}");
    Ok(())
}

/// Walks over every page and what opens on it.
async fn walk(stage: &Stage, look: &str, name: &str) -> Result<()> {
    let window = &stage.window;
    window.click("nav-models").await?;
    stage.models().shows(LLAMA).await?;
    none(window, look, &format!("{name}, models")).await?;
    stage.models().tick(LLAMA).await?;
    window.find("batch-count").await?;
    none(window, look, &format!("{name}, models selected")).await?;
    window.press(Key::Escape + "").await?;
    stage.models().choose(LLAMA, "details").await?;
    for tab in ["overview", "run", "template", "history", "log"] {
        window.click_css(&format!("[data-testid='detail'] [data-testid='tab-{tab}']")).await?;
        none(window, look, &format!("{name}, details, {tab}")).await?;
    }
    window.press(Key::Escape + "").await?;
    window.gone_from_view("detail").await?;
    window.click("models-new").await?;
    window.find("dialog-create").await?;
    none(window, look, &format!("{name}, create")).await?;
    window.press(Key::Escape + "").await?;
    window.gone_from_view("dialog-create").await?;
    for page in ["downloads", "instances", "activity", "settings", "help"] {
        window.click(&format!("nav-{page}")).await?;
        window.find(&format!("{page}-page")).await?;
        none(window, look, &format!("{name}, {page}")).await?;
    }
    window.click("nav-activity").await?;
    for tab in ["tasks", "history", "audit", "notices", "syncs"] {
        window.click(&format!("activity-tab-{tab}")).await?;
        none(window, look, &format!("{name}, activity, {tab}")).await?;
    }
    window.click("nav-instances").await?;
    window.click("instance-menu").await?;
    window.click_css(".menu [data-testid='schedule']").await?;
    window.find("schedule-kind").await?;
    none(window, look, &format!("{name}, schedule")).await?;
    window.press(Key::Escape + "").await?;
    window.gone_from_view("dialog-schedule").await?;
    window.click("palette-open").await?;
    window.find("palette-input").await?;
    none(window, look, &format!("{name}, palette")).await?;
    window.press(Key::Escape + "").await?;
    window.gone_from_view("palette").await
}

// criterion: 12.10
#[tokio::test(flavor = "multi_thread")]
async fn every_control_has_a_name_and_nothing_is_cut_in_a_small_window() -> Result<()> {
    let stage = Stage::open(FakeOllama::builder(), &[LLAMA, "qwen2.5:7b"]).await?;
    walk(&stage, NAMELESS, "in English").await?;
    // As much as fits at 80 %, then as little as there may be.
    stage.window.resize(1600, 1120).await?;
    walk(&stage, CUT, "80 %").await?;
    stage.window.resize(800, 600).await?;
    walk(&stage, CUT, "800 px").await?;
    stage.top().language("zh-CN").await?;
    walk(&stage, CUT, "800 px in Chinese").await?;
    walk(&stage, NAMELESS, "in Chinese").await?;
    stage.top().language("en").await?;
    // The smallest window, which is what a screen of 1600×1120 has room for at 200 %.
    stage.window.resize(800, 560).await?;
    walk(&stage, CUT, "200 %").await
}

// criterion: 12.10
#[tokio::test(flavor = "multi_thread")]
async fn help_and_keys_are_at_hand_and_letters_stay_letters_in_a_field() -> Result<()> {
    let stage = Stage::open(FakeOllama::builder(), &[LLAMA]).await?;
    let (window, models) = (&stage.window, stage.models());
    models.shows(LLAMA).await?;
    window.press(Key::F1 + "").await?;
    window.text_holds("help-page", "Where files lie").await?;
    // Whom Corral talks to is said by name.
    window.text_holds("help-hosts", &stage.server.url()).await?;
    window.text_holds("help-hosts", "registry.ollama.ai").await?;
    window.press("?").await?;
    window.text_holds("dialog-shortcuts", "Ctrl K").await?;
    window.press(Key::Escape + "").await?;
    window.gone_from_view("dialog-shortcuts").await?;

    window.click("nav-models").await?;
    window.press("f").await?;
    focused(window, "models-search").await?;
    window.press("nrf?").await?;
    ensure!(!window.shows("dialog-create").await?, "n is a letter here");
    window.find("models-no-match").await?;
    window.click("filters-clear").await?;
    models.shows(LLAMA).await?;
    window.press("n").await?;
    window.find("dialog-create").await?;
    window.press(Key::Escape + "").await?;
    window.gone_from_view("dialog-create").await
}
