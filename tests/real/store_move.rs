//! A models folder of a real server moves, with the server being stopped and started as a process of
//! the test, and moves back.

use std::{
    collections::BTreeMap,
    fs::File,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use corral_contract::{
    InstanceId, TaskId, WireError,
    instances::InstanceRef,
    stores::{MoveRef, MoveStage, MoveStore, MoveWay, call},
    tasks::{self, TaskState},
};
use corral_core::steering::{Changes, LogSource, Powers, ServiceControl, Stand, Verb};

use crate::place::{Place, binary, wait};

const MODELS: &str = "OLLAMA_MODELS";

struct Server {
    binary: PathBuf,
    home: PathBuf,
    port: u16,
    environment: BTreeMap<String, String>,
    child: Option<Child>,
}

impl Server {
    fn start(&mut self) {
        let log = File::options().create(true).append(true).open(self.home.join("server.log"));
        let log = log.expect("a log");
        let child = Command::new(&self.binary)
            .arg("serve")
            .env("OLLAMA_HOST", format!("127.0.0.1:{}", self.port))
            .env("OLLAMA_NO_CLOUD", "1")
            .env("HOME", &self.home)
            .envs(&self.environment)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second handle"))
            .stderr(log)
            .spawn();
        self.child = Some(child.expect("it starts"));
    }

    fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A process that the test runs.
#[derive(Clone)]
struct Run(Arc<Mutex<Server>>);

impl Run {
    fn new(binary: &Path, home: &Path, models: &Path) -> Run {
        let port = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr());
        let mut server = Server {
            binary: binary.to_owned(),
            home: home.to_owned(),
            port: port.expect("a port").port(),
            environment: [(MODELS.to_owned(), models.display().to_string())].into(),
            child: None,
        };
        server.start();
        Run(Arc::new(Mutex::new(server)))
    }

    fn with<T>(&self, work: impl FnOnce(&mut Server) -> T) -> T {
        work(&mut self.0.lock().expect("nobody panicked"))
    }
}

impl Stand for Run {
    fn control(&self, _: InstanceId) -> Option<Arc<dyn ServiceControl>> {
        Some(Arc::new(self.clone()))
    }
}

#[async_trait]
impl ServiceControl for Run {
    fn powers(&self) -> Powers {
        Powers { start: true, stop: true, environment: true, ours: true, ..Powers::default() }
    }
    fn equivalent(&self, _: Verb) -> Vec<String> {
        Vec::new()
    }
    async fn act(&self, verb: Verb) -> Result<(), WireError> {
        self.with(|server| match verb {
            Verb::Start => server.start(),
            Verb::Stop => server.stop(),
            Verb::Restart => {
                server.stop();
                server.start();
            }
        });
        Ok(())
    }
    async fn environment(&self) -> Result<BTreeMap<String, String>, WireError> {
        Ok(self.with(|server| server.environment.clone()))
    }
    async fn preview_environment(&self, _: &Changes) -> Result<(String, String), WireError> {
        Ok(Default::default())
    }
    async fn set_environment(&self, changes: &Changes) -> Result<Changes, WireError> {
        self.with(|server| {
            for (name, value) in changes {
                match value {
                    Some(value) => server.environment.insert(name.clone(), value.clone()),
                    None => server.environment.remove(name),
                };
            }
        });
        Ok(Changes::new())
    }
    async fn autostart(&self) -> Result<Option<bool>, WireError> {
        Ok(None)
    }
    async fn set_autostart(&self, _: bool) -> Result<(), WireError> {
        Ok(())
    }
    fn log(&self) -> LogSource {
        LogSource::Nowhere
    }
}

async fn done(place: &Place, task: TaskId) {
    let ended = wait("the end of a task", || async {
        let list = place.ask::<tasks::call::List>(Default::default()).await.expect("tasks");
        let view = list.items.into_iter().find(|view| view.id == task)?;
        (!matches!(view.state, TaskState::Running | TaskState::Waiting)).then_some(view)
    })
    .await;
    assert_eq!(ended.state, TaskState::Done, "{:?}", ended.problem);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_server_lists_the_same_models_out_of_another_folder_and_back() {
    let Some(binary) = binary() else { return };
    let home = tempfile::tempdir().expect("a folder");
    let old = home.path().join("old models");
    std::fs::create_dir(&old).expect("a folder");
    let run = Run::new(&binary, home.path(), &old);
    let (stand, url) = (run.clone(), format!("http://127.0.0.1:{}", run.with(|it| it.port)));
    let place = Place::with(&binary, |config| {
        config.stand = Some(Arc::new(stand));
        config.seed[0].url = url;
    })
    .await;
    let (name, published) = place.publish("lab/moved:latest");
    let job = place.create(&name).await;
    place.job(job.job, corral_contract::downloads::JobState::Done).await;
    place.row_when(&name, |row| row.digest.is_some()).await;
    let other = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
    let other = other.expect("a folder");
    for (to, way) in [
        (home.path().join("new models"), MoveWay::Link),
        (other.path().join("models"), MoveWay::Copy),
    ] {
        let wish = MoveStore { instance: place.instance, to: to.display().to_string() };
        let task = place.ask::<call::Move>(wish).await.expect("it begins").task;
        done(&place, task).await;
        let view = place.ask::<call::View>(InstanceRef { id: place.instance }).await;
        let view = view.expect("a view");
        let moving = view.moving.expect("kept");
        assert_eq!(moving.stage, MoveStage::Kept);
        if way == MoveWay::Link || other.path().starts_with("/dev/shm") {
            assert_eq!(moving.way, way);
        }
        assert_eq!(view.path.as_deref(), to.to_str(), "the server says so itself");
        let row = place.row_when(&name, |row| row.digest.is_some()).await;
        assert_eq!(row.digest.as_deref(), Some(published.digest.as_str()));
        let back = place.ask::<call::RollBack>(MoveRef { id: moving.id }).await.expect("begins");
        done(&place, back.task).await;
        assert!(!to.exists());
        let view = place.ask::<call::View>(InstanceRef { id: place.instance }).await;
        assert_eq!(view.expect("a view").path.as_deref(), old.to_str());
    }
    // Gives the server the time to be asked once more before it is ended.
    tokio::time::timeout(Duration::from_secs(5), place.online()).await.expect("it answers");
}
