//! A picture of every page and dialog, in both languages and both themes.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use corral_testbed::scenario::{self, Options};
use corral_testbed::window::{Launch, Window};
use serde_json::json;
use thirtyfour::Key;

use crate::scenes::{SCENES, Scene as Shown, Step};

const LANGUAGES: [&str; 2] = ["zh-CN", "en"];
const THEMES: [&str; 2] = ["light", "dark"];

/// Size of the window, and the narrow one that is shown in one language and theme.
const SIZE: (u32, u32) = (1280, 800);
const NARROW: (u32, u32) = (900, 800);

/// How long the failing download may take to give up.
const FAILED: Duration = Duration::from_secs(180);

/// Takes all pictures into a folder.
///
/// # Errors
/// When the app does not open, or pictures are missing in the end; their names are told.
pub(super) async fn take(app: &Path, into: &Path) -> Result<()> {
    fs::create_dir_all(into).with_context(|| format!("cannot create {}", into.display()))?;
    let servers = scenario::demo(Options::default()).await?;
    let data = tempfile::tempdir()?;
    let launch = Launch::new(app, data.path())
        .with("LC_ALL", "zh_CN.UTF-8")
        .with("LANGUAGE", "zh_CN")
        .with("CORRAL_SEED_INSTANCES", servers.seed().to_string())
        .with("CORRAL_SEED_DOWNLOADS", servers.seed_downloads().to_string())
        .with("CORRAL_REGISTRY_MIRRORS", servers.mirrors().to_string());
    let window = Window::launch(&launch).await?;
    window.resize(SIZE.0, SIZE.1).await?;
    // The list has rows: the first sync is over.
    window.find_css(FIRST_ROW).await?;
    // One download has failed for good and said so; that stays until it is dismissed.
    window
        .wait_until("a download has failed", FAILED, async |window| window.shows("toast").await)
        .await?;
    window.screenshot(&into.join("toast.png")).await?;
    window.click("toast-dismiss").await?;
    let mut missing = Vec::new();
    for language in LANGUAGES {
        for theme in THEMES {
            choose(&window, "lang-switch", &format!("lang-{language}"), "lang", language).await?;
            choose(&window, "theme-switch", &format!("theme-{theme}"), "data-theme", theme).await?;
            for scene in SCENES {
                let path = into.join(format!("{}.{language}.{theme}.png", scene.name));
                missing.extend(shoot(&window, scene, &path).await);
            }
        }
    }
    window.resize(NARROW.0, NARROW.1).await?;
    for scene in SCENES.iter().filter(|scene| scene.narrow) {
        let path = into.join(format!("{}.{}px.png", scene.name, NARROW.0));
        missing.extend(shoot(&window, scene, &path).await);
    }
    window.quit().await?;
    if !missing.is_empty() {
        bail!("{} pictures are missing:\n{}", missing.len(), missing.join("\n"));
    }
    Ok(())
}

/// The first row of the model list.
const FIRST_ROW: &str = "[role='row'][data-testid^='row-']";

/// Chooses from one of the menus at the top and waits until the page follows.
async fn choose(
    window: &Window,
    menu: &str,
    item: &str,
    attribute: &str,
    value: &str,
) -> Result<()> {
    let body = "return document.documentElement.getAttribute(arguments[0])";
    let now = async |window: &Window| window.script(body, vec![json!(attribute)]).await;
    if now(window).await? == json!(value) {
        return Ok(());
    }
    window.click(menu).await?;
    window.click(item).await?;
    window
        .wait_for(&format!("{attribute} is {value}"), async |window| {
            Ok(now(window).await? == json!(value))
        })
        .await?;
    // A menu of choices stays open, so that one can look at the others too.
    window.press(Key::Escape + "").await
}

/// Goes to a scene, takes the picture and leaves it as it was entered. Tells how that went and
/// answers what kept the picture from being taken.
async fn shoot(window: &Window, scene: &Shown, path: &Path) -> Option<String> {
    let outcome = picture(window, scene, path).await;
    if outcome.is_err() {
        // What was there instead; without it the message has to do.
        let _ = window.screenshot(&path.with_extension("missing.png")).await;
    }
    // Dialogs, menus and drawers close with Escape. Left alone they would be in the way of every
    // following picture, so this is done whatever came before; the next scene shows if it failed.
    for _ in scene.steps {
        let _ = window.press(Key::Escape + "").await;
    }
    let outcome = outcome.and(walk(window, scene.leave).await);
    match outcome {
        Ok(()) => {
            eprintln!("shots: {}", path.display());
            None
        }
        Err(error) => {
            eprintln!("shots: {} is missing: {error:#}", path.display());
            Some(path.display().to_string())
        }
    }
}

async fn picture(window: &Window, scene: &Shown, path: &Path) -> Result<()> {
    window.click(&format!("nav-{}", scene.page)).await?;
    walk(window, scene.steps).await?;
    // What only turns goes on for ever; what moves in comes to rest.
    let body = "return document.getAnimations().every(each => \
                each.playState !== 'running' \
                || each.effect.getComputedTiming().iterations === Infinity)";
    window
        .wait_for("everything has come to rest", async |window| {
            Ok(window.script(body, Vec::new()).await? == json!(true))
        })
        .await?;
    window.screenshot(path).await
}

async fn walk(window: &Window, steps: &[Step]) -> Result<()> {
    for step in steps {
        match step {
            Step::Click(testid) => window.click(testid).await?,
            Step::ClickCss(selector) => window.click_css(selector).await?,
            Step::Fill(testid, text) => window.fill(testid, text).await?,
            Step::See(testid) => drop(window.find(testid).await?),
            Step::SeeCss(selector) => drop(window.find_css(selector).await?),
            Step::Gone(testid) => window.gone_from_view(testid).await?,
        }
    }
    Ok(())
}
