//! The two facts about a server, on its chip and on its card: whether its process runs, and what its
//! API says.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use anyhow::{Result, ensure};
use corral_testbed::{
    Clock, FakeOllama,
    archive::program,
    ollama::{Fault, library},
    serve::{Behaviour, FILE},
    tls::TlsFront,
    window::{Launch, Window},
};
use serde_json::{Value, json};
use thirtyfour::Key;

use crate::outside::alone;

/// A process as that of a server, which never listens itself.
struct Process(Child);

impl Process {
    fn start(folder: &Path, host: &str) -> Result<Process> {
        let file = folder.join("ollama");
        // A second name where that is possible: a file that was just written may still be open in
        // a process that somebody else is starting, and does not run then.
        let program = program()?;
        std::fs::hard_link(&program, &file)
            .or_else(|_| std::fs::copy(&program, &file).map(|_| ()))?;
        let hangs = Behaviour { hangs: true, ..Behaviour::version("0.33.0") };
        std::fs::write(folder.join(FILE), serde_json::to_vec(&hangs)?)?;
        let child = Command::new(file)
            .arg("serve")
            .env("OLLAMA_HOST", host)
            .env("OLLAMA_MODELS", folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Process(child))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Gone already is what is wanted.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Looks now, and waits until both facts are these: on the card in words, on the chip by their dots.
async fn facts(window: &Window, name: &str, words: &[&str], dots: [&str; 2]) -> Result<()> {
    let card = format!("instance-card-{name}");
    window.click_css(&format!("[data-testid='{card}'] [data-testid='instance-probe']")).await?;
    for word in words {
        window.text_holds(&card, word).await?;
    }
    let body = "return [...document.querySelectorAll(\"[data-testid='instance-chip'] .dot\")]\
                .map((dot) => dot.className)";
    window
        .wait_for(&format!("the chip shows {dots:?}"), async |window| {
            Ok(window.script(body, Vec::new()).await? == json!(dots))
        })
        .await
}

fn launch(folder: &Path, seeds: &Value) -> Launch {
    Launch::new(PathBuf::from(env!("CARGO_BIN_EXE_corral")), folder)
        .with("CORRAL_SEED_INSTANCES", seeds.to_string())
        .with("CORRAL_REGISTRY_MIRRORS", r#"{"registry.ollama.ai":["http://127.0.0.1:9"]}"#)
        .spoken()
}

// criterion: 0.2
#[tokio::test(flavor = "multi_thread")]
async fn process_and_api_are_two_facts_and_each_trouble_has_its_word() -> Result<()> {
    let _alone = alone().await;
    let (folder, place) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let server = FakeOllama::builder()
        .clock(Clock::system())
        .models([library::pick("llama3.2:3b")])
        .start()
        .await?;
    let front = TlsFront::start(server.address(), &["localhost"]).await?;
    let seeds = json!([
        { "name": "Desk", "url": server.url() },
        { "name": "Sealed", "url": format!("https://127.0.0.1:{}", front.port()) },
    ]);
    let process = Process::start(place.path(), &server.address().to_string())?;
    let window = Window::launch(&launch(folder.path(), &seeds)).await?;
    window.click("instance-chip").await?;
    window.click_css(".menu [data-testid='instance-1']").await?;
    if window.script("return !!document.querySelector('.menu')", Vec::new()).await? == true {
        window.press(Key::Escape + "").await?;
    }
    window
        .wait_for("the chip is about it", async |window| {
            Ok(window.text("instance-chip").await?.contains("Desk"))
        })
        .await?;
    window.click("nav-instances").await?;

    let (ok, bad, warn, off) = ("dot", "dot dot--bad", "dot dot--warn", "dot dot--off");
    facts(&window, "Desk", &["service running", "API 0.33.0"], [ok, ok]).await?;
    // Its latency is told, and its picture drawn.
    window.text_holds("instance-card-Desk", " ms").await?;
    // The process is there and nobody answers.
    server.offline(true);
    facts(&window, "Desk", &["service running", "API no answer"], [ok, bad]).await?;
    server.offline(false);
    for (fault, word) in [
        (Fault::Html, "This is not Ollama"),
        (Fault::Status(500, "x".to_owned()), "Ollama reported an internal error"),
        (
            Fault::Foreign {
                status: 401,
                content_type: "text/html".to_owned(),
                body: "<h1>Sign in</h1>".to_owned(),
            },
            "Access refused",
        ),
        (
            Fault::Foreign {
                status: 403,
                content_type: "text/html".to_owned(),
                body: "<h1>Forbidden</h1>".to_owned(),
            },
            "Access refused",
        ),
    ] {
        server.fault("/api/version", fault);
        server.fault("/", Fault::Html);
        facts(&window, "Desk", &["service running", "API no answer", word], [ok, bad]).await?;
        server.heal();
    }
    server.version("0.1.30");
    let old = ["service running", "API 0.1.30", "Ollama is too old"];
    facts(&window, "Desk", &old, [ok, warn]).await?;
    server.version("0.33.0");
    // It answers, and its process is not to be seen: a container, somebody else's.
    drop(process);
    facts(&window, "Desk", &["service unknown", "API 0.33.0"], [off, ok]).await?;
    // Nor does it answer now.
    server.offline(true);
    facts(&window, "Desk", &["service unknown", "API no answer"], [off, bad]).await?;
    // One that nobody vouches for.
    window.text_holds("instance-card-Sealed", "No secure connection").await?;
    ensure!(!window.text("instance-card-Sealed").await?.contains("API 0.33.0"));
    window.quit().await
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_that_want_the_same_are_named_on_the_card() -> Result<()> {
    let _alone = alone().await;
    let (folder, one, other) = (tempfile::tempdir()?, tempfile::tempdir()?, tempfile::tempdir()?);
    let server = FakeOllama::builder().clock(Clock::system()).start().await?;
    let seeds = json!([{ "name": "Desk", "url": server.url() }]);
    let host = server.address().to_string();
    let _process = Process::start(one.path(), &host)?;
    let window = Window::launch(&launch(folder.path(), &seeds)).await?;
    window.click("nav-instances").await?;
    let card = "instance-card-Desk";
    window.text_holds(card, "service running").await?;
    ensure!(!window.text(card).await?.contains("Another server"), "it is the only one");
    let rival = Process::start(other.path(), &host)?;
    window.click("instance-probe").await?;
    window.text_holds(card, "Another server wants the same address").await?;
    window.text_holds(card, &format!("process {}", rival.0.id())).await?;
    drop(rival);
    window.click("instance-probe").await?;
    window
        .wait_for("it is the only one again", async |window| {
            Ok(!window.text(card).await?.contains("Another server"))
        })
        .await?;
    window.quit().await
}
