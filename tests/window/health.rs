//! What a server writes, how it is, and the parts of Corral, as a person looks at them.

use anyhow::{Context, Result, ensure};
use corral_testbed::{FakeOllama, ollama::Fault, window::Window};
use serde_json::json;
use thirtyfour::Key;

use crate::{outside::answers, stage::Stage};

const LLAMA: &str = "llama3.2:3b";

async fn open(stage: &Stage, tab: &str) -> Result<()> {
    stage.window.click("nav-instances").await?;
    stage.window.click("instance-menu").await?;
    stage.window.click_css(&format!(".menu [data-testid='{tab}']")).await?;
    stage.window.find("instance-detail").await.map(|_| ())
}

fn line(n: u32) -> String {
    let (hour, minute, second) = (n / 3600, n / 60 % 60, n % 60);
    format!(
        "time=2026-11-27T{hour:02}:{minute:02}:{second:02}Z level=INFO source=x.go:1 msg=\"line {n}\" size=\"{n} MiB\"\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_is_named_read_searched_and_followed() -> Result<()> {
    let stage = Stage::open(FakeOllama::builder(), &[LLAMA]).await?;
    let window = &stage.window;
    let file = stage.file("server.log");
    let mut text: String = (0..5000).map(line).collect();
    text.push_str("[GIN] 2026/11/27 - 02:00:00 | 500 | 1ms | 127.0.0.1 | POST \"/api/chat\"\n");
    text.push_str("<b>no html</b>\n");
    std::fs::write(&file, &text)?;

    open(&stage, "log").await?;
    window.text_holds("server-log", "Nothing keeps what this server writes").await?;
    window.click_css("[data-testid='server-log'] .empty-state [data-testid='log-file']").await?;
    window.fill("log-file-path", "server.log").await?;
    window.click("log-file-save").await?;
    window.fill("log-file-path", &file.display().to_string()).await?;
    window.click("log-file-save").await?;
    window.gone_from_view("log-file-path").await?;
    window.text_holds("server-log-lines", "<b>no html</b>").await?;
    window.text_holds("server-log-lines", "500 POST /api/chat").await?;

    // It follows, and shows what is added.
    use std::io::Write;
    let mut log = std::fs::File::options().append(true).open(&file)?;
    log.write_all(line(5001).as_bytes())?;
    window.text_holds("server-log-lines", "line 5001").await?;

    // A search finds far away lines, shows the newest and goes from one to the next.
    window.fill("server-log-search", "LINE 123").await?;
    window.press(Key::Enter + "").await?;
    window.text_holds("server-log-hits", "1 of 11").await?;
    window.text_holds("server-log-chosen", "line 1239").await?;
    window.click("server-log-previous").await?;
    window.text_holds("server-log-hits", "2 of 11").await?;
    window.text_holds("server-log-chosen", "line 1238").await?;
    window.text_holds("server-log-chosen", "1238 MiB").await?;
    ensure!(
        window.attribute("server-log-follow", "aria-checked").await?.as_deref() == Some("false"),
        "who looks for something stays there"
    );

    // Only what went wrong.
    let selector = "[data-testid='server-log-level'] option[value='error']";
    window.click_css(selector).await?;
    // By keys the levels between come first, and their lines with them.
    window
        .wait_for("only what went wrong shows", async |window| {
            let shown = window.text("server-log-lines").await?;
            Ok(shown.contains("500 POST") && !shown.contains("line "))
        })
        .await?;
    window.text_holds("server-log-hits", "nothing found").await?;
    window.press(Key::Escape + "").await?;
    window.gone_from_view("instance-detail").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stretch_of_a_log_is_shown_and_kept_as_a_file() -> Result<()> {
    let stage = Stage::open(FakeOllama::builder(), &[LLAMA]).await?;
    let window = &stage.window;
    let (file, kept) = (stage.file("server.log"), stage.file("kept.log"));
    let mut text: String = (0..5000).map(line).collect();
    text.push_str("time=2026-11-27T01:23:30Z level=INFO msg=sent token=secret-of-somebody\n");
    std::fs::write(&file, &text)?;
    open(&stage, "log").await?;
    window.click_css("[data-testid='server-log'] .empty-state [data-testid='log-file']").await?;
    window.fill("log-file-path", &file.display().to_string()).await?;
    window.click("log-file-save").await?;
    window.text_holds("server-log-lines", "line 4999").await?;

    // From one moment on: it stays there, and does not jump to the end.
    moment(window, "server-log-from", "2026-11-27T01:00:00Z").await?;
    window.text_holds("server-log-lines", "line 3600").await?;
    ensure!(!window.text("server-log-lines").await?.contains("line 3599"), "from then on");
    ensure!(
        window.attribute("server-log-follow", "aria-checked").await?.as_deref() == Some("false"),
        "who looks at the past stays there"
    );
    // Until another one: a search finds what lies between them, and no more.
    moment(window, "server-log-to", "2026-11-27T01:00:59Z").await?;
    window.fill("server-log-search", "line 36").await?;
    window.press(Key::Enter + "").await?;
    window.text_holds("server-log-hits", "1 of 60").await?;

    // Kept as a file: the system's own question is answered for it.
    let path = json!({ "path": kept.display().to_string() });
    answers(window, "plugin:desktop|choose_save", path).await?;
    window.click("server-log-export").await?;
    let written = async || {
        window
            .wait_for("the file is whole", async |_| {
                let text = std::fs::read_to_string(&kept).unwrap_or_default();
                Ok(text.contains("line 3659"))
            })
            .await?;
        Ok::<_, anyhow::Error>(std::fs::read_to_string(&kept)?)
    };
    let some = written().await?;
    ensure!(some.lines().count() == 60, "{} lines", some.lines().count());
    ensure!(some.lines().all(|line| line.contains("line 36")), "{some}");

    // To the end, without what is nobody's business.
    moment(window, "server-log-to", "").await?;
    std::fs::remove_file(&kept)?;
    window.click("server-log-export").await?;
    let whole = window.wait_for("the file is whole", async |_| {
        let text = std::fs::read_to_string(&kept).unwrap_or_default();
        Ok(text.contains("INFO sent token=\"***\""))
    });
    whole.await?;
    let all = std::fs::read_to_string(&kept)?;
    ensure!(!all.contains("secret-of-somebody"), "a secret is written down");
    Ok(())
}

/// Sets a field for a time as its picker does; empty = no time.
async fn moment(window: &Window, field: &str, at: &str) -> Result<()> {
    let body = "const [id, at] = arguments, field = document.getElementById(id); \
                const time = new Date(at), zone = time.getTimezoneOffset() * 60000; \
                field.value = at ? new Date(time - zone).toISOString().slice(0, 19) : ''; \
                field.dispatchEvent(new Event('change', { bubbles: true }));";
    window.find(field).await?;
    window.script(body, vec![field.into(), at.into()]).await.map(drop)
}

// criterion: 9.1
// criterion: 11.6
#[tokio::test(flavor = "multi_thread")]
async fn the_health_of_a_server_and_of_corral_is_seen() -> Result<()> {
    let mut stage = Stage::open(FakeOllama::builder(), &[LLAMA]).await?;
    open(&stage, "health").await?;
    {
        let window = &stage.window;
        window.click("health-check").await?;
        for level in ["tcp", "http", "version", "tags"] {
            let name = format!("level-{level}-ok");
            window.find(&name).await.with_context(|| name.clone())?;
        }
        window.find("level-inference-notAsked").await?;
        window.text_holds("health-figures", "100 %").await?;
        window.fill("health-timeout", "99").await?;
        window.click("health-save").await?;
        window.text_holds("health-tab", "Out of the allowed range").await?;
        window.fill("health-timeout", "5").await?;
        window.click("health-save").await?;
        stage.server.fault("/api/tags", Fault::Status(500, "x".to_owned()));
        window.click("health-check").await?;
        window.find("level-tags-failed").await?;
    }
    stage.server.stop().await;
    let window = &stage.window;
    window.click("health-check").await?;
    window.find("level-tcp-failed").await?;
    window.find("level-http-skipped").await?;
    window.text_holds("health-incidents", "Did not answer").await?;
    stage.server.restart_same_port().await?;
    window.text_holds("health-incidents", "lasted").await?;
    stage.top().language("zh-CN").await?;
    window.text_holds("health-tab", "逐级检查").await?;
    window.text_holds("health-incidents", "没有响应").await?;

    // Every part of Corral with its state.
    window.press(Key::Escape + "").await?;
    window.click("nav-help").await?;
    window.find("part-health-ok").await?;
    window.text_holds("help-parts", "全部正常").await
}
