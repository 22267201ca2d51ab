//! The catalogue: the list, the user's own, what registries and hf.co say.

use corral_contract::{
    InstanceId,
    catalogue::{CatalogueView, TagList, TagsOf, call},
    instances::InstanceRef,
    tasks::{TaskListRequest, TaskState, TaskView, call as tasks},
};
use corral_core::registry::RegistryConfig;
use corral_testbed::{FakeOllama, FakeRegistry, ollama::library};

use crate::{
    downloads::stage::{online, seed},
    support::{Bench, at, until},
};

mod hub;
mod list;

struct Place {
    bench: Bench,
    registry: FakeRegistry,
    instance: InstanceId,
    _server: FakeOllama,
}

impl Place {
    async fn new() -> Place {
        let registry = FakeRegistry::start().await.expect("a registry");
        let server = FakeOllama::builder().models([library::pick("llama3.2:3b")]);
        let server = server.start().await.expect("a server");
        let (url, of) = (server.url(), registry.url());
        let bench = Bench::with(|config| {
            seed(config, &url);
            let own = of.parse().expect("an address");
            let mut registry = at(&of);
            registry.mirrors.insert("huggingface.co".to_owned(), vec![own]);
            config.registry = RegistryConfig { ..registry };
        })
        .await;
        let instance = online(&bench.core).await;
        let one = InstanceRef { id: instance };
        bench.ask::<corral_contract::sync::call::Run>(one).await.expect("a first sync");
        Place { bench, registry, instance, _server: server }
    }

    async fn view(&self) -> CatalogueView {
        let one = InstanceRef { id: self.instance };
        self.bench.ask::<call::List>(one).await.expect("the catalogue")
    }

    async fn tags(&self, name: &str) -> TagList {
        let of = TagsOf { instance: self.instance, name: name.to_owned() };
        self.bench.ask::<call::Tags>(of).await.expect("tags")
    }

    async fn refresh(&self) -> TaskView {
        let one = InstanceRef { id: self.instance };
        let op = self.bench.ask::<call::Refresh>(one).await.expect("it begins");
        let look = async || {
            let list = self.bench.ask::<tasks::List>(TaskListRequest::default()).await;
            let view = list.expect("tasks").items.into_iter().find(|view| view.id == op.task);
            view.filter(|view| !matches!(view.state, TaskState::Running | TaskState::Waiting))
        };
        until(&self.bench.core, "the round ends", look).await
    }

    /// The user's own list.
    fn write(&self, text: impl AsRef<[u8]>) {
        std::fs::write(self.bench.folder.path().join("catalogue.json"), text).expect("a file");
    }
}
