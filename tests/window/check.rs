//! What a person is told before a download, and the download that Corral moves itself.

use anyhow::{Result, ensure};
use corral_testbed::{
    FakeOllama, FakeRegistry,
    content::Content,
    gguf::Gguf,
    ollama::{LayerKind, Model},
};

use crate::{pages::Create, stage::Stage};

const HERE: &str = "llama3.2:3b";
const NEW: &str = "herd:latest";

// criterion: 2.1
// criterion: 2.2
// criterion: 12.2
#[tokio::test(flavor = "multi_thread")]
async fn the_dialog_says_what_a_download_takes_and_the_download_arrives() -> Result<()> {
    let registry = FakeRegistry::start().await?;
    let mut weights = Gguf::tiny().bytes();
    weights.resize(30_000_000, 1);
    let weights = Content::of(weights);
    let config = Content::of(r#"{"model_type":"3.2B","file_type":"Q4_K_M"}"#);
    let license = Content::of("THE HERD LICENCE");
    let layers = [(LayerKind::Model, weights.clone()), (LayerKind::License, license.clone())];
    registry.publish("library/herd:latest", &layers, config.clone());
    let mut model = Model::new("herd");
    model.weights = weights.layer(LayerKind::Model);
    model.other_layers = Some(vec![license.layer(LayerKind::License)]);
    model.config = Some(config.layer(LayerKind::Config));
    let store = tempfile::tempdir()?;
    let builder = FakeOllama::builder().folder(store.path());
    let stage = Stage::open_beside(&registry, builder, &[HERE]).await?;
    stage.server.catalogue(|catalogue| catalogue.add(model));
    let window = &stage.window;

    let create = Create::open(window).await?;
    create.name("no-such-model").await?;
    window.text_holds("check-refusal", "no-such-model").await?;
    window.text_holds("create-submit", "all the same").await?;

    create.name("herd").await?;
    window.text_holds("check-facts", "30 MB to fetch").await?;
    for told in ["Q4_K_M", "3.2B", "THE HERD LICENCE", "free", "2,048 tokens"] {
        window.text_holds("check-facts", told).await?;
    }
    ensure!(stage.server.requests_to("POST", "/api/pull").is_empty(), "nothing moved yet");
    create.submit().await?;
    stage.models().status(NEW, "Stopped").await?;
    let blob = store.path().join("blobs").join(format!("sha256-{}", weights.digest));
    ensure!(std::fs::metadata(blob)?.len() == weights.size, "the blob is in the store");
    Ok(())
}
