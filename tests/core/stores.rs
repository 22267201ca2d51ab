//! Moving the folder of the models, and keeping models elsewhere.

mod back;
mod cold;
mod forward;
mod kill;
mod refused;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use corral_contract::{
    Command, InstanceId, ModelId, TaskId, WireError,
    instances::InstanceRef,
    models::{ModelSearchRequest, call::Search},
    stores::{MoveRef, MoveStage, MoveStore, MoveView, StoreView, call},
    sync,
    tasks::{TaskListRequest, TaskState, TaskView, call::List},
};
use corral_core::{Core, CoreConfig, clock::ManualClock, router::Handle};
use corral_testbed::{FakeOllama, ollama::Model};
use tempfile::TempDir;

use crate::{
    bundles::{MB, herd},
    downloads::stage::{online, seed},
    steered::Steered,
    support::{START, until},
};

/// A server with a models folder, what runs it, and Corral.
pub(crate) struct Stable {
    pub(crate) core: Core,
    pub(crate) clock: ManualClock,
    pub(crate) data: TempDir,
    pub(crate) server: FakeOllama,
    pub(crate) steered: Steered,
    pub(crate) instance: InstanceId,
    /// Holds the models folder and what is beside it.
    pub(crate) yard: TempDir,
}

/// Two models that share their licence, one with a space in what it says.
pub(crate) fn models() -> Vec<Model> {
    vec![herd("one", 71, MB / 4), herd("two", 72, MB / 4).system("Be short.")]
}

fn config(data: &Path, url: &str, clock: &ManualClock, stand: &Steered) -> CoreConfig {
    let mut config = CoreConfig::in_folder(data);
    seed(&mut config, url);
    config.clock = Arc::new(clock.clone());
    config.stand = Some(Arc::new(stand.clone()));
    config
}

impl Stable {
    pub(crate) async fn new() -> Stable {
        Stable::with(models(), true).await
    }

    pub(crate) async fn with(models: Vec<Model>, ours: bool) -> Stable {
        let yard = tempfile::tempdir().expect("a folder");
        Stable::at(yard, "old models", models, ours).await
    }

    /// With its models in a folder of this name below the yard.
    pub(crate) async fn at(yard: TempDir, name: &str, models: Vec<Model>, ours: bool) -> Stable {
        let folder = yard.path().join(name);
        let server = FakeOllama::builder().folder(&folder).models(models).start().await;
        let server = server.expect("a server");
        let steered = Steered::new(server.control(), ours);
        let clock = ManualClock::at(START);
        let data = tempfile::tempdir().expect("a folder");
        let core = Core::start(config(data.path(), &server.url(), &clock, &steered)).await;
        let core = core.expect("the core starts");
        let instance = online(&core).await;
        let stable = Stable { core, clock, data, server, steered, instance, yard };
        stable.sync().await;
        stable
    }

    /// Corral was quit and started again.
    pub(crate) async fn reopened(mut self) -> Stable {
        self.core.shutdown().await;
        let config = config(self.data.path(), &self.server.url(), &self.clock, &self.steered);
        self.core = Core::start(config).await.expect("the core starts again");
        self
    }

    pub(crate) async fn ask<C: Command>(&self, request: C::Request) -> Result<C::Reply, WireError>
    where
        Core: Handle<C>,
    {
        self.core.run::<C>(corral_contract::audit::Actor::Window, request).await
    }

    pub(crate) async fn sync(&self) {
        for _ in 0..2 {
            self.ask::<sync::call::Run>(InstanceRef { id: self.instance }).await.expect("a sync");
        }
    }

    pub(crate) fn old(&self) -> PathBuf {
        self.yard.path().join("old models")
    }

    pub(crate) fn wish(&self, to: &Path) -> MoveStore {
        MoveStore { instance: self.instance, to: to.display().to_string() }
    }

    pub(crate) async fn begin(&self, to: &Path) -> TaskId {
        self.ask::<call::Move>(self.wish(to)).await.expect("it begins").task
    }

    /// Moves, and waits for its end.
    pub(crate) async fn moved(&self, to: &Path) -> TaskView {
        let task = self.begin(to).await;
        self.ended(task).await
    }

    pub(crate) async fn ended(&self, task: TaskId) -> TaskView {
        let look = async || {
            let list = self.ask::<List>(TaskListRequest::default()).await.expect("tasks");
            let view = list.items.into_iter().find(|view| view.id == task);
            view.filter(|view| !matches!(view.state, TaskState::Running | TaskState::Waiting))
        };
        until(&self.core, "the end of a task", look).await
    }

    pub(crate) async fn well(&self, task: TaskId) {
        let view = self.ended(task).await;
        assert_eq!(view.state, TaskState::Done, "{:?}", view.problem);
    }

    pub(crate) async fn view(&self) -> StoreView {
        self.ask::<call::View>(InstanceRef { id: self.instance }).await.expect("a view")
    }

    pub(crate) async fn moving(&self) -> Option<MoveView> {
        self.view().await.moving
    }

    /// The move that waits for a word.
    pub(crate) async fn kept(&self) -> MoveRef {
        let view = self.moving().await.expect("a move");
        assert_eq!(view.stage, MoveStage::Kept, "{view:?}");
        MoveRef { id: view.id }
    }

    pub(crate) fn names(&self) -> Vec<String> {
        let stored = self.server.store(|store| store.newest_first());
        let mut names: Vec<String> =
            stored.iter().map(|stored| stored.model.name.to_string()).collect();
        names.sort();
        names
    }

    pub(crate) async fn id(&self, name: &str) -> ModelId {
        let look = async || {
            let request = ModelSearchRequest { name: name.to_owned(), ..Default::default() };
            let page = self.ask::<Search>(request).await.expect("a page");
            page.items.into_iter().find(|row| row.name == name).map(|row| row.id)
        };
        until(&self.core, "a row", look).await
    }
}
