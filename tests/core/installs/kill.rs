//! A process of its own installs, updates or restarts Ollama and is killed without a word after one
//! event more each time; then the core is opened again on what it left. Whatever the moment: one
//! server at most, no half version, and every byte of a model.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use corral_contract::{
    audit::Actor,
    command::Nothing,
    event::AppEvent,
    installs::{InstallOllama, InstallsView, ServerPhase, UpdateOllama, call},
    instances::{self, InstanceRef},
};
use corral_core::{Core, CoreConfig, config::Workers};
use corral_testbed::{archive, patience::DEADLINE, releases::FakeReleases, serve::Behaviour};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

use super::{free_port, kill, processes, servers};
use crate::support::{out_of_reach, until};

const FOLDER: &str = "CORRAL_TEST_INSTALL_FOLDER";
const SITE: &str = "CORRAL_TEST_INSTALL_SITE";
const PORT: &str = "CORRAL_TEST_INSTALL_PORT";
const LINE: &str = "CORRAL_TEST_INSTALL_LINE";
const WORK: &str = "CORRAL_TEST_INSTALL_WORK";
const SCRIPT: &str = "installs::kill::the_work_of_a_process_to_kill";

/// Moments of each kind of work.
const MOMENTS: usize = 10;
const MODEL: &[u8] = b"every byte of a model";

fn config(folder: &Path, downloads: &str, port: u16) -> CoreConfig {
    let mut config = CoreConfig::in_folder(folder);
    config.registry = out_of_reach();
    config.releases.downloads = downloads.to_owned();
    config.releases.descriptions = downloads.replace("/releases", "/api");
    config.server_port = port;
    config.workers = Workers::All;
    config
}

async fn view(core: &Core) -> InstallsView {
    core.run::<call::List>(Actor::Window, Nothing {}).await.expect("a view")
}

/// Nothing is under way, and what there is runs.
async fn settled(core: &Core) -> InstallsView {
    until(core, "the end of what was interrupted", async || {
        // Until it is gone on with, only its row tells of it.
        let rows = sqlx::query_scalar("SELECT COUNT(*) FROM ollama_job").fetch_one(core.db.read());
        let rows: i64 = rows.await.expect("a count");
        let view = view(core).await;
        let runs = view.server.as_ref().is_none_or(|it| it.phase == ServerPhase::Running);
        (rows == 0 && view.task.is_none() && runs).then_some(view)
    })
    .await
}

/// Not a test of its own: only as the child of the ones below it does anything.
#[tokio::test(flavor = "multi_thread")]
async fn the_work_of_a_process_to_kill() {
    let named = |name: &str| std::env::var(name);
    let (Ok(folder), Ok(site), Ok(port), Ok(line), Ok(work)) =
        (named(FOLDER), named(SITE), named(PORT), named(LINE), named(WORK))
    else {
        return;
    };
    let mut line = TcpStream::connect(line).await.expect("a line");
    let config = config(folder.as_ref(), &site, port.parse().expect("a port"));
    let core = Core::start(config).await.expect("the core starts");
    let mut events = core.bus.listen();
    let begun = match work.as_str() {
        "install" => {
            let request = InstallOllama::default();
            core.run::<instances::call::Install>(Actor::Window, request).await.map(|it| it.task)
        }
        "update" => {
            let request = UpdateOllama::default();
            core.run::<call::Update>(Actor::Window, request).await.map(|it| it.task)
        }
        _ => {
            let id = view(&core).await.server.and_then(|it| it.instance).expect("a server");
            let it = InstanceRef { id };
            core.run::<instances::call::Restart>(Actor::Window, it).await.map(|it| it.task)
        }
    };
    let begun = begun.expect("it begins");
    loop {
        let envelope = events.next().await.expect("the core runs");
        let word: &[u8] = match &envelope.event {
            AppEvent::Task(task) if task.id == begun && task.finished_at.is_some() => b"end\n",
            AppEvent::Installs(_) | AppEvent::Task(_) | AppEvent::Instance(_) => b"event\n",
            _ => continue,
        };
        line.write_all(word).await.expect("told");
    }
}

/// A folder of Corral with a model in it, and a site.
struct Yard {
    folder: TempDir,
    site: FakeReleases,
    port: u16,
}

impl Yard {
    async fn new(version: &str) -> Yard {
        let folder = tempfile::tempdir().expect("a folder");
        let site = FakeReleases::start().await.expect("a site");
        site.publish(&Behaviour::version(version)).expect("published");
        let yard = Yard { folder, site, port: free_port() };
        let blob = yard.blob();
        std::fs::create_dir_all(blob.parent().expect("a folder")).expect("a folder");
        std::fs::write(blob, MODEL).expect("a model");
        yard
    }

    fn blob(&self) -> PathBuf {
        self.folder.path().join("ollama/models/blobs/sha256-kept")
    }

    async fn core(&self) -> Core {
        let config = config(self.folder.path(), &self.site.downloads(), self.port);
        Core::start(config).await.expect("the core starts")
    }

    /// With a server that runs, and ended again.
    async fn installed(&self) {
        let core = self.core().await;
        let request = InstallOllama::default();
        core.run::<instances::call::Install>(Actor::Window, request).await.expect("it begins");
        until(&core, "the server", async || {
            let view = view(&core).await;
            (view.task.is_none() && view.server.is_some()).then_some(())
        })
        .await;
        core.shutdown().await;
    }

    /// A life that ends without a word after so many events; whether its work was over before.
    async fn life(&self, work: &str, events: usize) -> bool {
        let line = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let itself = std::env::current_exe().expect("this very program");
        let mut child = Command::new(itself)
            .args(["--exact", SCRIPT, "--nocapture", "--test-threads", "1"])
            .env(FOLDER, self.folder.path())
            .env(SITE, self.site.downloads())
            .env(PORT, self.port.to_string())
            .env(LINE, line.local_addr().expect("an address").to_string())
            .env(WORK, work)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the child starts");
        let told = async {
            let (line, _) = line.accept().await.expect("the child comes");
            let mut words = BufReader::new(line).lines();
            for _ in 0..events {
                let word = words.next_line().await.expect("heard");
                if word.expect("the child goes on") == "end" {
                    return true;
                }
            }
            false
        };
        let over = tokio::time::timeout(DEADLINE, told).await;
        child.kill().expect("killed");
        child.wait().expect("gone");
        assert!(servers(self.folder.path()).len() <= 1, "{work}, {events}: several servers");
        over.expect("the child goes on")
    }

    /// What the next Corral makes of it.
    async fn check(&self, what: &str, versions: &[&str]) {
        let core = self.core().await;
        let mut seen = settled(&core).await;
        if seen.server.is_none() {
            // The end came before anything was written down.
            let request = InstallOllama::default();
            core.run::<instances::call::Install>(Actor::Window, request).await.expect("it begins");
            seen = until(&core, "the server", async || {
                let view = view(&core).await;
                (view.task.is_none() && view.server.is_some()).then_some(view)
            })
            .await;
        }
        let server = seen.server.expect("a server");
        assert!(versions.contains(&server.version.as_str()), "{what}: {}", server.version);
        let running = servers(self.folder.path());
        assert_eq!(running, [server.pid.expect("it runs")], "{what}: one server");
        let program = std::fs::metadata(archive::program().expect("a program")).expect("facts");
        let mut there: BTreeMap<String, u64> = BTreeMap::new();
        for entry in std::fs::read_dir(&seen.folder).expect("the versions") {
            let entry = entry.expect("an entry");
            let inside = entry.path().join(archive::program_path());
            let size = std::fs::metadata(inside).expect("a whole version").len();
            there.insert(entry.file_name().to_string_lossy().into_owned(), size);
        }
        let mut known: Vec<&String> = seen.versions.iter().map(|it| &it.version).collect();
        known.sort();
        assert_eq!(there.keys().collect::<Vec<_>>(), known, "{what}: each has its row");
        assert!(there.values().all(|size| *size == program.len()), "{what}: {there:?}");
        assert_eq!(std::fs::read(self.blob()).expect("the model"), MODEL, "{what}");
        core.shutdown().await;
        assert!(servers(self.folder.path()).is_empty(), "{what}: an orderly end leaves none");
    }
}

impl Drop for Yard {
    fn drop(&mut self) {
        // Whatever a test that failed left behind.
        processes(self.folder.path()).into_iter().for_each(kill);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_at_every_moment_of_an_install_leave_one_whole_server() {
    for events in 0..MOMENTS {
        let yard = Yard::new("0.40.0").await;
        yard.life("install", 2 * events).await;
        yard.check(&format!("moment {events} of an install"), &["0.40.0"]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_at_every_moment_of_an_update_leave_one_whole_server() {
    let yard = Yard::new("0.40.0").await;
    yard.installed().await;
    let mut before = "0.40.0".to_owned();
    for events in 0..MOMENTS {
        let next = format!("0.{}.0", 41 + events);
        yard.site.publish(&Behaviour::version(&next)).expect("published");
        yard.life("update", 2 * events).await;
        let allowed = [before.as_str(), next.as_str()];
        yard.check(&format!("moment {events} of an update"), &allowed).await;
        let core = yard.core().await;
        before = settled(&core).await.server.expect("a server").version;
        core.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_at_every_moment_of_a_restart_leave_one_server() {
    let yard = Yard::new("0.40.0").await;
    yard.installed().await;
    for events in 0..MOMENTS {
        let over = yard.life("restart", events).await;
        yard.check(&format!("moment {events} of a restart"), &["0.40.0"]).await;
        if over {
            return;
        }
    }
}
