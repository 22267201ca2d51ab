//! The registry, its CDN, the bad network and the made-up files keep their promises.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use corral_testbed::chaos::Proxy;
use corral_testbed::content::Content;
use corral_testbed::gguf::Gguf;
use corral_testbed::ollama::{LayerKind, library, sha256};
use corral_testbed::registry::{Access, FakeRegistry, Published, Trouble};
use corral_testbed::{FakeOllama, scenario};
use reqwest::{Client, StatusCode, header};
use serde_json::{Value, json};

use super::exchange::{get, post};

fn client() -> Result<Client> {
    let builder = Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
    Ok(builder.build()?)
}

fn weights() -> Content {
    Content::seeded(7, 300_001)
}

async fn registry() -> Result<(FakeRegistry, Published)> {
    let registry = FakeRegistry::start().await?;
    let layers =
        [(LayerKind::Model, weights()), (LayerKind::Template, Content::of("{{ .Prompt }}"))];
    let published = registry.publish("lab/tiny:latest", &layers, Content::of("{}"));
    Ok((registry, published))
}

/// Where the registry says the weights are.
async fn location(client: &Client, registry: &FakeRegistry) -> Result<String> {
    let url = format!("{}/v2/lab/tiny/blobs/sha256:{}", registry.url(), weights().digest);
    let answer = client.get(url).send().await?;
    ensure!(answer.status() == StatusCode::TEMPORARY_REDIRECT);
    let location = answer.headers().get(header::LOCATION).context("a location")?;
    Ok(location.to_str()?.to_owned())
}

#[tokio::test]
async fn blobs_come_from_the_cdn_in_ranges() -> Result<()> {
    let (registry, published) = registry().await?;
    let client = client()?;
    let manifest = client.get(format!("{}/v2/lab/tiny/manifests/latest", registry.url()));
    let manifest = manifest.send().await?.bytes().await?;
    ensure!(sha256(&manifest) == published.digest);
    let location = location(&client, &registry).await?;
    ensure!(location.starts_with(&registry.cdn_url()));
    let part = client.get(&location).header(header::RANGE, "bytes=100000-").send().await?;
    ensure!(part.status() == StatusCode::PARTIAL_CONTENT);
    let range = part.headers().get(header::CONTENT_RANGE).context("a range")?.to_str()?.to_owned();
    ensure!(range == "bytes 100000-300000/300001", "{range}");
    let end = part.bytes().await?;
    let start = client.get(&location).header(header::RANGE, "bytes=0-99999").send().await?;
    let whole = [start.bytes().await?, end].concat();
    ensure!(sha256(&whole) == weights().digest);
    Ok(())
}

#[tokio::test]
async fn the_script_is_followed_one_request_each() -> Result<()> {
    let (registry, _) = registry().await?;
    let client = client()?;
    let location = location(&client, &registry).await?;
    registry.script([
        Trouble::WrongBytes,
        Trouble::IgnoreRange,
        Trouble::RetryLater { status: 429, seconds: 3 },
        Trouble::ResetAfter(50_000),
        Trouble::CloseAfter(50_000),
        Trouble::None,
    ]);
    let ask = || client.get(&location).header(header::RANGE, "bytes=0-199999").send();
    let wrong = ask().await?.bytes().await?;
    ensure!(wrong.len() == 200_000 && wrong[..] != weights().piece(0, 200_000)[..]);
    let whole = ask().await?;
    ensure!(whole.status() == StatusCode::OK && whole.bytes().await?.len() == 300_001);
    let later = ask().await?;
    ensure!(later.status() == StatusCode::TOO_MANY_REQUESTS);
    ensure!(later.headers().get(header::RETRY_AFTER).is_some_and(|value| value == "3"));
    for _ in 0..2 {
        ensure!(ask().await?.bytes().await.is_err());
    }
    ensure!(ask().await?.bytes().await?[..] == weights().piece(0, 200_000)[..]);
    registry.expire_addresses();
    ensure!(ask().await?.status() == StatusCode::FORBIDDEN);
    Ok(())
}

#[tokio::test]
async fn tokens_open_a_locked_registry() -> Result<()> {
    let (registry, _) = registry().await?;
    registry.access(Access::Token);
    let client = client()?;
    let url = format!("{}/v2/lab/tiny/manifests/latest", registry.url());
    let unsigned = client.get(format!("{}/token", registry.url()));
    let unsigned = unsigned.header(header::AUTHORIZATION, "key:signature").send().await?;
    ensure!(unsigned.status() == StatusCode::UNAUTHORIZED);
    registry.access(Access::Guests);
    let refused = client.get(&url).send().await?;
    ensure!(refused.status() == StatusCode::UNAUTHORIZED);
    let challenge = refused.headers().get(header::WWW_AUTHENTICATE).context("a challenge")?;
    let realm = challenge.to_str()?.split('"').nth(1).context("a realm")?;
    ensure!(realm.contains(&registry.host()));
    let token = client.get(realm).send().await?;
    let token: Value = serde_json::from_slice(&token.bytes().await?)?;
    let token = token["token"].as_str().context("a token")?;
    ensure!(client.get(&url).bearer_auth(token).send().await?.status() == StatusCode::OK);
    Ok(())
}

#[tokio::test]
async fn the_proxy_changes_the_weather_of_open_connections() -> Result<()> {
    let server = FakeOllama::builder().models(library::all()).start().await?;
    let proxy = Proxy::start(server.address()).await?;
    ensure!(get(proxy.address(), "/api/tags").await?.status == 200);
    proxy.weather(|weather| weather.reset_after = Some(100));
    ensure!(get(proxy.address(), "/api/tags").await.is_err());
    proxy.weather(|weather| {
        weather.reset_after = None;
        weather.black_hole = true;
    });
    let address = proxy.address();
    let waiting = tokio::spawn(async move { get(address, "/api/version").await });
    while proxy.connections() < 3 {
        tokio::task::yield_now().await;
    }
    proxy.weather(|weather| weather.refuse = true);
    ensure!(get(address, "/api/version").await.is_err());
    ensure!(!waiting.is_finished());
    waiting.abort();
    Ok(())
}

#[tokio::test]
async fn a_made_file_can_be_uploaded_and_imported() -> Result<()> {
    let server = FakeOllama::builder().start().await?;
    let bytes = Gguf::tiny().bytes();
    ensure!(Gguf::tiny().truncated(10).len() == bytes.len() - 10);
    let digest = format!("sha256:{}", sha256(&bytes));
    let url = format!("{}/api/blobs/{digest}", server.url());
    ensure!(client()?.post(url).body(bytes).send().await?.status() == StatusCode::CREATED);
    let request = json!({"model": "mine", "files": {"tiny.gguf": digest}});
    let answer = post(server.address(), "/api/create", &request.to_string()).await?;
    ensure!(answer.body.trim_end().ends_with(r#"{"status":"success"}"#), "{}", answer.body);
    ensure!(server.store(|store| store.len()) == 1);
    Ok(())
}

#[tokio::test]
async fn a_store_on_disk_holds_what_show_names() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let small = library::pick("all-minilm:22m").weights_size(1000);
    let server = FakeOllama::builder().folder(folder.path()).models([small]).start().await?;
    let answer = post(server.address(), "/api/show", r#"{"model":"all-minilm:22m"}"#).await?;
    let show: Value = serde_json::from_str(&answer.body)?;
    let modelfile = show["modelfile"].as_str().context("a Modelfile")?;
    let from = modelfile.lines().find_map(|line| line.strip_prefix("FROM ")).context("FROM")?;
    ensure!(std::fs::metadata(from)?.len() == 1000);
    server.wipe();
    ensure!(!std::path::Path::new(from).exists());
    Ok(())
}

#[tokio::test]
async fn the_demo_has_a_server_of_every_kind() -> Result<()> {
    let scene = scenario::demo(scenario::Options::default()).await?;
    let described = scene.describe();
    let instances = described["instances"].as_array().context("a list")?;
    for instance in instances {
        let url = instance["url"].as_str().context("a URL")?;
        let request = client()?.get(format!("{url}/api/tags")).timeout(Duration::from_secs(30));
        let answer = request.send().await;
        match instance["kind"].as_str() {
            Some("refusing") => ensure!(answer.is_err_and(|error| error.is_connect())),
            Some("password") => ensure!(answer?.status() == StatusCode::UNAUTHORIZED),
            _ => ensure!(answer?.status() == StatusCode::OK),
        }
    }
    let healthy = scene.server("healthy").context("the healthy server")?;
    ensure!(healthy.store(|store| store.len()) >= 40 && healthy.loaded().len() == 3);
    ensure!(instances.len() == 5);
    Ok(())
}
