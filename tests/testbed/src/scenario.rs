//! Ready-made sets of servers: one to look at, one to measure with.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::Result;
use chrono::TimeDelta;
use serde_json::{Value, json};
use tokio::net::TcpSocket;

use crate::clock::Clock;
use crate::ollama::{Fault, KeepAlive, Loading, Machine, Model, Pace, library};
use crate::{FakeOllama, FakeRegistry, ollama::Builder};

/// The header that the server behind the password wants.
pub const PASSWORD: &str = "Bearer demo-token";

/// How the servers of a set behave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Bytes per second at which pulls of the healthy servers proceed.
    pub rate: u64,
    /// Bytes per second of the slow one.
    pub slow_rate: u64,
    /// First of the ports to use, one per server; 0 = any free ones.
    pub port: u16,
}

impl Default for Options {
    fn default() -> Self {
        Self { rate: 60_000_000, slow_rate: 1_500_000, port: 0 }
    }
}

/// A running set. Dropping it closes every server.
#[derive(Debug, Default)]
pub struct Scene {
    servers: Vec<Placed>,
    /// A bound port on which nobody listens: connections are refused for as long as it is held.
    refusing: Option<(String, TcpSocket)>,
    /// What is downloaded from the beginning: label of the server, name of the model.
    downloads: Vec<(String, String)>,
    /// Stands for Ollama's own.
    registry: Option<FakeRegistry>,
}

#[derive(Debug)]
struct Placed {
    label: String,
    kind: &'static str,
    server: FakeOllama,
}

impl Scene {
    /// One JSON object: label, kind and URL of each server, and what is downloaded to which.
    pub fn describe(&self) -> Value {
        let mut instances: Vec<Value> = self
            .servers
            .iter()
            .map(|placed| {
                let mut one = json!({
                    "label": placed.label,
                    "kind": placed.kind,
                    "url": placed.server.url(),
                });
                if placed.kind == "password" {
                    one["authorization"] = json!(PASSWORD);
                }
                one
            })
            .collect();
        if let Some((url, _)) = &self.refusing {
            instances.push(json!({"label": "Attic", "kind": "refusing", "url": url}));
        }
        json!({
            "instances": instances,
            "downloads": self.seed_downloads(),
            "mirrors": self.mirrors(),
        })
    }

    /// `[{name, url}]`, as the app registers them in a new database.
    pub fn seed(&self) -> Value {
        let described = self.describe();
        let instances = described["instances"].as_array().cloned().unwrap_or_default();
        instances
            .iter()
            .map(|instance| json!({ "name": instance["label"], "url": instance["url"] }))
            .collect()
    }

    /// `[{instance, model}]`, as the app begins to download them to those.
    pub fn seed_downloads(&self) -> Value {
        self.downloads
            .iter()
            .map(|(instance, model)| json!({ "instance": instance, "model": model }))
            .collect()
    }

    /// `{host: [url]}`: what the app asks instead of Ollama's registry.
    pub fn mirrors(&self) -> Value {
        let url = self.registry.as_ref().map(FakeRegistry::url);
        json!({ "registry.ollama.ai": url.into_iter().collect::<Vec<_>>() })
    }

    /// The server of this kind.
    pub fn server(&self, kind: &str) -> Option<&FakeOllama> {
        self.servers.iter().find(|placed| placed.kind == kind).map(|placed| &placed.server)
    }

    /// Every server, in the order they were added.
    pub fn servers(&self) -> impl Iterator<Item = &FakeOllama> {
        self.servers.iter().map(|placed| &placed.server)
    }

    async fn add(&mut self, label: &str, kind: &'static str, builder: Builder) -> Result<()> {
        let server = builder.clock(Clock::system()).start().await?;
        self.servers.push(Placed { label: label.to_owned(), kind, server });
        Ok(())
    }
}

/// Five servers: healthy with about forty models, slow, failing, refusing, behind a password; and
/// three downloads to begin with, of which one is slow and one fails.
///
/// # Errors
/// When a port cannot be bound.
pub async fn demo(options: Options) -> Result<Scene> {
    let port = |index: u16| if options.port == 0 { 0 } else { options.port + index };
    let build = |index: u16, rate: u64, models: Vec<Model>| {
        let builder = FakeOllama::builder().pace(Pace::Rate(rate)).port(port(index));
        builder.utc_offset(480).models(models)
    };
    let mut scene = Scene::default();
    let registry = FakeRegistry::start().await?;
    library::all().iter().for_each(|model| registry.announce(model));
    scene.registry = Some(registry);

    scene.add("This computer", "healthy", build(0, options.rate, healthy_models())).await?;
    if let Some(healthy) = scene.server("healthy") {
        // Fully on the GPU, kept forever, and the last one split between GPU and processor.
        healthy.external_load("llama3.2:3b", KeepAlive::For(Duration::from_secs(270)));
        healthy.external_load("deepseek-r1:32b", KeepAlive::Forever);
        healthy.external_load("qwen2.5:7b", KeepAlive::For(Duration::from_secs(3600)));
        healthy.machine(|machine| machine.load_time = Duration::from_millis(1500));
        healthy.latency("/api/show", Duration::from_millis(40));
    }
    let few = |names: &[&str]| names.iter().map(|name| library::pick(name)).collect::<Vec<_>>();
    let slow = few(&["gemma3:4b", "qwen3:8b", "nomic-embed-text:latest"]);
    scene.add("Basement server", "slow", build(1, options.slow_rate, slow)).await?;
    let failing = few(&["llama3.1:8b", "mistral:7b"]);
    scene.add("Flaky workstation", "failing", build(2, options.rate, failing)).await?;
    if let Some(failing) = scene.server("failing") {
        let text = "max retries exceeded: EOF".to_owned();
        failing.fault("/api/pull", Fault::ErrorInStream { text, at: 0.35 });
        let text = "llama-server process has terminated: exit status 1: error loading model";
        failing.fault("/api/generate", Fault::Status(500, text.to_owned()));
    }
    let guarded = few(&["qwen3:30b-a3b", "gpt-oss:20b"]);
    scene.add("Office gateway", "password", build(3, options.rate, guarded)).await?;
    if let Some(guarded) = scene.server("password") {
        guarded.require_authorization(Some(PASSWORD));
    }
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port(4))))?;
    scene.refusing = Some((format!("http://{}", socket.local_addr()?), socket));
    let downloads = [
        // Takes hours there.
        ("Basement server", "llama3.3:70b"),
        // Is lost again and again.
        ("Flaky workstation", "tinyllama:1.1b"),
        ("This computer", "gpt-oss:120b"),
    ];
    scene.downloads =
        downloads.map(|(server, model)| (server.to_owned(), model.to_owned())).to_vec();
    Ok(scene)
}

/// The public library in every state a list can show.
fn healthy_models() -> Vec<Model> {
    let now = Clock::system().now();
    let mut models = library::all();
    // Something must be left to pull.
    let left_out = ["llama3.3:70b", "gpt-oss:120b", "mixtral:8x7b"];
    models.retain(|model| !left_out.contains(&model.name.to_string().as_str()));
    let mut copy = library::pick("llama3.2:3b").system("你是一位简洁的助手。");
    copy.name = Model::new("my-assistant:latest").name;
    copy.parent_model = "llama3.2:3b".to_owned();
    models.insert(3, copy);
    models.push(
        Model::new("damaged:latest").weights_size(1_900_000_000).loading(Loading::Fails(
            "llama-server process has terminated: exit status 1: error loading model: tensor \
             'blk.12.ffn_down.weight' data is not within the file bounds"
                .to_owned(),
        )),
    );
    let mut long = Model::new(&format!("team/{}:v2", "a-name-longer-than-any-column-".repeat(2)));
    long = long.weights_size(7_300_000_000).loading(Loading::OutOfMemory);
    models.push(long);
    let ages = (0..).map(|index: i32| TimeDelta::hours(i64::from(index * index)));
    let aged = models.into_iter().zip(ages);
    aged.map(|(model, age)| model.modified_at(now - age)).collect()
}

/// `instances` servers with `models` made-up models each, of which three are loaded.
///
/// # Errors
/// When a port cannot be bound.
pub async fn many(models: usize, instances: u16, options: Options) -> Result<Scene> {
    of_sizes(&vec![models; usize::from(instances)], options).await
}

/// As [`many`], with `models` in all.
///
/// # Errors
/// As [`many`].
pub async fn shared(models: usize, instances: u16, options: Options) -> Result<Scene> {
    let count = usize::from(instances.max(1));
    let sizes: Vec<usize> =
        (0..count).map(|index| models / count + usize::from(index < models % count)).collect();
    of_sizes(&sizes, options).await
}

async fn of_sizes(sizes: &[usize], options: Options) -> Result<Scene> {
    let mut scene = Scene::default();
    for (index, models) in (0_u16..).zip(sizes) {
        let port = if options.port == 0 { 0 } else { options.port + index };
        let machine = Machine { load_time: Duration::from_millis(300), ..Machine::default() };
        let builder = FakeOllama::builder()
            .port(port)
            .pace(Pace::Rate(options.rate))
            .machine(machine)
            .models(library::many(*models, &Clock::system()));
        scene.add(&format!("Server {}", index + 1), "healthy", builder).await?;
        if let Some(placed) = scene.servers.last() {
            let names = placed.server.store(|store| store.newest_first());
            for stored in names.iter().take(3) {
                let name = stored.model.name.to_string();
                placed.server.external_load(&name, KeepAlive::Forever);
            }
        }
    }
    Ok(scene)
}
