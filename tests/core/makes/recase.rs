//! A change of case that is cut off at one of its steps: a process of its own is killed there, then
//! the core is opened again on what it left.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use corral_contract::{
    makes::{NewName, call::Rename},
    models::{ModelRow, ModelSearchRequest, call::Search},
};
use corral_core::{Core, CoreConfig};
use corral_testbed::ollama::{FakeOllama, Fault, Model};

use crate::{
    downloads::stage::{ask, online, seed},
    stage::clock,
    support::until,
};

const OLD: &str = "foo:7b";
const NEW: &str = "Foo:7B";
const OTHER: &str = "bar:9b";

const FOLDER: &str = "CORRAL_TEST_RENAME_FOLDER";
const SERVER: &str = "CORRAL_TEST_RENAME_SERVER";
const SCRIPT: &str = "makes::recase::the_rename_of_a_process_to_kill";

async fn open(folder: &Path, url: &str) -> Core {
    let mut config = CoreConfig::in_folder(folder);
    seed(&mut config, url);
    Core::start(config).await.expect("the core starts")
}

async fn rows(core: &Core) -> Vec<ModelRow> {
    ask::<Search>(core, ModelSearchRequest::default()).await.items
}

async fn server() -> FakeOllama {
    let models = [Model::new(OLD), Model::new(OTHER)];
    FakeOllama::builder().clock(clock()).models(models).start().await.expect("it starts")
}

fn names(server: &FakeOllama) -> Vec<String> {
    let mut names: Vec<String> = server.store(|store| {
        store.newest_first().into_iter().map(|stored| stored.model.name.to_string()).collect()
    });
    names.sort();
    names
}

/// The row of the model in a core of its own, which then ends.
async fn before(server: &FakeOllama, folder: &Path) -> ModelRow {
    let core = open(folder, &server.url()).await;
    online(&core).await;
    let row = listed(&core).await;
    core.shutdown().await;
    row
}

async fn listed(core: &Core) -> ModelRow {
    let look = async || rows(core).await.into_iter().find(|row| row.name == OLD);
    until(core, "the model is listed", look).await
}

/// Not a test of its own: only as the child of the ones below it does anything.
#[tokio::test(flavor = "multi_thread")]
async fn the_rename_of_a_process_to_kill() {
    let (Ok(folder), Ok(url)) = (std::env::var(FOLDER), std::env::var(SERVER)) else { return };
    let core = open(Path::new(&folder), &url).await;
    online(&core).await;
    let row = listed(&core).await;
    let request = NewName { id: row.id, name: NEW.to_owned(), overwrite: false };
    ask::<Rename>(&core, request).await;
    std::future::pending::<()>().await;
}

/// Begins the rename and kills the process at one step, which the server never answers.
async fn cut_off(server: &FakeOllama, folder: &Path, (method, path, passes): Step) -> ModelRow {
    let row = before(server, folder).await;
    server.fault_after(&format!("{method} {path}"), passes, Fault::Hang);
    let program = std::env::current_exe().expect("this program");
    let mut child = Command::new(program)
        .args(["--exact", SCRIPT, "--nocapture"])
        .env(FOLDER, folder)
        .env(SERVER, server.url())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let reached = server.until("it is at that step", |server| {
        server.requests_to(method, path).len() > passes as usize
    });
    let reached = reached.await;
    child.kill().expect("killed");
    child.wait().expect("gone");
    reached.expect("it gets there");
    server.heal();
    row
}

/// Method and path of a request, and how many of them go well before.
type Step = (&'static str, &'static str, u32);

const STEPS: [(Step, &str); 4] = [
    (("POST", "/api/copy", 0), OLD),
    (("DELETE", "/api/delete", 0), OLD),
    (("POST", "/api/copy", 1), NEW),
    (("DELETE", "/api/delete", 1), NEW),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_case_that_is_cut_off_anywhere_ends_with_one_name() {
    for (step, name) in STEPS {
        let (server, folder) = (server().await, tempfile::tempdir().expect("a folder"));
        let before = cut_off(&server, folder.path(), step).await;
        let core = open(folder.path(), &server.url()).await;
        let settled = async || {
            let rows = rows(&core).await;
            let mine: Vec<&ModelRow> = rows.iter().filter(|row| row.name != OTHER).collect();
            let [row] = &mine[..] else { return None };
            let there = names(&server) == [name, OTHER] || names(&server) == [OTHER, name];
            (there && row.name == name && row.digest == before.digest).then_some(row.id)
        };
        let id = until(&core, &format!("one name after {step:?}"), settled).await;
        assert_eq!(id, before.id, "the row with its history: {step:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_another_model_got_meanwhile_costs_the_old_one_nothing() {
    let (server, folder) = (server().await, tempfile::tempdir().expect("a folder"));
    let before = cut_off(&server, folder.path(), STEPS[2].0).await;
    server.install(Model::new(OLD).weights_size(5_000_000));
    let core = open(folder.path(), &server.url()).await;
    let both = async || {
        let rows = rows(&core).await;
        let kept = rows.iter().find(|row| row.name.starts_with("corral-rename/"))?.clone();
        let new = rows.iter().find(|row| row.name == OLD)?;
        (new.digest != before.digest).then_some(kept)
    };
    let kept = until(&core, "the old one is listed", both).await;
    assert_eq!(kept.digest, before.digest);
    assert_eq!(names(&server).len(), 3, "{:?}", names(&server));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_refuses_on_the_way_to_the_end_is_tried_again() {
    let (server, folder) = (server().await, tempfile::tempdir().expect("a folder"));
    let (step, name) = STEPS[3];
    let before = cut_off(&server, folder.path(), step).await;
    let asked = server.requests_to("DELETE", "/api/delete").len();
    server.fault_once("/api/delete", Fault::Status(500, "remove manifest: busy".to_owned()));
    let core = open(folder.path(), &server.url()).await;
    let settled = async || {
        let rows = rows(&core).await;
        rows.into_iter().find(|row| row.name == name && names(&server).len() == 2)
    };
    let row = until(&core, "one name", settled).await;
    assert_eq!(row.id, before.id);
    assert_eq!(server.requests_to("DELETE", "/api/delete").len(), asked + 2, "refused, then done");
}
