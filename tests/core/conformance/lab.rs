//! The server of the recordings, put into the situation that each of them met.

use anyhow::{Context, Result};
use corral_testbed::FakeOllama;
use corral_testbed::ollama::{
    Blob, Catalogue, Host, KeepAlive, Layer, LayerKind, Loading, Machine, Model, Name, Pace,
    Pullable,
};
use serde_json::{Map, Value, json};

use super::exchange::post;

const REGISTRY: &str = "127.0.0.1:5900";
const TINY1: &str = "127.0.0.1:5900/lab/tiny1";
const NOT_GGUF: &str = "e997afd18e5f6be004fc193aed2c90291e68ab2c7599a62538c935b7fca6ab0f";
const WEIGHTS: &str = "0eaf75726c055a051d6edf6338e208f971d9c0382de84aeee9655e765f692ec1";
const BROKEN: &str = "llama-server process has terminated: exit status 1: error loading model: \
    error loading model hyperparameters: key not found in model: \
    llama.attention.layer_norm_rms_epsilon\nerror loading model: error loading model \
    hyperparameters: key not found in model: llama.attention.layer_norm_rms_epsilon";

/// Starts the lab as it was when recording `name` was made.
pub(super) async fn server(name: &str) -> Result<FakeOllama> {
    let mut catalogue = Catalogue::empty();
    catalogue.host(REGISTRY, Host::HttpOnly);
    catalogue.host("127.0.0.1:5999", Host::Down);
    for model in [tiny1(), tiny("tiny2"), m300()] {
        catalogue.add(model);
    }
    let machine = Machine { vram: 0, default_context: 2048, ..Machine::default() };
    let builder = FakeOllama::builder().version("0.0.0").catalogue(catalogue).machine(machine);
    let server = builder.models([tiny1(), old_tiny2(), m300()]).start().await?;
    server.store(|store| store.add_blob(WEIGHTS, Blob { size: 253_440, data: None }));
    match name {
        "tags-empty" | "v1-models-empty" | "pull-fresh-small" => server.wipe(),
        "tags-with-custom" | "create-bad-template" => {
            server.install(derived());
            server.install(custom());
        }
        "show-custom" | "create-from-existing" => server.install(custom()),
        "show-case-insensitive" | "delete" => {
            let mut alpha = tiny1();
            alpha.name = Name::parse("alpha").context("a name")?;
            server.install(alpha);
        }
        "blob-head" | "blob-post-existing" | "create-not-gguf" => {
            let data: Vec<u8> = b"hello blob".to_vec();
            let blob = Blob { size: data.len() as u64, data: Some(data.into()) };
            server.store(|store| store.add_blob(NOT_GGUF, blob));
        }
        "ps-one" | "generate-load-already-keepalive-forever" | "generate-unload" => {
            load(&server, json!({"model": TINY1})).await?;
        }
        "ps-keepalive-forever" => {
            server.external_load(TINY1, KeepAlive::Forever);
        }
        "ps-num-ctx-512" => {
            load(&server, json!({"model": TINY1, "options": {"num_ctx": 512}})).await?;
        }
        _ if name.starts_with("pull-") => pulls(&server, name)?,
        _ => {}
    }
    Ok(server)
}

async fn load(server: &FakeOllama, request: Value) -> Result<()> {
    let answer = post(server.address(), "/api/generate", &request.to_string()).await?;
    anyhow::ensure!(answer.status == 200, "the load failed: {}", answer.body);
    Ok(())
}

fn pulls(server: &FakeOllama, name: &str) -> Result<()> {
    let tiny3 = Name::parse("127.0.0.1:5900/lab/tiny3").context("a name")?;
    let blob_error = |text: &str| Pullable::BlobError {
        model: Box::new(tiny("tiny3")),
        kind: LayerKind::Config,
        text: text.to_owned(),
    };
    let refused = |text: &str| Pullable::ManifestError(text.to_owned());
    let outcome = match name {
        "pull-302" => blob_error("unexpected status code 302"),
        "pull-no-location" => blob_error("http: no Location header in response"),
        "pull-401-other-realm-host" => refused("unauthorized: access denied"),
        "pull-412" => refused(
            "412: \nThe model you are attempting to pull requires a newer version of Ollama",
        ),
        "pull-manifest-500" => refused("500: boom"),
        "pull-realm-mismatch" => refused(
            "realm host \"elsewhere.example\" does not match original host \"127.0.0.1:5900\"",
        ),
        "pull-digest-mismatch" => {
            let want = "d0be37aa4cdc9f376110f2fcca05a3785b3d73ec52a86fc7bc065eb837bdf51c";
            let got = "05f9b5b76c244ed5be62dc8f87e44a6f12e55366c43a9193eb56c8c1018e3633";
            let mut model = tiny("tiny2");
            model.weights = Layer::known(LayerKind::Model, want, 253_440);
            let corrupt = Pullable::Corrupt { model: Box::new(model), got: got.to_owned() };
            let name = tiny("tiny2").name;
            server.catalogue(|catalogue| catalogue.insert(&name, corrupt));
            return Ok(());
        }
        "pull-fresh-300mb" => {
            server.pace(Pace::Rate(2_000_000_000));
            let m300 = m300();
            server.store(|store| {
                store.remove(&m300.name);
                // The first 60 ms of the recorded pull.
                store.partials.insert(m300.weights.digest, 46_789_306);
            });
            return Ok(());
        }
        _ => return Ok(()),
    };
    server.catalogue(|catalogue| catalogue.insert(&tiny3, outcome));
    Ok(())
}

fn lab_model(name: &str) -> Model {
    let text = |kind, digest: &str, size| Layer::known(kind, digest, size);
    let mut model = Model::new(&format!("{REGISTRY}/lab/{name}"))
        .facts("llama", "1M", 122_048, "F16")
        .lengths(2048, 64, 2)
        .license("MIT License\n\nPermission is hereby granted, free of charge")
        .param("num_ctx", 4096)
        .param("stop", json!(["<|end|>"]));
    model.other_layers = Some(vec![
        text(
            LayerKind::Template,
            "b507b9c2f6ca642bffcd06665ea7c91f235fd32daeefdf875a0f938db05fb315",
            13,
        ),
        text(
            LayerKind::License,
            "843d445e5be2fc4007be5df99d0e5ad71083c54aeb3e580c36976cc232ba8976",
            57,
        ),
        text(
            LayerKind::Params,
            "1daab577676c87074a5cc4ecbabe79f9c574ed19cc96eb5786ed6139956d93eb",
            38,
        ),
    ]);
    model.more_info = tiny_info();
    model
}

fn tiny1() -> Model {
    let mut model = lab_model("tiny1");
    let weights = "1c7d7d52a31afc364793b89610087b90bcfb4dd81b54ba4cd4a389bf1b079dba";
    let config = "0f6f5cfd7ee31911385e141ba96998c5e82e868e7b699fd672d254cb0e144b5a";
    model.weights = Layer::known(LayerKind::Model, weights, 253_440);
    model.config = Some(Layer::known(LayerKind::Config, config, 169));
    model
}

/// A model of the registry with the other tiny weights and a config the server has not seen.
fn tiny(name: &str) -> Model {
    let mut model = lab_model(name);
    model.weights = Layer::known(LayerKind::Model, WEIGHTS, 253_440);
    model.config = Some(Layer::imagined(LayerKind::Config, name, 169));
    model
}

fn old_tiny2() -> Model {
    let mut model = tiny("tiny2");
    model.config = Some(Layer::imagined(LayerKind::Config, "the tag before it moved", 169));
    model
}

fn m300() -> Model {
    let mut model = lab_model("m300").loading(Loading::Fails(BROKEN.to_owned()));
    let weights = "44dbbddd512a33f7e483594bc6733702e012d3dc19fd0144eb55a2839861ee18";
    let config = "01e8ca1027b79ae4ec4a58a6f3df88bb4634de25c9d550da6407d9a15aba8939";
    model.weights = Layer::known(LayerKind::Model, weights, 314_573_088);
    model.config = Some(Layer::known(LayerKind::Config, config, 172));
    model
}

fn custom() -> Model {
    let weights = "e3a21dbed6d714b6e02d1c1937c4c659024b680b19f745fa0c2b11532ba1f013";
    let system = "97dd3b604bbdd384a65068c64b6e130c0a1b28c206cc82982b9703774702f24b";
    let params = "61ed47521bef66a004e0ebcfad5a10a8582775a7a22b51ebbf3e65518ec685bd";
    let mut model = Model::new("custom")
        .facts("llama", "122K", 122_048, "F16")
        .lengths(2048, 64, 2)
        .system("You are terse.")
        .param("num_ctx", 1024)
        .param("temperature", 0.2);
    model.weights = Layer::known(LayerKind::Model, weights, 253_472);
    model.other_layers = Some(vec![
        Layer::known(LayerKind::System, system, 14),
        Layer::known(LayerKind::Params, params, 35),
    ]);
    model.more_info = tiny_info();
    model.more_info.insert("general.quantization_version".to_owned(), json!(2));
    model
}

fn derived() -> Model {
    let mut model = custom();
    model.name = Model::new("derived").name;
    model.parent_model = "custom:latest".to_owned();
    model
}

fn tiny_info() -> Map<String, Value> {
    let info = json!({
        "general.file_type": 1,
        "llama.attention.head_count": 4,
        "llama.attention.head_count_kv": 4,
        "llama.attention.layer_norm_rms_epsilon": 0.00001,
        "llama.feed_forward_length": 128,
        "llama.rope.dimension_count": 16,
        "llama.vocab_size": 311,
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.eos_token_id": 2,
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.scores": [0, 0],
        "tokenizer.ggml.token_type": [2, 3],
        "tokenizer.ggml.tokens": ["<unk>", "<s>"],
        "tokenizer.ggml.unknown_token_id": 0,
    });
    info.as_object().cloned().unwrap_or_default()
}
