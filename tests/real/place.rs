//! A real server with its own folders, a registry it pulls from, and a core on both.

use std::{
    fs::File,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command as Program, Stdio},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use corral_contract::{
    Command, InstanceId, JobId, TaskId, WireError,
    audit::Actor,
    downloads::{self, JobState, JobView},
    instances::{self, InstanceDraft, InstanceRef},
    models::{self, CreateModel, JobRef, ModelRow, ModelSearchRequest},
    sync::{self, SyncReport},
    tasks::{self, LogRequest, TaskState, TaskView},
};
use corral_core::{Core, CoreConfig, config::SeedInstance, router::Handle};
use corral_testbed::{
    content::Content,
    gguf::Gguf,
    ollama::LayerKind,
    registry::{FakeRegistry, Published},
};
use tempfile::TempDir;

/// How long anything here may take before the test fails with what it waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// The binary to test against; `None` says so and the caller returns.
pub(crate) fn binary() -> Option<PathBuf> {
    let path = std::env::var_os("CORRAL_OLLAMA").map(PathBuf::from);
    if path.is_none() {
        println!("skipped: CORRAL_OLLAMA names no Ollama");
    }
    path
}

/// Whether this Ollama can load models at all: a plain build of its sources cannot.
pub(crate) fn can_load(binary: &Path) -> bool {
    let runner = binary.parent().map(|folder| folder.join("build/lib/ollama/llama-server"));
    let found = runner.is_some_and(|runner| runner.exists());
    if !found {
        println!("skipped: no llama-server beside this Ollama");
    }
    found
}

/// `ollama serve` with folders of its own; ended when dropped.
pub(crate) struct RealOllama {
    binary: PathBuf,
    folder: TempDir,
    port: u16,
    child: Child,
}

impl RealOllama {
    pub(crate) fn start(binary: &Path) -> RealOllama {
        let folder = tempfile::tempdir().expect("a folder for the server");
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .expect("a free port")
            .port();
        let child = serve(binary, folder.path(), port);
        RealOllama { binary: binary.to_owned(), folder, port, child }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Where it keeps its models.
    pub(crate) fn models(&self) -> PathBuf {
        self.folder.path().join("models")
    }

    /// Process ids of the runners it started.
    #[cfg(target_os = "linux")]
    pub(crate) fn runners(&self) -> Vec<u32> {
        // Any of its threads may have started one.
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.child.id()));
        let children = |task: std::fs::DirEntry| {
            let text = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
            text.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<u32>>()
        };
        tasks.expect("the server runs").flatten().flat_map(children).collect()
    }

    /// `ollama` as a person types it, which has to succeed.
    pub(crate) fn command_line(&self, words: &[&str]) {
        let done = Program::new(&self.binary)
            .args(words)
            .env("OLLAMA_HOST", format!("127.0.0.1:{}", self.port))
            .env("HOME", self.folder.path())
            .output();
        let done = done.expect("CORRAL_OLLAMA names a program that starts");
        assert!(done.status.success(), "{words:?}: {}", String::from_utf8_lossy(&done.stderr));
    }

    /// As `kill -9` or a power cut of the server.
    pub(crate) fn kill(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Starts it again on the same port with the same models.
    pub(crate) fn revive(&mut self) {
        self.child = serve(&self.binary, self.folder.path(), self.port);
    }
}

impl Drop for RealOllama {
    fn drop(&mut self) {
        self.kill();
    }
}

fn serve(binary: &Path, folder: &Path, port: u16) -> Child {
    let log = File::options().create(true).append(true).open(folder.join("server.log"));
    let log = log.expect("a log for the server");
    Program::new(binary)
        .arg("serve")
        .env("OLLAMA_HOST", format!("127.0.0.1:{port}"))
        .env("OLLAMA_MODELS", folder.join("models"))
        .env("OLLAMA_NO_CLOUD", "1")
        .env("HOME", folder)
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("a second handle on the log"))
        .stderr(log)
        .spawn()
        .expect("CORRAL_OLLAMA names a program that starts")
}

/// Server, registry and core.
pub(crate) struct Place {
    pub(crate) core: Core,
    pub(crate) server: RealOllama,
    pub(crate) registry: FakeRegistry,
    pub(crate) instance: InstanceId,
    folder: TempDir,
}

impl Place {
    pub(crate) async fn start(binary: &Path) -> Place {
        Place::with(binary, |_| {}).await
    }

    /// As [`Place::start`] with another configuration.
    pub(crate) async fn with(binary: &Path, change: impl FnOnce(&mut CoreConfig)) -> Place {
        let server = RealOllama::start(binary);
        let registry = FakeRegistry::start().await.expect("a registry");
        let folder = tempfile::tempdir().expect("a folder for the core");
        let mut config = CoreConfig::in_folder(folder.path());
        config.seed = vec![SeedInstance { name: "real".to_owned(), url: server.url() }];
        change(&mut config);
        let core = Core::start(config).await.expect("the core starts");
        let list = core
            .run::<instances::call::List>(Actor::Window, Default::default())
            .await
            .expect("instances");
        let instance = list.items.first().expect("the seed").id;
        let place = Place { core, server, registry, instance, folder };
        place.online().await;
        place
    }

    /// Quits Corral and starts it again on the same folder.
    pub(crate) async fn reopen(&mut self) {
        self.core.shutdown().await;
        let config = CoreConfig::in_folder(self.folder.path());
        self.core = Core::start(config).await.expect("the core starts again");
    }

    /// Registers a second server.
    pub(crate) async fn add(&self, server: &RealOllama) -> InstanceId {
        let draft = InstanceDraft { url: server.url(), ..InstanceDraft::default() };
        wait("the second server to answer", || async {
            let fact = self.ask::<instances::call::Test>(draft.clone()).await.ok()?;
            (fact.state == instances::ApiState::Ok).then_some(())
        })
        .await;
        let id = self.ask::<instances::call::Add>(draft).await.expect("added").id;
        self.online_at(id).await;
        id
    }

    pub(crate) async fn ask<C: Command>(&self, request: C::Request) -> Result<C::Reply, WireError>
    where
        Core: Handle<C>,
    {
        self.core.run::<C>(Actor::Window, request).await
    }

    /// Asks the instance until it answers.
    pub(crate) async fn online(&self) {
        self.online_at(self.instance).await;
    }

    async fn online_at(&self, id: InstanceId) {
        let probe = || async {
            let view = self
                .ask::<instances::call::Probe>(InstanceRef { id })
                .await
                .expect("a known instance");
            (view.api.state == instances::ApiState::Ok).then_some(())
        };
        wait("the server to answer", probe).await;
    }

    /// Serves a model whose weights are a small valid GGUF file; the answer is its full name.
    pub(crate) fn publish(&self, name: &str) -> (String, Published) {
        self.publish_weights(name, Content::of(Gguf::tiny().bytes()))
    }

    /// As [`Place::publish`] with other weights.
    pub(crate) fn publish_weights(&self, name: &str, weights: Content) -> (String, Published) {
        let config = serde_json::json!({
            "model_format": "gguf", "model_family": "llama", "model_families": ["llama"],
            "model_type": "1M", "file_type": "F16", "architecture": "amd64", "os": "linux",
        });
        let published = self.registry.publish(
            name,
            &[
                (LayerKind::Model, weights),
                (LayerKind::Template, Content::of(b"{{ .Prompt }}".to_vec())),
            ],
            Content::of(config.to_string().into_bytes()),
        );
        (format!("{}/{name}", self.registry.host()), published)
    }

    pub(crate) async fn create(&self, name: &str) -> JobRef {
        let job = self.ask::<models::call::Create>(self.wish(name)).await;
        job.expect("a place in the queue")
    }

    /// A published model that the server has and Corral knows.
    pub(crate) async fn fetched(&self, name: &str, weights: &Gguf) -> (ModelRow, Published) {
        let (name, published) = self.publish_weights(name, Content::of(weights.bytes()));
        let job = self.create(&name).await;
        self.job(job.job, JobState::Done).await;
        (self.row_when(&name, |row| row.digest.is_some()).await, published)
    }

    /// The task after its end.
    pub(crate) async fn ended(&self, task: TaskId) -> TaskView {
        wait("the end of a task", || async {
            let list = self.ask::<tasks::call::List>(Default::default()).await.expect("tasks");
            let view = list.items.into_iter().find(|view| view.id == task);
            view.filter(|view| !matches!(view.state, TaskState::Running | TaskState::Waiting))
        })
        .await
    }

    /// Waits for a good end of the task.
    pub(crate) async fn well(&self, task: TaskId) {
        let view = self.ended(task).await;
        let log = LogRequest { id: task, offset: 0, before: None };
        let log = self.ask::<tasks::call::Log>(log).await.expect("a log").text;
        assert_eq!(view.state, TaskState::Done, "{:?}\n{log}", view.problem);
    }

    /// What a person would ask for.
    pub(crate) fn wish(&self, name: &str) -> CreateModel {
        CreateModel {
            instance: self.instance,
            name: name.to_owned(),
            priority: Default::default(),
            start_when_done: false,
            update: false,
            insecure: true,
            force: false,
        }
    }

    /// The job when it has reached `state`.
    pub(crate) async fn job(&self, id: JobId, state: JobState) -> JobView {
        self.job_when(id, |job| job.state == state).await
    }

    pub(crate) async fn job_when(
        &self,
        id: JobId,
        condition: impl Fn(&JobView) -> bool,
    ) -> JobView {
        let last = Mutex::new(String::new());
        let look = || async {
            let queue = self
                .ask::<downloads::call::List>(Default::default())
                .await
                .expect("the queue can always be asked");
            let job = queue.jobs.into_iter().find(|job| job.id == id)?;
            let found = condition(&job);
            *last.lock().unwrap_or_else(PoisonError::into_inner) = format!("{job:?}");
            found.then_some(job)
        };
        let last_seen = || last.lock().unwrap_or_else(PoisonError::into_inner).clone();
        wait_saying("a state of the job", look, last_seen).await
    }

    /// The row of this name, if it is listed.
    pub(crate) async fn row(&self, name: &str) -> Option<ModelRow> {
        let request = ModelSearchRequest { name: name.to_owned(), ..Default::default() };
        let page = self.ask::<models::call::Search>(request).await.expect("a search");
        page.items.into_iter().find(|row| row.name == name)
    }

    pub(crate) async fn row_when(
        &self,
        name: &str,
        condition: impl Fn(&ModelRow) -> bool,
    ) -> ModelRow {
        let last = Mutex::new(String::new());
        let look = || async {
            let row = self.row(name).await?;
            *last.lock().unwrap_or_else(PoisonError::into_inner) = format!("{row:?}");
            condition(&row).then_some(row)
        };
        let last_seen = || last.lock().unwrap_or_else(PoisonError::into_inner).clone();
        wait_saying("a state of the model", look, last_seen).await
    }

    pub(crate) async fn sync(&self) -> SyncReport {
        let report = self.ask::<sync::call::Run>(InstanceRef { id: self.instance }).await;
        report.expect("a sync of a reachable server")
    }

    /// Waits until the server was asked this many times more what is loaded.
    #[cfg(target_os = "linux")]
    pub(crate) async fn looks(&self, times: usize) {
        let log = self.server.folder.path().join("server.log");
        let asked = || {
            let text = std::fs::read_to_string(&log).unwrap_or_default();
            text.lines().filter(|line| line.contains("\"/api/ps\"")).count()
        };
        let enough = asked() + times;
        wait("looks at the server", || async { (asked() >= enough).then_some(()) }).await;
    }

    /// Asks the server directly, past Corral.
    pub(crate) async fn server_says(
        &self,
        method: &str,
        path: &str,
        body: serde_json::Value,
    ) -> String {
        let url = format!("{}{path}", self.server.url());
        let client = corral_core::http::for_server(&url.parse().expect("a URL"), &[], None)
            .expect("a client");
        let method = method.parse().expect("a method");
        let request = client.request(method, url).body(body.to_string());
        request.send().await.expect("an answer").text().await.expect("its text")
    }
}

/// Looks again until there is something, for as long as [`PATIENCE`].
pub(crate) async fn wait<T, F: Future<Output = Option<T>>>(
    what: &str,
    look: impl FnMut() -> F,
) -> T {
    wait_saying(what, look, String::new).await
}

/// As [`wait`]; when it was in vain, says what was seen last.
async fn wait_saying<T, F: Future<Output = Option<T>>>(
    what: &str,
    mut look: impl FnMut() -> F,
    last: impl Fn() -> String,
) -> T {
    let seek = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let found = tokio::time::timeout(PATIENCE, seek).await;
    found.unwrap_or_else(|_| panic!("waited in vain for {what}; {}", last()))
}
