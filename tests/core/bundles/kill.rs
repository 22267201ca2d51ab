//! A process of its own exports and imports and is killed without a word; then the core is opened
//! again on what it left.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use corral_contract::{
    bundles::{ExportModels, call},
    command::Nothing,
    instances::{self, InstanceDraft},
    tasks::{TaskKind, TaskListRequest, TaskState, TaskView, call::List},
};
use corral_core::{Core, CoreConfig};
use corral_testbed::{
    FakeOllama,
    ollama::{Model, library},
};

use super::{MB, arrived, herd, unpack};
use crate::downloads::stage::{ask, online, row, seed, until};

const FOLDER: &str = "CORRAL_TEST_MOVE_FOLDER";
const SERVERS: &str = "CORRAL_TEST_MOVE_SERVERS";
const SCRIPT: &str = "bundles::kill::the_moves_of_a_process_to_kill";
const KILLS: u64 = 6;
const NAME: &str = "large:latest";

fn config(folder: &Path, server: &str) -> CoreConfig {
    let mut config = CoreConfig::in_folder(folder);
    seed(&mut config, server);
    config
}

/// Not a test of its own: only as the child of the one below it does anything.
#[tokio::test(flavor = "multi_thread")]
async fn the_moves_of_a_process_to_kill() {
    let (Ok(folder), Ok(servers)) = (std::env::var(FOLDER), std::env::var(SERVERS)) else { return };
    let (here, there) = servers.split_once(' ').expect("two servers");
    let folder = PathBuf::from(folder);
    let core = Core::start(config(&folder.join("data"), here)).await.expect("the core starts");
    online(&core).await;
    let look = async || row(&core, NAME).await.filter(|row| row.digest.is_some()).map(|row| row.id);
    let id = until(&core, "the row", look).await;
    let file = folder.join("large.corral.tar");
    let path = file.to_string_lossy().into_owned();
    let wish = ExportModels { ids: vec![id], path, overwrite: false, keep_part: true };
    ask::<call::Export>(&core, wish).await;
    rest(&core).await;
    let draft = InstanceDraft { url: there.to_owned(), force: true, ..InstanceDraft::default() };
    let to = ask::<instances::call::Add>(&core, draft).await.id;
    ask::<call::Import>(&core, unpack(&file, to, &[NAME])).await;
    std::future::pending::<()>().await;
}

/// Waits until nothing is moved any more.
async fn rest(core: &Core) {
    let look = async || {
        let tasks = ask::<List>(core, TaskListRequest::default()).await;
        let runs = tasks.items.iter().any(|task| task.state == TaskState::Running);
        (!runs).then_some(())
    };
    until(core, "all at rest", look).await;
}

/// The child; never outlives its test.
struct Victim(Child);

impl Victim {
    fn start(folder: &Path, servers: &str) -> Victim {
        let itself = std::env::current_exe().expect("this very program");
        let child = Command::new(itself)
            .args(["--exact", SCRIPT, "--nocapture", "--test-threads", "1"])
            .env(FOLDER, folder)
            .env(SERVERS, servers)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Victim(child.expect("the child starts"))
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        // Both fail when it is gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn server(folder: &Path, models: Vec<Model>) -> FakeOllama {
    let builder = FakeOllama::builder().folder(folder).models(models);
    builder.models([library::pick("all-minilm:22m")]).start().await.expect("a server")
}

// criterion: 2.8
#[tokio::test(flavor = "multi_thread")]
async fn kills_lose_no_move_and_leave_no_half_model() {
    let model = herd("large", 61, 60 * MB);
    for round in 0..KILLS {
        let folder = tempfile::tempdir().expect("a folder");
        let (one, two) = (folder.path().join("one"), folder.path().join("two"));
        let here = server(&one, vec![model.clone()]).await;
        let there = server(&two, Vec::new()).await;
        let servers = format!("{} {}", here.url(), there.url());
        let victim = Victim::start(folder.path(), &servers);
        // The bytes that are there when it is killed: first in the file, then in the folder.
        let point = (round % 3 + 1) * 15 * MB;
        let grows = if round < KILLS / 2 {
            folder.path().join("large.corral.tar.part")
        } else {
            two.join("blobs/.corral").join(format!("{}.moved", model.weights.digest))
        };
        let gone = folder.path().join("large.corral.tar");
        wait(&grows, point, (round < KILLS / 2).then_some(gone.as_path())).await;
        drop(victim);

        let core = Core::start(config(&folder.path().join("data"), &here.url())).await;
        let core = core.expect("the core starts again");
        let file = folder.path().join("large.corral.tar");
        let look = async || {
            let tasks = ask::<List>(&core, TaskListRequest::default()).await.items;
            let unpacked =
                |task: &TaskView| task.kind == TaskKind::Unpack && task.state == TaskState::Done;
            let exported = round < KILLS / 2 && file.exists();
            (exported || tasks.iter().any(unpacked)).then_some(())
        };
        until(&core, "what was interrupted is done", look).await;
        rest(&core).await;
        let part = folder.path().join("large.corral.tar.part");
        assert!(!part.exists(), "round {round}: nothing is left beside it");
        if round >= KILLS / 2 {
            arrived(&model, &one, &two);
        }
        let list = ask::<instances::call::List>(&core, Nothing {}).await.items;
        let to = list.iter().find(|view| view.url == there.url());
        if let Some(to) = to.map(|view| view.id) {
            // Once more changes nothing.
            ask::<call::Import>(&core, unpack(&file, to, &[NAME])).await;
            rest(&core).await;
            arrived(&model, &one, &two);
        }
        let tasks = ask::<List>(&core, TaskListRequest::default()).await.items;
        let failed = tasks.iter().find(|task| task.state == TaskState::Failed);
        assert!(failed.is_none(), "round {round}: {failed:?}");
        core.shutdown().await;
    }
}

/// Waits until a file has so many bytes, or `over` is there because it was quicker.
async fn wait(file: &Path, bytes: u64, over: Option<&Path>) {
    let deadline = tokio::time::Instant::now() + corral_testbed::patience::DEADLINE;
    loop {
        let grown = std::fs::metadata(file).is_ok_and(|facts| facts.len() >= bytes);
        if grown || over.is_some_and(Path::exists) {
            return;
        }
        assert!(tokio::time::Instant::now() < deadline, "{} does not grow", file.display());
        tokio::task::yield_now().await;
    }
}
