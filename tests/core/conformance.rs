//! The fake Ollama answers every recorded request as the real server did.

mod behaviour;
mod exchange;
mod lab;
mod shape;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

use exchange::{Answer, Exchange};

fn recordings() -> Result<Vec<(String, String)>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/ollama");
    let mut recordings = Vec::new();
    for entry in fs::read_dir(&folder).context("the folder of recordings")? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "http") {
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            recordings.push((name, fs::read_to_string(&path)?));
        }
    }
    recordings.sort();
    Ok(recordings)
}

#[tokio::test]
async fn every_recorded_request_is_answered_as_recorded() -> Result<()> {
    let recordings = recordings()?;
    ensure!(recordings.len() >= 99, "only {} recordings found", recordings.len());
    let mut wrong = Vec::new();
    for (name, text) in recordings {
        let exchange = Exchange::parse(&text).with_context(|| name.clone())?;
        let server = lab::server(&name).await.with_context(|| name.clone())?;
        let answer = exchange.send(server.address()).await.with_context(|| name.clone())?;
        for difference in differences(&exchange.answer, &answer) {
            wrong.push(format!("{name}: {difference}"));
        }
    }
    ensure!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
    Ok(())
}

fn differences(recorded: &Answer, got: &Answer) -> Vec<String> {
    let mut differences = Vec::new();
    let mut compare = |what: &str, recorded: String, got: String| {
        if recorded != got {
            differences.push(format!("{what}\n  recorded {recorded}\n  got      {got}"));
        }
    };
    compare("status", recorded.status.to_string(), got.status.to_string());
    for header in ["content-type", "location", "allow", "access-control-allow-origin"] {
        let text = |answer: &Answer| answer.header(header).unwrap_or("none").to_owned();
        compare(header, text(recorded), text(got));
    }
    // One recording kept only the beginning of its body; there is no shape to compare.
    if !shape::is_cut(&recorded.body) {
        let shapes = |answer: &Answer| shape::of_body(&answer.body);
        compare("body", shapes(recorded), shapes(got));
    }
    differences
}
