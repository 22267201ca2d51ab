//! A core that knows one fake Ollama server.

use std::time::Duration;

use corral_contract::{
    InstanceId, ModelId, TaskId, Timestamp,
    instances::{self, InstanceRef},
    models::{self, HistoryEntry, HistoryRequest, ModelRow, ModelSearchRequest, OpRef},
    sync,
    tasks::{self, TaskListRequest, TaskState, TaskView},
};
use corral_core::{
    CoreConfig,
    config::{SeedInstance, Workers},
};
use corral_testbed::{
    clock::Clock,
    ollama::{FakeOllama, Model},
};

use crate::support::{Bench, START};

/// How long anything may take before a test says what it waited for.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(20);

pub(crate) struct Stage {
    pub(crate) bench: Bench,
    pub(crate) server: FakeOllama,
    pub(crate) instance: InstanceId,
}

/// The clock of a fake server, at the same time as the core's.
pub(crate) fn clock() -> Clock {
    Clock::still(time(START))
}

/// A point in time as the test bed wants it.
pub(crate) fn time(at: Timestamp) -> chrono::DateTime<chrono::Utc> {
    chrono::DateTime::from_timestamp_millis(at.0).expect("a time in range")
}

impl Stage {
    /// Without workers: the instance is asked and synced once, then nothing happens by itself.
    pub(crate) async fn quiet(models: impl IntoIterator<Item = Model>) -> Stage {
        Stage::with(models, |config| config.workers = Workers::None).await
    }

    /// With every worker running.
    pub(crate) async fn alive(models: impl IntoIterator<Item = Model>) -> Stage {
        Stage::with(models, |_| {}).await
    }

    pub(crate) async fn with(
        models: impl IntoIterator<Item = Model>,
        change: impl FnOnce(&mut CoreConfig),
    ) -> Stage {
        let server = FakeOllama::builder().clock(clock()).models(models).start().await;
        Stage::on(server.expect("the fake server starts"), change).await
    }

    pub(crate) async fn on(server: FakeOllama, change: impl FnOnce(&mut CoreConfig)) -> Stage {
        let url = server.url();
        Stage::at(server, url, change).await
    }

    /// As [`Stage::on`], with another address for the server.
    pub(crate) async fn at(
        server: FakeOllama,
        url: String,
        change: impl FnOnce(&mut CoreConfig),
    ) -> Stage {
        let bench = Bench::with(|config| {
            config.seed = vec![SeedInstance { name: "lab".to_owned(), url }];
            change(config);
        })
        .await;
        let list = bench.ask::<instances::call::List>(Default::default()).await;
        let instance = list.expect("the list").items[0].id;
        let stage = Stage { bench, server, instance };
        stage.probe().await;
        let synced = stage.bench.ask::<sync::call::Run>(InstanceRef { id: instance }).await;
        synced.expect("the first sync");
        stage
    }

    pub(crate) async fn probe(&self) {
        let asked = self.bench.ask::<instances::call::Probe>(InstanceRef { id: self.instance });
        asked.await.expect("the instance is asked");
    }

    /// The row of a model, if it is shown.
    pub(crate) async fn find(&self, name: &str) -> Option<ModelRow> {
        let request =
            ModelSearchRequest { name: name.to_owned(), page_size: 500, ..Default::default() };
        let page = self.bench.ask::<models::call::Search>(request).await.expect("a page");
        page.items.into_iter().find(|row| row.name == name)
    }

    pub(crate) async fn row(&self, name: &str) -> ModelRow {
        self.find(name).await.unwrap_or_else(|| panic!("no row {name}"))
    }

    pub(crate) async fn id(&self, name: &str) -> ModelId {
        self.row(name).await.id
    }

    /// Waits until the row is as wanted; `None` stands for no row.
    pub(crate) async fn until(
        &self,
        name: &str,
        wanted: impl Fn(Option<&ModelRow>) -> bool,
    ) -> Option<ModelRow> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let row = self.find(name).await;
            if wanted(row.as_ref()) {
                return row;
            }
            assert!(tokio::time::Instant::now() < deadline, "waited in vain; {name} is {row:#?}");
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Waits for a task to end.
    pub(crate) async fn ended(&self, task: TaskId) -> TaskView {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let list = self.bench.ask::<tasks::call::List>(TaskListRequest::default()).await;
            let found = list.expect("the tasks").items.into_iter().find(|view| view.id == task);
            let view = found.expect("the task is listed");
            if !matches!(view.state, TaskState::Running | TaskState::Waiting) {
                return view;
            }
            assert!(tokio::time::Instant::now() < deadline, "the task goes on: {view:#?}");
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Loads a model and waits for the end of it.
    pub(crate) async fn start(&self, name: &str) -> TaskView {
        let request = models::StartModel::with(self.id(name).await, Default::default());
        let OpRef { task } =
            self.bench.ask::<models::call::Start>(request).await.expect("the start begins");
        self.ended(task).await
    }

    /// The history of a model, newest first.
    pub(crate) async fn history(&self, id: ModelId) -> Vec<HistoryEntry> {
        let request = HistoryRequest { model: Some(id), ..Default::default() };
        self.bench.ask::<models::call::History>(request).await.expect("the history").items
    }
}
