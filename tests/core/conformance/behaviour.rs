//! What no single exchange can show: cancel and resume, sharing, expiry, faults.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use corral_testbed::FakeOllama;
use corral_testbed::ollama::{Fault, Pace, library};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::TcpStream;

use super::exchange::{get, post, posting};
use super::shape;

const PULL: &str = r#"{"model":"qwen2.5:0.5b"}"#;

/// A pull being read line by line; dropping it disconnects.
async fn pull(server: &FakeOllama) -> Result<Lines<BufReader<TcpStream>>> {
    let mut stream = TcpStream::connect(server.address()).await?;
    stream.write_all(posting(server.address(), "/api/pull", PULL).as_bytes()).await?;
    Ok(BufReader::new(stream).lines())
}

/// The next line that tells how much of a blob has arrived.
async fn completed(lines: &mut Lines<BufReader<TcpStream>>, at_least: u64) -> Result<u64> {
    while let Some(line) = lines.next_line().await? {
        let value: Value = serde_json::from_str(&line).unwrap_or_default();
        if let Some(completed) = value["completed"].as_u64().filter(|known| *known >= at_least) {
            return Ok(completed);
        }
    }
    anyhow::bail!("the stream ended before {at_least} bytes")
}

#[tokio::test]
async fn a_dropped_pull_stops_and_resumes_where_it_was() -> Result<()> {
    let server = FakeOllama::builder().pace(Pace::Gated).start().await?;
    let mut first = pull(&server).await?;
    server.release(100_000_000);
    ensure!(completed(&mut first, 100_000_000).await? == 100_000_000);
    drop(first);
    server.until("the download to stop", |control| control.downloads().is_empty()).await?;
    let mut second = pull(&server).await?;
    ensure!(completed(&mut second, 1).await? == 100_000_000);
    Ok(())
}

#[tokio::test]
async fn two_pulls_share_one_download() -> Result<()> {
    let server = FakeOllama::builder().pace(Pace::Gated).start().await?;
    let mut first = pull(&server).await?;
    let mut second = pull(&server).await?;
    let both = |control: &corral_testbed::ollama::Control| {
        control.downloads().first().is_some_and(|download| download.waiters == 2)
    };
    server.until("both pulls to wait", both).await?;
    server.release(50_000_000);
    ensure!(completed(&mut first, 1).await? == completed(&mut second, 1).await?);
    drop(first);
    server.release(400_000_000);
    let mut last = String::new();
    while let Some(line) = second.next_line().await? {
        if line.starts_with('{') {
            last = line;
        }
    }
    ensure!(last == r#"{"status":"success"}"#, "ended with {last}");
    Ok(())
}

#[tokio::test]
async fn a_pull_right_after_a_cancel_may_end_as_recorded() -> Result<()> {
    let server = FakeOllama::builder().pace(Pace::Gated).start().await?;
    server.linger_after_cancel(true);
    let mut first = pull(&server).await?;
    server.release(1_000_000);
    completed(&mut first, 1).await?;
    drop(first);
    server.until("the download to stop", |control| control.downloads().is_empty()).await?;
    let answer = post(server.address(), "/api/pull", PULL).await?;
    let path = "../../tests/fixtures/ollama/pull-right-after-cancel-context-canceled.ndjson";
    let recorded = fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path))?;
    ensure!(shape::of_body(&answer.body) == shape::of_body(&recorded), "{}", answer.body);
    Ok(())
}

#[tokio::test]
async fn a_loaded_model_leaves_when_its_time_is_over() -> Result<()> {
    let server = FakeOllama::builder().models([library::pick("llama3.2:3b")]).start().await?;
    post(server.address(), "/api/generate", r#"{"model":"llama3.2:3b"}"#).await?;
    ensure!(server.loaded() == ["llama3.2:3b"]);
    server.clock().advance(Duration::from_secs(299));
    ensure!(server.loaded().len() == 1);
    server.clock().advance(Duration::from_secs(1));
    ensure!(server.loaded().is_empty());
    Ok(())
}

#[tokio::test]
async fn a_load_shows_only_when_it_is_done() -> Result<()> {
    let server = FakeOllama::builder().models([library::pick("llama3.2:3b")]).start().await?;
    server.hold_loads(true);
    let address = server.address();
    let load =
        tokio::spawn(
            async move { post(address, "/api/generate", r#"{"model":"llama3.2:3b"}"#).await },
        );
    server.until("the load to begin", |control| !control.loading().is_empty()).await?;
    ensure!(get(address, "/api/ps").await?.body == r#"{"models":[]}"#);
    server.hold_loads(false);
    ensure!(load.await??.status == 200);
    ensure!(server.loaded() == ["llama3.2:3b"]);
    Ok(())
}

#[tokio::test]
async fn faults_strike_where_they_are_planned() -> Result<()> {
    let server = FakeOllama::builder().start().await?;
    let address = server.address();
    server.fault_once("/api/tags", Fault::Status(502, "bad gateway".to_owned()));
    ensure!(get(address, "/api/tags").await?.status == 502);
    ensure!(get(address, "/api/tags").await?.status == 200);

    server.fault_once("/api/pull", Fault::ErrorInStream { text: "EOF".to_owned(), at: 0.5 });
    let answer = post(address, "/api/pull", PULL).await?;
    let last = answer.body.lines().last().context("a last line")?;
    ensure!(last == r#"{"error":"EOF"}"#, "ended with {last}");

    server.fault_once("/api/pull", Fault::CloseMidPull { at: 0.5 });
    let answer = post(address, "/api/pull", PULL).await?;
    ensure!(!answer.body.contains("success") && answer.body.contains("completed"));

    server.fault_once("/api/version", Fault::Reset);
    ensure!(get(address, "/api/version").await.is_err());
    server.offline(true);
    ensure!(get(address, "/api/version").await.is_err());
    server.offline(false);
    ensure!(get(address, "/api/version").await?.status == 200);
    Ok(())
}

#[tokio::test]
async fn a_stopped_server_comes_back_on_its_port() -> Result<()> {
    let mut server = FakeOllama::builder().models(library::all()).start().await?;
    let address = server.address();
    server.stop().await;
    ensure!(get(address, "/api/version").await.is_err());
    server.restart_same_port().await?;
    let tags = get(address, "/api/tags").await?;
    let tags: Value = serde_json::from_str(&tags.body)?;
    ensure!(tags["models"].as_array().map(Vec::len) == Some(library::all().len()));
    Ok(())
}
