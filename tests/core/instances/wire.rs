//! What is sent, and how tolerantly answers are read.

use corral_contract::models::StartOptions;
use corral_core::ollama::{EmbeddingModel, OllamaApi};
use corral_testbed::{
    FakeOllama,
    ollama::{KeepAlive, Model, library},
};
use futures_util::StreamExt;
use serde_json::json;

use super::client;

async fn fake() -> FakeOllama {
    let models = [library::pick("llama3.2:3b"), library::pick("nomic-embed-text:latest")];
    FakeOllama::builder().models(models).utc_offset(-420).start().await.expect("a fake server")
}

#[tokio::test]
async fn lists_are_read_whole() {
    let fake = fake().await;
    let answer = client(&fake.url()).tags().await.expect("a list");
    assert_eq!(answer.models.len(), 2);
    let model = answer.models.iter().find(|model| model.name == "llama3.2:3b").expect("listed");
    assert!(model.size.is_some_and(|size| size > 1_000_000_000));
    assert_eq!(model.digest.as_ref().map(String::len), Some(64));
    assert!(model.modified_at.is_some(), "also with an offset");
    assert_eq!(answer.hash.len(), 64);
    let again = client(&fake.url()).tags().await.expect("a list");
    assert_eq!(again.hash, answer.hash, "nothing changed");
    fake.install(Model::new("new:1b"));
    let changed = client(&fake.url()).tags().await.expect("a list");
    assert_ne!(changed.hash, answer.hash);
}

#[tokio::test]
async fn unknown_and_missing_fields_do_no_harm() {
    let fake = fake().await;
    fake.unknown_fields(true);
    fake.missing_fields(&["size", "details", "digest", "modified_at", "capabilities"]);
    let answer = client(&fake.url()).tags().await.expect("a list");
    assert_eq!(answer.models.len(), 2);
    assert!(answer.models.iter().all(|model| model.size.is_none() && model.digest.is_none()));
}

#[tokio::test]
async fn loads_shows_and_unloads_a_model() {
    let fake = fake().await;
    let client = client(&fake.url());
    let options = StartOptions {
        keep_alive: Some("-1".to_owned()),
        num_ctx: Some(8192),
        ..StartOptions::default()
    };
    client.load("llama3.2:3b", &options, EmbeddingModel::No).await.expect("loaded");
    let sent = fake.requests_to("POST", "/api/generate");
    assert_eq!(
        sent[0].json(),
        json!({"model": "llama3.2:3b", "stream": false, "keep_alive": -1,
               "options": {"num_ctx": 8192}})
    );
    let loaded = client.ps().await.expect("a list");
    assert_eq!(loaded[0].name, "llama3.2:3b");
    assert_eq!(loaded[0].expires_at, None, "for ever");
    assert_eq!(loaded[0].context_length, Some(8192));
    let shown = client.show("llama3.2:3b").await.expect("shown");
    assert!(shown.from_path.is_some_and(|path| path.contains("sha256-")));
    assert!(shown.info.context_length.is_some());
    client.unload("llama3.2:3b", EmbeddingModel::No).await.expect("unloading");
    let sent = fake.requests_to("POST", "/api/generate");
    assert_eq!(sent[1].json(), json!({"model": "llama3.2:3b", "stream": false, "keep_alive": 0}));
}

#[tokio::test]
async fn an_embedding_model_is_loaded_and_unloaded_by_its_own_route() {
    let fake = fake().await;
    let client = client(&fake.url());
    let options = StartOptions { keep_alive: Some("10m".to_owned()), ..StartOptions::default() };
    client.load("nomic-embed-text:latest", &options, EmbeddingModel::Yes).await.expect("loaded");
    client.unload("nomic-embed-text:latest", EmbeddingModel::Yes).await.expect("unloading");
    let sent: Vec<_> =
        fake.requests_to("POST", "/api/embed").iter().map(|sent| sent.json()).collect();
    assert_eq!(
        sent,
        [
            json!({"model": "nomic-embed-text:latest", "input": [], "keep_alive": "10m"}),
            json!({"model": "nomic-embed-text:latest", "input": [], "keep_alive": 0}),
        ]
    );
}

#[tokio::test]
async fn a_finite_keep_alive_has_an_end() {
    let fake = fake().await;
    assert!(fake.external_load("llama3.2:3b", KeepAlive::For(std::time::Duration::from_secs(300))));
    let loaded = client(&fake.url()).ps().await.expect("a list");
    assert!(loaded[0].expires_at.is_some());
}

#[tokio::test]
async fn deleting_what_is_not_there_is_done() {
    let fake = fake().await;
    let client = client(&fake.url());
    client.delete("llama3.2:3b").await.expect("deleted");
    client.delete("llama3.2:3b").await.expect("deleted already");
    let left = client.tags().await.expect("a list").models;
    assert_eq!(left.len(), 1);
}

#[tokio::test]
async fn a_pull_is_followed_to_its_end() {
    let fake = FakeOllama::builder().start().await.expect("a fake server");
    let lines = client(&fake.url()).pull("llama3.2:3b", true).await.expect("a stream");
    let lines: Vec<_> = lines.map(|line| line.expect("a line")).collect().await;
    assert_eq!(lines.first().map(|line| line.status.as_str()), Some("pulling manifest"));
    assert_eq!(lines.last().map(|line| line.status.as_str()), Some("success"));
    let sent = fake.requests_to("POST", "/api/pull");
    assert_eq!(sent[0].json()["insecure"], true);
    assert_eq!(sent[0].json()["stream"], true);
    assert_eq!(sent[0].header("origin"), None);
}

#[tokio::test]
async fn a_path_before_the_api_is_kept() {
    let fake = fake().await;
    let url = format!("{}/ollama/", fake.url());
    client(&url).version().await.expect_err("the fake has no such path");
    assert_eq!(fake.requests()[0].path, "/ollama/api/version");
}
