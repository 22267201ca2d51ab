//! From a computer without Ollama to a loaded model, and on: set up, moved, updated, crashed, gone
//! back, stopped and removed. Once with the test bed's own program in a release; once with the real
//! one, where there is one.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use corral_testbed::{
    FakeOllama, FakeRegistry,
    archive::{self, Packing, of_real, pack, program_path, says_to_be, version_of},
    content::Content,
    gguf::Gguf,
    ollama::{LayerKind, library},
    releases::FakeReleases,
    serve::Behaviour,
    window::{Launch, Window, word},
};
use serde_json::json;

use crate::{
    life::{Life, Release, Source},
    outside::{Servers, alone},
};

const MODEL: &str = "qwen3:0.6b";

fn version(version: &str) -> Behaviour {
    Behaviour { offers: Some(MODEL.to_owned()), ..Behaviour::version(version) }
}

fn launch(folder: &Path, site: &FakeReleases, registry: &FakeRegistry) -> Launch {
    let mirrors = json!({ "registry.ollama.ai": [registry.url()] }).to_string();
    Launch::new(PathBuf::from(env!("CARGO_BIN_EXE_corral")), folder)
        .with("CORRAL_RELEASES", site.downloads())
        .with("CORRAL_REGISTRY_MIRRORS", mirrors)
        .spoken()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_computer_without_ollama_gets_one_and_keeps_it_well() -> Result<()> {
    let _alone = alone().await;
    let (folder, yard) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let _servers = Servers::of(folder.path());
    let site = FakeReleases::start().await?;
    site.publish(&version("0.40.0"))?;
    let registry = FakeRegistry::start().await?;
    registry.announce(&library::small(MODEL));
    let window = Window::launch(&launch(folder.path(), &site, &registry)).await?;
    let second = version("0.41.0");
    let life = Life {
        window: &window,
        site: &site,
        first: "0.40.0",
        second: Release { archive: archive::release(&second)?, version: second.version },
        model: MODEL,
        source: Source::Button,
        data: folder.path(),
        elsewhere: yard.path().join("models on another shelf"),
    };
    life.lead().await?;
    window.quit().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_with_a_release_of_the_real_server() -> Result<()> {
    let Some(program) = std::env::var_os("CORRAL_OLLAMA").map(PathBuf::from) else {
        println!("skipped: CORRAL_OLLAMA is not set");
        return Ok(());
    };
    let _alone = alone().await;
    let (folder, yard) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let _servers = Servers::of(folder.path());
    let first = version_of(&program)?;
    let next = following(&first).context("a version that comes after it")?;
    let mut entries = of_real(&program)?;
    let site = FakeReleases::start().await?;
    site.publish_bytes(&first, pack(Packing::usual(), &entries)?);
    for entry in &mut entries {
        if let archive::Entry::File(name, _, bytes) = entry
            && name == program_path()
        {
            *bytes = says_to_be(std::mem::take(bytes), &first, &next)?;
        }
    }
    let second = Release { archive: pack(Packing::usual(), &entries)?, version: next };
    drop(entries);

    let registry = FakeRegistry::start().await?;
    let config = json!({
        "model_format": "gguf", "model_family": "llama", "model_families": ["llama"],
        "model_type": "1M", "file_type": "F16", "architecture": "amd64", "os": "linux",
    });
    let layers = [
        (LayerKind::Model, Content::of(Gguf::spelling().bytes())),
        (LayerKind::Template, Content::of(b"{{ .Prompt }}".to_vec())),
    ];
    registry.publish("lab/small:latest", &layers, Content::of(config.to_string().into_bytes()));
    let model = format!("{}/lab/small:latest", registry.host());
    let launch = launch(folder.path(), &site, &registry)
        // Its keys and its history are not this user's.
        .with("HOME", folder.path().to_string_lossy())
        .with("OLLAMA_NO_CLOUD", "1");
    let window = Window::launch(&launch).await?;
    let life = Life {
        window: &window,
        site: &site,
        first: &first,
        second,
        model: &model,
        source: Source::Name,
        data: folder.path(),
        elsewhere: yard.path().join("models on another shelf"),
    };
    life.lead().await?;
    window.quit().await
}

#[tokio::test(flavor = "multi_thread")]
async fn beside_another_server_it_shows_how_far_it_is_where_it_was_begun() -> Result<()> {
    let _alone = alone().await;
    let folder = tempfile::tempdir()?;
    let _servers = Servers::of(folder.path());
    let file = folder.path().join("go on");
    let site = FakeReleases::start().await?;
    site.publish(&Behaviour { waits_for: Some(file.clone()), ..version("0.40.0") })?;
    let registry = FakeRegistry::start().await?;
    let other = FakeOllama::builder().start().await?;
    let seeds = json!([{ "name": "Desk", "url": other.url() }]).to_string();
    let launch = launch(folder.path(), &site, &registry).with("CORRAL_SEED_INSTANCES", seeds);
    let window = Window::launch(&launch).await?;
    window.click("nav-instances").await?;
    window.find("instance-card-Desk").await?;
    window.click("instance-install").await?;
    window.find("dialog-install").await?;
    // What cannot be is said at its field, and everything else stays as it was written.
    window.fill("install-version", "0.40.0").await?;
    window.fill("install-port", "99999").await?;
    window.click("install-go").await?;
    window
        .wait_for("the field says what is wrong with it", async |window| {
            let note = "return document.getElementById('install-port-note').innerText";
            Ok(window.script(note, Vec::new()).await? != "")
        })
        .await?;
    let kept = window.find("install-version").await?.prop("value").await?;
    ensure!(kept.as_deref() == Some("0.40.0"), "{kept:?}");
    window.fill("install-port", "").await?;
    window.click("install-go").await?;
    window.gone_from_view("dialog-install").await?;
    window.text_holds("install-panel", "Install Ollama").await?;
    window.text_holds("install-panel", "starting").await?;
    ensure!(!window.shows("instance-install").await?, "there is one");
    ensure!(
        !window.text("install-panel").await?.contains(" of "),
        "nobody knows how much there is of that"
    );
    std::fs::write(&file, "")?;
    let card = format!("instance-card-{}", word("This computer"));
    window.text_holds(&card, "API 0.40.0").await?;
    window.gone_from_view("install-panel").await?;
    window.quit().await
}

/// The version with one more at its end, as long as the one before.
fn following(version: &str) -> Option<String> {
    let (rest, last) = version.rsplit_once('.')?;
    let next = format!("{rest}.{}", last.parse::<u32>().ok()? + 1);
    (next.len() == version.len()).then_some(next)
}
