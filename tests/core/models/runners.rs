//! Crashes and unloads by others, told apart by the processes of the server.

use std::{path::PathBuf, sync::Arc};

use corral_contract::{
    instances::{self, InstanceRef},
    models::ModelRow,
    settings::{self, Settings},
    status::{Cause, Status},
};
use corral_testbed::{
    FakeOllama,
    ollama::{LayerKind, library},
};

use crate::{
    played::Played,
    stage::{Stage, clock},
    support::until,
};

const NAME: &str = "llama3.2:3b";

/// A running model whose runner has been seen.
async fn running() -> (Stage, Played, PathBuf, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let model = library::pick(NAME);
    let weights = model.layers().into_iter().find(|layer| layer.kind == LayerKind::Model);
    let weights = format!("sha256-{}", weights.expect("weights").digest);
    let weights = folder.path().join("blobs").join(weights);
    let server = FakeOllama::builder().clock(clock()).folder(folder.path()).models([model]);
    let server = server.start().await.expect("a server");
    let machine = Played::with_server(server.address());
    let here = machine.clone();
    let stage = Stage::on(server, |config| config.machine = Arc::new(here)).await;
    let quick = Settings { poll_visible_seconds: 1, ..Settings::default() };
    stage.bench.ask::<settings::call::Update>(quick).await.expect("the settings are taken");
    machine.open(Some(&weights));
    stage.start(NAME).await;
    let asked = || stage.server.requests_to("GET", "/api/ps").len();
    // Of three more looks the last began after one that had the model listed.
    let enough = asked() + 3;
    stage.until(NAME, |row| is(row, Status::Running) && asked() >= enough).await;
    (stage, machine, weights, folder)
}

fn is(row: Option<&ModelRow>, status: Status) -> bool {
    row.is_some_and(|row| row.status == status)
}

// criterion: 3.8
#[tokio::test]
async fn a_runner_that_died_is_a_crash_although_the_model_is_still_listed() {
    let (stage, machine, weights, _folder) = running().await;
    machine.open(None);
    let row = stage.until(NAME, |row| is(row, Status::Crashed)).await.expect("a row");
    assert_eq!(stage.history(row.id).await[0].cause, Cause::Crash);
    assert_eq!(stage.server.loaded(), [NAME], "the server itself has not noticed");
    // The next request starts another one.
    machine.open(Some(&weights));
    stage.until(NAME, |row| is(row, Status::Running)).await;
}

// criterion: 3.8
#[tokio::test]
async fn what_another_client_unloads_has_not_crashed() {
    let (stage, _machine, _, _folder) = running().await;
    stage.server.expire_now();
    let row = stage.until(NAME, |row| is(row, Status::Stopped)).await.expect("a row");
    assert_eq!(stage.history(row.id).await[0].cause, Cause::External);
}

// criterion: 3.8
#[tokio::test]
async fn what_a_server_that_was_started_anew_has_no_more_has_not_crashed() {
    let (mut stage, machine, _, _folder) = running().await;
    // So quick that nobody missed it.
    stage.server.restart_same_port().await.expect("it starts");
    machine.process(std::process::id());
    let it = InstanceRef { id: stage.instance };
    stage.bench.ask::<instances::call::Probe>(it).await.expect("asked");
    let row = stage.until(NAME, |row| is(row, Status::Stopped)).await.expect("a row");
    let told = async || stage.history(row.id).await[0].cause == Cause::Instance;
    until(&stage.bench.core, "the reason", async || told().await.then_some(())).await;
}
