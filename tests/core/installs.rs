//! Ollama itself: installed, run, updated, gone back from, removed. The server is the test bed's own
//! program, in an archive as releases are.

mod archives;
mod daily;
mod faults;
// Not tried yet as a Windows program; the same is done once in `life`.
#[cfg(unix)]
mod kill;
mod life;
mod starts;
mod variables;
mod versions;

use std::path::{Path, PathBuf};

use corral_contract::{
    ErrorCode, TaskId, WireError,
    command::Nothing,
    installs::{InstallOllama, InstallsView, ServerPhase, call},
    instances::{self, InstanceView},
    models::OpRef,
    tasks::{self, TaskListRequest, TaskState, TaskView},
};
use corral_core::{CoreConfig, config::Workers};
use corral_testbed::{releases::FakeReleases, serve::Behaviour};
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, UpdateKind};

use crate::support::{Bench, until};

/// A core that knows a site of releases, and no server.
struct Home {
    bench: Bench,
    site: FakeReleases,
}

impl Home {
    async fn new() -> Home {
        Home::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut CoreConfig)) -> Home {
        let site = FakeReleases::start().await.expect("a site");
        let (downloads, descriptions) = (site.downloads(), site.descriptions());
        let bench = Bench::with(|config| {
            config.workers = Workers::None;
            config.releases.downloads = downloads;
            config.releases.descriptions = descriptions;
            // Tests beside this one look for ports as well.
            config.server_port = free_port();
            change(config);
        })
        .await;
        Home { bench, site }
    }

    /// With a version that is installed and runs.
    async fn running(behaviour: Behaviour) -> Home {
        let home = Home::new().await;
        home.site.publish(&behaviour).expect("published");
        let task = home.install(InstallOllama::default()).await;
        assert_eq!(task.state, TaskState::Done, "{task:#?}");
        home
    }

    async fn begin(&self, request: InstallOllama) -> Result<TaskId, WireError> {
        let begun = self.bench.ask::<instances::call::Install>(request).await;
        begun.map(|OpRef { task }| task)
    }

    async fn install(&self, request: InstallOllama) -> TaskView {
        let task = self.begin(request).await.expect("it begins");
        self.ended(task).await
    }

    /// Installs an archive on this machine that is not what it should be; answers why not.
    async fn refuses(&self, file: &Path) -> WireError {
        let file = Some(file.to_string_lossy().into_owned());
        let task = self.install(InstallOllama { file, ..InstallOllama::default() }).await;
        assert_eq!(task.state, TaskState::Failed, "{task:#?}");
        self.is_empty().await;
        task.problem.expect("a reason")
    }

    /// Nothing is installed and nothing is half there.
    async fn is_empty(&self) {
        let view = self.view().await;
        assert!(view.server.is_none() && view.versions.is_empty(), "{view:#?}");
        let left = std::fs::read_dir(&view.folder).into_iter().flatten().count();
        assert_eq!(left, 0, "something is left in {}", view.folder);
        assert!(self.instances().await.is_empty());
        // Windows lists one that was ended until the last who watched it lets go of it.
        until(&self.bench.core, "the end of all that ran", async || {
            processes(self.bench.folder.path()).is_empty().then_some(())
        })
        .await;
    }

    async fn ended(&self, task: TaskId) -> TaskView {
        until(&self.bench.core, "the end of the task", async || {
            let list = self.bench.ask::<tasks::call::List>(TaskListRequest::default()).await;
            let found = list.ok()?.items.into_iter().find(|view| view.id == task)?;
            (!matches!(found.state, TaskState::Running | TaskState::Waiting)).then_some(found)
        })
        .await
    }

    async fn view(&self) -> InstallsView {
        self.bench.ask::<call::List>(Nothing {}).await.expect("a view")
    }

    /// Waits until the server is as wanted.
    async fn until(&self, what: &str, wanted: impl Fn(&InstallsView) -> bool) -> InstallsView {
        until(&self.bench.core, what, async || {
            let view = self.view().await;
            wanted(&view).then_some(view)
        })
        .await
    }

    async fn instances(&self) -> Vec<InstanceView> {
        self.bench.ask::<instances::call::List>(Nothing {}).await.expect("a list").items
    }

    /// The number of its process.
    async fn pid(&self) -> u32 {
        self.view().await.server.and_then(|server| server.pid).expect("it runs")
    }

    async fn phase(&self) -> ServerPhase {
        self.view().await.server.expect("a server").phase
    }

    fn versions(&self) -> PathBuf {
        self.bench.folder.path().join("ollama").join("versions")
    }

    /// How a version behaves from its next start on.
    fn behave(&self, behaviour: &Behaviour) {
        let file = self.versions().join(&behaviour.version).join(corral_testbed::serve::FILE);
        std::fs::write(file, serde_json::to_vec(behaviour).expect("json")).expect("written");
    }

    /// As if Corral had been killed and started again: its server goes on meanwhile.
    async fn killed_and_started(&mut self, workers: Workers, between: impl FnOnce(&Home)) {
        self.bench.core.supervisor.shutdown().await;
        self.bench.core.db.close().await;
        between(self);
        let config = CoreConfig { workers, ..self.bench.core.config.clone() };
        self.bench.core = corral_core::Core::start(config).await.expect("it starts");
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // Whatever a test that failed left behind.
        processes(self.bench.folder.path()).into_iter().for_each(kill);
    }
}

/// A port that nobody listens on at the moment.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("its address").port()
}

/// Every process that runs a program below a folder.
fn processes(folder: &Path) -> Vec<u32> {
    let folder = dunce::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    let mut system = sysinfo::System::new().expect("the system is seen");
    let programs = ProcessRefreshKind::nothing().with_exe(UpdateKind::Always);
    system.refresh_processes_specifics(ProcessesToUpdate::All, true, programs);
    let below = |process: &&sysinfo::Process| {
        process.thread_kind().is_none()
            && process.status() != sysinfo::ProcessStatus::Zombie
            && process.exe().is_some_and(|program| program.starts_with(&folder))
    };
    system.processes().values().filter(below).map(|process| process.pid().as_u32()).collect()
}

/// Every server whose program lies below a folder.
fn servers(folder: &Path) -> Vec<u32> {
    let folder = dunce::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    let mut system = sysinfo::System::new().expect("the system is seen");
    let kind =
        ProcessRefreshKind::nothing().with_exe(UpdateKind::Always).with_cmd(UpdateKind::Always);
    system.refresh_processes_specifics(ProcessesToUpdate::All, true, kind);
    let serves = |process: &&sysinfo::Process| {
        process.thread_kind().is_none()
            && process.status() != sysinfo::ProcessStatus::Zombie
            && process.exe().is_some_and(|program| program.starts_with(&folder))
            && process.cmd().get(1).is_some_and(|word| word == "serve")
    };
    system.processes().values().filter(serves).map(|process| process.pid().as_u32()).collect()
}

fn kill(pid: u32) {
    let mut system = sysinfo::System::new().expect("the system is seen");
    let pid = Pid::from_u32(pid);
    let nothing = ProcessRefreshKind::nothing();
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, nothing);
    if let Some(process) = system.process(pid) {
        process.kill();
    }
}

/// The code of an error, and the reason it gives.
fn told(error: &WireError) -> (ErrorCode, &str) {
    (error.code, error.params.get("reason").map_or("", String::as_str))
}
