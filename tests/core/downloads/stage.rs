//! A core with one instance, the fake server behind it, and waiting for the queue.

use corral_contract::{
    InstanceId, JobId, WireError,
    app::call::Snapshot,
    command::Nothing,
    downloads::{JobIds, JobState, JobView, Priority, QueueView, call},
    models::{CreateModel, JobRef, ModelRow, ModelSearchRequest, call::Create},
};
use corral_core::{Core, CoreConfig, config::SeedInstance};
use corral_testbed::{
    FakeOllama,
    ollama::{Catalogue, Model, Pace},
};

use crate::support::Bench;
pub(crate) use crate::support::until;

/// Bytes of the weights of every model here, unless said otherwise.
pub(crate) const WEIGHTS: u64 = 4_096_000;

pub(crate) struct Stage {
    pub(crate) bench: Bench,
    pub(crate) fake: FakeOllama,
    pub(crate) instance: InstanceId,
}

/// A fake server that can pull models of these names.
pub(crate) async fn fake(names: &[&str], pace: Pace) -> FakeOllama {
    let mut catalogue = Catalogue::empty();
    for name in names {
        catalogue.add(Model::new(name));
    }
    FakeOllama::builder()
        .catalogue(catalogue)
        .pace(pace)
        .start()
        .await
        .expect("the fake server starts")
}

impl Stage {
    /// A server that can pull these, and a core that knows it.
    pub(crate) async fn with(names: &[&str], pace: Pace) -> Stage {
        Stage::on(fake(names, pace).await).await
    }

    /// A core that knows this server, once it is seen to answer.
    pub(crate) async fn on(fake: FakeOllama) -> Stage {
        let url = fake.url();
        let bench = Bench::with(|config| seed(config, &url)).await;
        let mut stage = Stage { bench, fake, instance: InstanceId(0) };
        stage.instance = online(&stage.bench.core).await;
        stage
    }

    pub(crate) async fn create(&self, name: &str) -> Result<JobRef, WireError> {
        self.create_as(name, Priority::Normal).await
    }

    pub(crate) async fn create_as(
        &self,
        name: &str,
        priority: Priority,
    ) -> Result<JobRef, WireError> {
        self.bench.ask::<Create>(CreateModel { priority, ..wish(self.instance, name) }).await
    }

    pub(crate) async fn queue(&self) -> QueueView {
        self.bench.ask::<call::List>(Nothing {}).await.expect("the queue")
    }

    pub(crate) async fn job(&self, id: JobId) -> Option<JobView> {
        self.queue().await.jobs.into_iter().find(|job| job.id == id)
    }

    pub(crate) async fn pause(&self, id: JobId) -> u32 {
        let ids = JobIds { ids: vec![id] };
        self.bench.ask::<call::Pause>(ids).await.expect("pause").changed
    }

    pub(crate) async fn resume(&self, id: JobId) -> u32 {
        let ids = JobIds { ids: vec![id] };
        self.bench.ask::<call::Resume>(ids).await.expect("resume").changed
    }

    pub(crate) async fn cancel(&self, id: JobId) -> u32 {
        let ids = JobIds { ids: vec![id] };
        self.bench.ask::<call::Cancel>(ids).await.expect("cancel").changed
    }

    /// Waits until the job is as wanted.
    pub(crate) async fn until(
        &self,
        what: &str,
        id: JobId,
        wanted: impl Fn(&JobView) -> bool,
    ) -> JobView {
        until_job(&self.bench.core, what, id, wanted).await
    }

    pub(crate) async fn until_state(&self, id: JobId, state: JobState) -> JobView {
        self.until(state.as_str(), id, |job| job.state == state).await
    }

    /// The row of the job's model; `None` when it is gone.
    pub(crate) async fn row(&self, name: &str) -> Option<ModelRow> {
        row(&self.bench.core, name).await
    }

    /// The log of a job's task.
    pub(crate) fn log(&self, job: &JobView) -> String {
        let task = job.task.expect("a job that ran has a task");
        let file = self.bench.folder.path().join("logs/tasks").join(format!("{task}.log"));
        std::fs::read_to_string(file).expect("the task has a log")
    }
}

pub(crate) fn wish(instance: InstanceId, name: &str) -> CreateModel {
    CreateModel {
        instance,
        name: name.to_owned(),
        priority: Priority::Normal,
        start_when_done: false,
        update: false,
        insecure: false,
        force: false,
    }
}

pub(crate) fn seed(config: &mut CoreConfig, url: &str) {
    config.registry = crate::support::out_of_reach();
    config.seed = vec![SeedInstance { name: "fake".to_owned(), url: url.to_owned() }];
}

/// Waits until the only instance answers.
pub(crate) async fn online(core: &Core) -> InstanceId {
    let look = async || {
        let snapshot = ask::<Snapshot>(core, Nothing {}).await;
        let one = snapshot.instances.first()?;
        (one.api.state == corral_contract::instances::ApiState::Ok).then_some(one.id)
    };
    until(core, "the instance answers", look).await
}

pub(crate) async fn until_job(
    core: &Core,
    what: &str,
    id: JobId,
    wanted: impl Fn(&JobView) -> bool,
) -> JobView {
    let look = async || {
        let queue = ask::<call::List>(core, Nothing {}).await;
        queue.jobs.into_iter().find(|job| job.id == id).filter(|job| wanted(job))
    };
    until(core, what, look).await
}

pub(crate) async fn row(core: &Core, name: &str) -> Option<ModelRow> {
    let request = ModelSearchRequest { name: name.to_owned(), ..Default::default() };
    let page = ask::<corral_contract::models::call::Search>(core, request).await;
    page.items.into_iter().find(|row| row.name == name)
}

pub(crate) async fn ask<C: corral_contract::Command>(core: &Core, request: C::Request) -> C::Reply
where
    Core: corral_core::router::Handle<C>,
{
    let asked = core.run::<C>(corral_contract::audit::Actor::Window, request).await;
    asked.expect("an answer")
}
