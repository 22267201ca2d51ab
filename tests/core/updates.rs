//! Newer versions in a registry, and the way back from them.

use std::sync::{Arc, atomic::AtomicU64};

use corral_contract::{
    ModelId,
    command::Nothing,
    downloads::{JobState, call as downloads},
    models::{ModelRef, ModelRefs, ModelRow, ModelSearchRequest, call as models},
    tasks::{TaskListRequest, TaskState, TaskView, call as tasks},
    updates::{Applied, UpdateList, UpdatesOf, call},
};
use corral_core::{Core, CoreConfig};
use corral_testbed::{
    FakeOllama, FakeRegistry,
    content::Content,
    gguf::Gguf,
    ollama::{LayerKind, Model},
    registry::Published,
};
use tempfile::TempDir;

use crate::{
    downloads::stage::{online, seed},
    played::Played,
    support::{Bench, at, until},
};

mod back;
mod round;

const NAME: &str = "herd:latest";

/// A server with one model, and the registry that it came from.
struct Place {
    bench: Bench,
    server: FakeOllama,
    registry: FakeRegistry,
    store: TempDir,
}

/// The layers of a version of the model.
fn version(number: u8) -> (Model, Vec<(LayerKind, Content)>, Content) {
    let mut weights = Gguf::tiny().bytes();
    weights.resize(1_000_000, number);
    let layers = vec![
        (LayerKind::Model, Content::of(weights)),
        (LayerKind::License, Content::of("THE HERD LICENCE")),
    ];
    let config = Content::of(r#"{"model_type":"3.2B","file_type":"Q4_K_M"}"#);
    let mut model = Model::new("herd");
    model.weights = layers[0].1.layer(LayerKind::Model);
    model.other_layers = Some(vec![layers[1].1.layer(LayerKind::License)]);
    model.config = Some(config.layer(LayerKind::Config));
    (model, layers, config)
}

impl Place {
    async fn new() -> Place {
        let store = tempfile::tempdir().expect("a folder");
        let registry = FakeRegistry::start().await.expect("a registry");
        let (model, layers, config) = version(1);
        registry.publish("library/herd:latest", &layers, config);
        let server = FakeOllama::builder().folder(store.path()).models([model]);
        let server = server.start().await.expect("a server");
        let (url, of) = (server.url(), registry.url());
        let room = Played::with_room(&Arc::new(AtomicU64::new(1 << 40)));
        let bench = Bench::with(|config| {
            seed(config, &url);
            config.machine = Arc::new(room);
            config.registry = at(&of);
        })
        .await;
        let instance = online(&bench.core).await;
        let one = corral_contract::instances::InstanceRef { id: instance };
        bench.ask::<corral_contract::sync::call::Run>(one).await.expect("a first sync");
        Place { bench, server, registry, store }
    }

    /// Starts Corral again on the same folder.
    async fn reopen(&mut self) {
        let mut config = CoreConfig::in_folder(self.bench.folder.path());
        config.clock = Arc::new(self.bench.clock.clone());
        config.machine = Arc::new(Played::with_room(&Arc::new(AtomicU64::new(1 << 40))));
        config.registry = at(&self.registry.url());
        self.bench.core = Core::start(config).await.expect("the core starts again");
        online(&self.bench.core).await;
    }

    /// The registry has this version from now on.
    fn publish(&self, number: u8) -> Published {
        let (model, layers, config) = version(number);
        self.server.catalogue(|catalogue| catalogue.add(model));
        self.registry.publish("library/herd:latest", &layers, config)
    }

    async fn row(&self) -> ModelRow {
        let request = ModelSearchRequest { name: "herd".to_owned(), ..Default::default() };
        let page = self.bench.ask::<models::Search>(request).await.expect("a page");
        page.items.into_iter().find(|row| row.name == NAME).expect("the row")
    }

    async fn id(&self) -> ModelId {
        self.row().await.id
    }

    async fn until_row(&self, what: &str, wanted: impl Fn(&ModelRow) -> bool) -> ModelRow {
        let look = async || Some(self.row().await).filter(|row| wanted(row));
        until(&self.bench.core, what, look).await
    }

    /// Asks the registry and waits for the end of it.
    async fn check(&self) -> TaskView {
        let op = self.bench.ask::<call::Check>(UpdatesOf::default()).await.expect("it begins");
        let look = async || {
            let list = self.bench.ask::<tasks::List>(TaskListRequest::default()).await;
            let view = list.expect("tasks").items.into_iter().find(|view| view.id == op.task);
            view.filter(|view| !matches!(view.state, TaskState::Running | TaskState::Waiting))
        };
        until(&self.bench.core, "the round ends", look).await
    }

    async fn list(&self) -> UpdateList {
        self.bench.ask::<call::List>(UpdatesOf::default()).await.expect("a list")
    }

    async fn apply(&self) -> Applied {
        let ids = vec![self.id().await];
        self.bench.ask::<call::Apply>(ModelRefs { ids }).await.expect("an answer")
    }

    /// Fetches what is offered and waits until it is there.
    async fn update(&self) {
        let applied = self.apply().await;
        assert_eq!(applied.refused, []);
        let job = applied.jobs[0];
        let look = async || {
            let queue = self.bench.ask::<downloads::List>(Nothing {}).await.expect("the queue");
            let job = queue.jobs.into_iter().find(|each| each.id == job);
            job.filter(|job| job.state == JobState::Done)
        };
        until(&self.bench.core, "the update is fetched", look).await;
    }

    /// Names on the server that no list shows.
    fn kept(&self) -> Vec<String> {
        let names = |folder: &std::path::Path| -> Vec<String> {
            let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
            entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
        };
        let folder = self.store.path().join("manifests/registry.ollama.ai/corral-backup");
        let of = |model: String| {
            names(&folder.join(&model)).into_iter().map(move |tag| format!("{model}:{tag}"))
        };
        names(&folder).into_iter().flat_map(of).collect()
    }

    async fn one(&self) -> ModelRef {
        ModelRef { id: self.id().await }
    }
}
