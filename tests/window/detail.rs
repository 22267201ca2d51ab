//! Everything about one model: by clicks, by keys alone, in both languages, and while its server is
//! away.

use std::{
    fs::{self, File},
    io::Write,
};

use anyhow::{Context, Result, ensure};
use corral_testbed::{
    FakeOllama,
    ollama::{Fault, Loading, library},
    window::Window,
};
use thirtyfour::Key;

use crate::{pages::focused, stage::Stage};

const LLAMA: &str = "llama3.2:3b";
/// It has the same licence and template as [`LLAMA`].
const SMALL: &str = "llama3.2:1b";
const BROKEN: &str = "mistral:7b";

/// What the page says in one language.
struct Words {
    language: &'static str,
    stopped: &'static str,
    running: &'static str,
    shared: &'static str,
    exclusive: &'static str,
    by_you: &'static str,
    offline: &'static str,
    copied: &'static str,
}

const ENGLISH: Words = Words {
    language: "en",
    stopped: "Stopped",
    running: "Running",
    shared: "shared with llama3.2:1b",
    exclusive: "GB exclusive",
    by_you: "by you",
    offline: "The instance is offline; this is a copy of",
    copied: "Copied",
};

const CHINESE: Words = Words {
    language: "zh-CN",
    stopped: "已停止",
    running: "运行中",
    shared: "与 llama3.2:1b 共用",
    exclusive: "独占 2",
    by_you: "由您操作",
    offline: "实例离线，以下是",
    copied: "已复制",
};

async fn tab(window: &Window, key: &str) -> Result<()> {
    window.click_css(&format!("[data-testid='detail'] [data-testid='tab-{key}']")).await
}

/// Waits until the chosen tab shows a text.
async fn says(window: &Window, text: &str) -> Result<()> {
    let body = "return document.querySelector('.detail__body')?.innerText ?? ''";
    window
        .wait_for(&format!("the page of the model says {text:?}"), async |window| {
            let shown = window.script(body, Vec::new()).await?;
            Ok(shown.as_str().is_some_and(|shown| shown.contains(text)))
        })
        .await
}

/// Presses the button that copies in a part of the page.
async fn copy(window: &Window, part: &str, words: &Words) -> Result<()> {
    let button = format!("{part} .icon-button");
    window.click_css(&button).await?;
    window
        .wait_for("it says that it is copied", async |window| {
            let said = window.find_css(&button).await?.attr("aria-label").await?;
            Ok(said.as_deref() == Some(words.copied))
        })
        .await
}

// criterion: 12.7
// criterion: 0.8
// criterion: 1.5
#[tokio::test(flavor = "multi_thread")]
async fn everything_about_a_model_is_shown_and_outlives_its_server() -> Result<()> {
    let store = tempfile::tempdir()?;
    let stage = Stage::open(FakeOllama::builder().folder(store.path()), &[LLAMA, SMALL]).await?;
    for words in [&ENGLISH, &CHINESE] {
        stage.top().language(words.language).await?;
        stage.models().press(LLAMA, "start").await?;
        stage.models().status(LLAMA, words.running).await?;
        stage.models().choose(LLAMA, "details").await?;
        every_tab(&stage, words).await?;
        the_modelfile(&stage).await?;
        its_next_step(&stage, words).await?;
        without_its_server(&stage, words).await?;
        stage.window.click("drawer-close").await?;
        stage.window.gone_from_view("detail").await?;
    }
    what_cannot_be_read(&stage).await
}

async fn every_tab(stage: &Stage, words: &Words) -> Result<()> {
    let window = &stage.window;
    tab(window, "overview").await?;
    for fact in ["3.2B · Q4_K_M · llama", "gguf", "131,072", "3,072", "tools", "GPU", "Desk"] {
        says(window, fact).await?;
    }
    // Layers with those who share them; what is this model's alone stands at its size.
    says(window, words.exclusive).await?;
    for layer in ["model", "template", "license", "params", words.shared] {
        says(window, layer).await?;
    }
    copy(window, ".detail__digest", words).await?;
    tab(window, "run").await?;
    window.find("run-stays").await?;
    window.find("run-start").await?;
    tab(window, "template").await?;
    for text in ["{{- if .System }}", "<|im_start|>", "stop", "PARAMETER stop"] {
        says(window, text).await?;
    }
    copy(window, ".detail__head", words).await?;
    tab(window, "licence").await?;
    says(window, "LLAMA 3.2 COMMUNITY LICENSE AGREEMENT").await?;
    tab(window, "history").await?;
    says(window, words.by_you).await?;
    says(window, &format!("→ {}", words.running)).await?;
    tab(window, "log").await?;
    window.text_holds("task-log", "phase loading").await
}

/// To keep it, and to begin another model with it; both lead back to the page.
async fn the_modelfile(stage: &Stage) -> Result<()> {
    let window = &stage.window;
    tab(window, "template").await?;
    window.click("detail-row-action-modelfile").await?;
    window.text_holds("export-text", &format!("FROM {LLAMA}")).await?;
    focused(window, "export-close").await?;
    window.find("export-save").await?;
    window.press(Key::Escape + "").await?;
    window.gone_from_view("dialog-modelfile").await?;
    window.click("detail-row-action-edit").await?;
    window.find("dialog-make").await?;
    let text = "return document.querySelector('#make-text').value";
    let text = window.script(text, Vec::new()).await?;
    ensure!(text.as_str().is_some_and(|text| text.contains("FROM llama3.2:3b")), "{text}");
    window.click("make-cancel").await?;
    window.gone_from_view("dialog-make").await?;
    ensure!(window.shows("detail").await?, "the page is still there");
    Ok(())
}

/// What is done from here, and by another client, shows here.
async fn its_next_step(stage: &Stage, words: &Words) -> Result<()> {
    let window = &stage.window;
    window.click("detail-action-close").await?;
    window.find("detail-action-start").await?;
    window.text_holds("detail", words.stopped).await?;
    tab(window, "history").await?;
    says(window, &format!("→ {}", words.stopped)).await?;
    window.click("detail-action-start").await?;
    window.find("detail-action-close").await?;
    stage.server.expire_now();
    window.find("detail-action-start").await.map(|_| ())
}

async fn without_its_server(stage: &Stage, words: &Words) -> Result<()> {
    let window = &stage.window;
    stage.server.offline(true);
    stage.top().broken().await?;
    window.text_holds("detail-cached", words.offline).await?;
    let reason = window.attribute("detail-action-start", "title").await?;
    ensure!(reason.is_some_and(|reason| !reason.is_empty()), "the button says why it is off");
    // Opened anew it is the copy as well.
    window.click("drawer-close").await?;
    window.gone_from_view("detail").await?;
    stage.models().choose(LLAMA, "details").await?;
    window.text_holds("detail-cached", words.offline).await?;
    tab(window, "template").await?;
    says(window, "{{- if .System }}").await?;
    tab(window, "licence").await?;
    says(window, "LLAMA 3.2 COMMUNITY LICENSE AGREEMENT").await?;
    stage.server.offline(false);
    stage.top().well().await?;
    window.gone_from_view("detail-cached").await?;
    says(window, "LLAMA 3.2 COMMUNITY LICENSE AGREEMENT").await
}

/// The document's `ErrStructTransform`, with the text that came behind "details".
async fn what_cannot_be_read(stage: &Stage) -> Result<()> {
    let window = &stage.window;
    stage.top().language("en").await?;
    let odd = Fault::Foreign {
        status: 200,
        content_type: "application/json".to_owned(),
        body: "[\"a list\"]".to_owned(),
    };
    stage.server.fault("/api/show", odd);
    stage.models().choose(SMALL, "details").await?;
    window.text_holds("error-card", "STRUCT_TRANSFORM").await?;
    window.click_css("[data-testid='error-card'] summary").await?;
    window.text_holds("error-card", "a list").await?;
    stage.server.heal();
    window.press(Key::Escape + "").await?;
    window.gone_from_view("detail").await
}

/// Presses Tab until the focus is on what a selector matches.
async fn tab_to(window: &Window, selector: &str) -> Result<()> {
    for _ in 0..80 {
        window.press(Key::Tab + "").await?;
        let body = "return !!document.activeElement?.matches(arguments[0])";
        if window.script(body, vec![selector.into()]).await? == true {
            return Ok(());
        }
    }
    anyhow::bail!("the Tab key does not come to {selector}")
}

// criterion: 12.7
#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_a_model_is_read_by_keys_alone() -> Result<()> {
    let stage = Stage::open(FakeOllama::builder(), &[LLAMA]).await?;
    let (window, models) = (&stage.window, stage.models());
    models.shows(LLAMA).await?;
    tab_to(window, "[role='row'][data-place]").await?;
    // Space ticks it, Enter opens it; the row keeps the keyboard for later.
    window.press(Key::Enter + "").await?;
    window.find("detail").await?;
    tab_to(window, "[data-testid='detail'] [role='tab']").await?;
    for key in ["overview", "run", "template", "licence", "history", "log"] {
        focused(window, &format!("tab-{key}")).await?;
        let on = window.attribute(&format!("tab-{key}"), "aria-selected").await?;
        ensure!(on.as_deref() == Some("true"), "{key} is chosen");
        if key == "licence" {
            says(window, "LLAMA 3.2 COMMUNITY").await?;
        }
        window.press(Key::Right + "").await?;
    }
    // Round the end, and back to the template.
    focused(window, "tab-overview").await?;
    window.press(Key::Right + Key::Right).await?;
    focused(window, "tab-template").await?;
    tab_to(window, "[data-testid='detail-row-action-modelfile']").await?;
    window.press(Key::Enter + "").await?;
    window.text_holds("export-text", &format!("FROM {LLAMA}")).await?;
    window.press(Key::Escape + "").await?;
    window.gone_from_view("dialog-modelfile").await?;
    focused(window, "detail-row-action-modelfile").await?;
    window.press(Key::Escape + "").await?;
    window.gone_from_view("detail").await?;
    focused(window, &format!("row-{LLAMA}")).await
}

// criterion: 0.5
// criterion: 7.2
#[tokio::test(flavor = "multi_thread")]
async fn the_log_of_a_model_is_followed_searched_and_sifted() -> Result<()> {
    let stage = Stage::open(FakeOllama::builder(), &[LLAMA]).await?;
    let (window, models) = (&stage.window, stage.models());
    let fails = "llama-server process has terminated: exit status 1".to_owned();
    stage.server.install(library::pick(BROKEN).loading(Loading::Fails(fails)));
    window.click("sync-button").await?;
    models.shows(BROKEN).await?;
    stage.server.hold_loads(true);
    models.press(BROKEN, "start").await?;
    models.choose(BROKEN, "details").await?;
    tab(window, "log").await?;
    window.text_holds("task-log", "phase loading").await?;

    // What is added shows by itself, and the end stays in view.
    let mut file = File::options().append(true).open(newest_log(&stage)?)?;
    for n in 0..400 {
        writeln!(file, "2026-11-27T09:00:00.000Z INFO line {n}")?;
    }
    writeln!(file, "2026-11-27T09:00:01.000Z WARN <b>slow</b>")?;
    let last_in_view = "const box = document.querySelector(\"[data-testid='task-log']\"); \
        const line = [...box.querySelectorAll('.task-log__line')].at(-1); \
        return !!line?.innerText.includes(arguments[0]) \
            && line.getBoundingClientRect().bottom <= box.getBoundingClientRect().bottom + 1";
    window
        .wait_for("the end is in view", async |window| {
            Ok(window.script(last_in_view, vec!["<b>slow</b>".into()]).await? == true)
        })
        .await?;

    // A search goes to the latest hit and from one to the next, round the ends.
    window.fill("task-log-search", "LINE 39").await?;
    window.text_holds("task-log-hits", "11 of 11").await?;
    window.press(Key::Enter + "").await?;
    window.text_holds("task-log-hits", "10 of 11").await?;
    window.click("task-log-next").await?;
    window.click("task-log-next").await?;
    window.text_holds("task-log-hits", "1 of 11").await?;
    let follows = window.attribute("task-log-follow", "aria-checked").await?;
    ensure!(follows.as_deref() == Some("false"), "who looks for something stays there");
    window.fill("task-log-search", "no such text").await?;
    window.text_holds("task-log-hits", "no match").await?;
    window.fill("task-log-search", "").await?;

    // The operation ends; only what went wrong is left when that is asked for.
    stage.server.hold_loads(false);
    models.status(BROKEN, "Failed").await?;
    choose(window, "warn").await?;
    lines_are(window, 2, "slow").await?;
    choose(window, "error").await?;
    lines_are(window, 1, "exit status 1").await?;
    choose(window, "info").await?;
    window.click("task-log-follow").await?;
    window
        .wait_for("the end is in view again", async |window| {
            Ok(window.script(last_in_view, vec!["ERROR".into()]).await? == true)
        })
        .await
}

/// The log of the task that began last.
fn newest_log(stage: &Stage) -> Result<std::path::PathBuf> {
    let entries =
        fs::read_dir(stage.file("logs/tasks"))?.filter_map(|entry| Some(entry.ok()?.path()));
    let number = |path: &std::path::PathBuf| {
        path.file_stem().and_then(|stem| stem.to_str()?.parse::<u64>().ok()).unwrap_or(0)
    };
    entries.max_by_key(number).context("a log")
}

/// Chooses a level by the keyboard, as a list of choices offers it.
async fn choose(window: &Window, level: &str) -> Result<()> {
    window.click_css(&format!("[data-testid='task-log-level'] option[value='{level}']")).await
}

/// Waits until at most so many lines show, one of which holds a text.
async fn lines_are(window: &Window, most: usize, text: &str) -> Result<()> {
    let body = "return [...document.querySelectorAll('.task-log__line')].map(it => it.innerText)";
    window
        .wait_for(&format!("at most {most} lines, with {text:?}"), async |window| {
            let lines: Vec<String> = serde_json::from_value(window.script(body, vec![]).await?)?;
            let holds = lines.iter().any(|line| line.contains(text));
            Ok((1..=most).contains(&lines.len()) && holds)
        })
        .await
}
