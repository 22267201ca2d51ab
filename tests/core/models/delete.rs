use corral_contract::{
    BatchId, ErrorCode, ModelId, app,
    models::{BatchRef, BatchView, DeleteModels, ItemState, ModelRefs, call},
    settings::{self, Settings},
    status::Status,
    tasks::{self, LogRequest, TaskListRequest, TaskState},
};
use corral_core::{Core, config::Workers};
use corral_testbed::ollama::{FakeOllama, Fault, Model, library};

use crate::stage::{Stage, clock};

fn those(ids: &[ModelId]) -> DeleteModels {
    DeleteModels { ids: ids.to_vec(), force: false, ..Default::default() }
}

async fn undo_seconds(stage: &Stage, undo_seconds: u32) {
    let settings = Settings { undo_seconds, ..Settings::default() };
    stage.bench.ask::<settings::call::Update>(settings).await.expect("the settings are taken");
}

async fn batch(core: &Core, id: BatchId) -> BatchView {
    let snapshot = core
        .run::<app::call::Snapshot>(corral_contract::audit::Actor::Window, Default::default())
        .await
        .expect("a snapshot");
    snapshot.batches.into_iter().find(|batch| batch.id == id).expect("the batch is listed")
}

async fn finished(stage: &Stage, id: BatchId) -> BatchView {
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(30);
    loop {
        let view = batch(&stage.bench.core, id).await;
        if view.finished_at.is_some() {
            return view;
        }
        assert!(tokio::time::Instant::now() < deadline, "the batch goes on: {view:#?}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

// criterion: 1.6
#[tokio::test]
async fn a_delete_hides_at_once_waits_and_then_stops_and_removes() {
    let stage = Stage::alive([library::pick("llama3.2:3b"), library::pick("qwen3:8b")]).await;
    stage.start("llama3.2:3b").await;
    let id = stage.id("llama3.2:3b").await;
    let BatchRef { batch } =
        stage.bench.ask::<call::Delete>(those(&[id])).await.expect("it is accepted");
    assert!(stage.find("llama3.2:3b").await.is_none(), "hidden at once");
    assert!(stage.server.requests_to("DELETE", "/api/delete").is_empty(), "but nothing is done");
    stage.bench.clock.advance(10_001);
    let view = finished(&stage, batch).await;
    assert_eq!(view.items[0].state, ItemState::Done, "{view:#?}");
    assert!(stage.server.loaded().is_empty(), "it was stopped first");
    let left = stage.server.store(|store| store.newest_first().len());
    assert_eq!(left, 1);
    assert!(stage.find("llama3.2:3b").await.is_none());
    assert!(stage.history(id).await[0].note.contains("deleted"), "its history stays");
}

// criterion: 1.6
#[tokio::test]
async fn a_delete_can_be_taken_back_while_its_window_is_open_and_not_after() {
    let stage = Stage::alive([library::pick("llama3.2:3b"), library::pick("qwen3:8b")]).await;
    let ids = [stage.id("llama3.2:3b").await, stage.id("qwen3:8b").await];
    let accepted = stage.bench.ask::<call::Delete>(those(&ids)).await.expect("it is accepted");
    let undone = stage.bench.ask::<call::UndoDelete>(accepted).await.expect("it is taken back");
    assert_eq!(undone.restored, 2);
    assert!(stage.find("llama3.2:3b").await.is_some());
    stage.bench.clock.advance(60_000);
    let again = stage.bench.ask::<call::UndoDelete>(accepted).await.expect_err("only once");
    assert_eq!(again.code, ErrorCode::WrongState);
    assert!(stage.server.requests_to("DELETE", "/api/delete").is_empty());
}

// criterion: 1.6
#[tokio::test]
async fn a_delete_that_still_waits_survives_a_restart_with_a_window_of_its_own() {
    let stage = Stage::quiet([library::pick("llama3.2:3b")]).await;
    let id = stage.id("llama3.2:3b").await;
    let accepted = stage.bench.ask::<call::Delete>(those(&[id])).await.expect("it is accepted");
    let Stage { bench, server, .. } = stage;
    bench.core.shutdown().await;
    bench.clock.advance(3_600_000);
    let mut config = corral_core::CoreConfig::in_folder(bench.folder.path());
    config.clock = std::sync::Arc::new(bench.clock.clone());
    config.workers = Workers::None;
    let core = Core::start(config).await.expect("the core starts again");
    let view = batch(&core, accepted.batch).await;
    assert_eq!(
        view.undo_until,
        Some(corral_contract::Timestamp(crate::support::START.0 + 3_610_000))
    );
    let actor = corral_contract::audit::Actor::Window;
    let undone = core.run::<call::UndoDelete>(actor, accepted).await.expect("it is taken back");
    assert_eq!(undone.restored, 1);
    assert!(server.requests_to("DELETE", "/api/delete").is_empty());
}

// criterion: 1.6
#[tokio::test]
async fn what_is_gone_already_counts_as_deleted() {
    let stage = Stage::alive([library::pick("llama3.2:3b")]).await;
    undo_seconds(&stage, 0).await;
    let id = stage.id("llama3.2:3b").await;
    stage.server.fault_once("/api/delete", Fault::Status(404, "model 'x' not found".to_owned()));
    let accepted = stage.bench.ask::<call::Delete>(those(&[id])).await.expect("it is accepted");
    assert_eq!(finished(&stage, accepted.batch).await.items[0].state, ItemState::Done);
}

// criterion: 1.6
#[tokio::test]
async fn a_delete_that_fails_brings_the_row_back_with_the_reason_and_spares_the_others() {
    let stage = Stage::alive([library::pick("llama3.2:3b"), library::pick("qwen3:8b")]).await;
    undo_seconds(&stage, 0).await;
    let ids = [stage.id("llama3.2:3b").await, stage.id("qwen3:8b").await];
    stage.server.fault_once("/api/delete", Fault::Status(500, "remove blob: busy".to_owned()));
    let accepted = stage.bench.ask::<call::Delete>(those(&ids)).await.expect("it is accepted");
    let view = finished(&stage, accepted.batch).await;
    let states: Vec<_> = view.items.iter().map(|item| item.state).collect();
    assert!(states.contains(&ItemState::Failed) && states.contains(&ItemState::Done), "{states:?}");
    let failed = view.items.iter().find(|item| item.state == ItemState::Failed).expect("one");
    let row = stage.row(&failed.name).await;
    assert_eq!(row.problem.map(|problem| problem.code), Some(ErrorCode::ServerFault));
    assert_eq!(row.status, Status::Stopped);
}

// criterion: 1.6
#[tokio::test]
async fn an_instance_that_is_offline_needs_force_and_then_only_the_row_goes() {
    let stage = Stage::alive([library::pick("llama3.2:3b")]).await;
    undo_seconds(&stage, 0).await;
    let id = stage.id("llama3.2:3b").await;
    stage.server.offline(true);
    stage.probe().await;
    let accepted = stage.bench.ask::<call::Delete>(those(&[id])).await.expect("it is accepted");
    let view = finished(&stage, accepted.batch).await;
    let problem = view.items[0].problem.as_ref().expect("a reason");
    assert_eq!(problem.code, ErrorCode::InstanceOffline);
    let row = stage.row("llama3.2:3b").await;
    assert_eq!(row.problem.map(|problem| problem.code), Some(ErrorCode::InstanceOffline));
    let forced = DeleteModels { ids: vec![id], force: true, ..Default::default() };
    let accepted = stage.bench.ask::<call::Delete>(forced).await.expect("it is accepted");
    assert_eq!(finished(&stage, accepted.batch).await.items[0].state, ItemState::Done);
    assert!(stage.find("llama3.2:3b").await.is_none());
    assert!(stage.history(id).await[0].note.contains("files may remain"));
    // The server still has it: when it comes back, the row does too.
    stage.server.offline(false);
    stage.probe().await;
    stage.until("llama3.2:3b", |row| row.is_some()).await;
}

// criterion: 1.6
#[tokio::test]
async fn the_preview_counts_shared_layers_once_where_the_store_can_be_seen() {
    let folder = tempfile::tempdir().expect("a folder");
    let base = Model::new("base:1").weights_size(1000).license("same for both");
    let twin = Model::new("twin:1").weights_of(&base).license("same for both").param("stop", "x");
    let builder = FakeOllama::builder().clock(clock()).folder(folder.path()).models([base, twin]);
    let server = builder.start().await.expect("the fake server starts");
    let stage = Stage::on(server, |config| config.workers = Workers::None).await;
    let ids = [stage.id("base:1").await, stage.id("twin:1").await];
    let preview = |ids: &[ModelId]| ModelRefs { ids: ids.to_vec() };
    let one = stage.bench.ask::<call::PreviewDelete>(preview(&ids[..1])).await.expect("a preview");
    let both = stage.bench.ask::<call::PreviewDelete>(preview(&ids)).await.expect("a preview");
    let (Some(one_freed), Some(both_freed)) = (one.freed, both.freed) else {
        panic!("the store lies on this machine: {one:#?}");
    };
    assert_eq!(one.items[0].shared_with, ["twin:1"]);
    assert!(one_freed < 1000, "the weights stay for the other one");
    let sum: u64 = both.items.iter().filter_map(|item| item.bytes).sum();
    assert!((1000..sum).contains(&both_freed), "{both_freed} of {sum}");
}

#[tokio::test]
async fn a_preview_without_a_store_says_unknown() {
    let stage = Stage::quiet([library::pick("llama3.2:3b")]).await;
    let ids = vec![stage.id("llama3.2:3b").await];
    let preview = stage.bench.ask::<call::PreviewDelete>(ModelRefs { ids }).await.expect("one");
    assert_eq!((preview.freed, preview.undo_ms), (None, 10_000));
    assert_eq!(preview.items[0].bytes, Some(stage.row("llama3.2:3b").await.bytes.expect("bytes")));
}

/// More than are written down together.
const MANY: usize = 120;

async fn all_ids(stage: &Stage, count: usize) -> Vec<ModelId> {
    let mut ids = Vec::with_capacity(count);
    for index in 0..count {
        ids.push(stage.id(&format!("m{index}:1")).await);
    }
    ids
}

fn fleet(count: usize) -> impl Iterator<Item = Model> {
    (0..count).map(|index| Model::new(&format!("m{index}:1")).weights_size(1000))
}

// criterion: 0.4
#[tokio::test]
async fn many_deletes_each_leave_a_task_and_a_history() {
    let stage = Stage::alive(fleet(MANY)).await;
    undo_seconds(&stage, 0).await;
    let ids = all_ids(&stage, MANY).await;
    let lost = Fault::Status(500, "remove blob: busy".to_owned());
    stage.server.fault_once("/api/delete", lost);
    let accepted = stage.bench.ask::<call::Delete>(those(&ids)).await.expect("it is accepted");
    let view = finished(&stage, accepted.batch).await;
    let done = view.items.iter().filter(|item| item.state == ItemState::Done).count();
    assert_eq!(done, MANY - 1, "{view:#?}");
    assert_eq!(stage.server.store(|store| store.len()), 1, "only the failed one is left");
    let request = TaskListRequest { limit: 500, ..TaskListRequest::default() };
    let tasks = stage.bench.ask::<tasks::call::List>(request).await.expect("the tasks").items;
    for item in &view.items {
        let task = tasks.iter().find(|task| Some(task.id) == item.task).expect("its task");
        let good = item.state == ItemState::Done;
        assert_eq!(task.state, if good { TaskState::Done } else { TaskState::Failed }, "{task:#?}");
        assert_eq!(task.target, item.name);
        let said = stage.history(item.model).await[0].note.clone();
        assert_eq!(said.contains("deleted"), good, "{said}");
        let log = LogRequest { id: task.id, offset: 0, before: None };
        let wanted = if good { "INFO done" } else { "ERROR failed" };
        for time in ["first", "second"] {
            let log = stage.bench.ask::<tasks::call::Log>(log).await.expect("its log");
            assert!(task.has_log && log.exists && log.text.contains(wanted), "{time}: {log:?}");
        }
        let file = stage.bench.core.config.task_log(task.id);
        assert!(file.is_file(), "one that was read can be shown in its folder");
    }
}

// criterion: 0.4
#[tokio::test]
async fn what_did_not_begin_when_a_batch_of_deletes_is_cancelled_shows_again() {
    let stage = Stage::alive(fleet(MANY)).await;
    undo_seconds(&stage, 0).await;
    let ids = all_ids(&stage, MANY).await;
    stage.server.latency("/api/delete", std::time::Duration::from_millis(50));
    let accepted = stage.bench.ask::<call::Delete>(those(&ids)).await.expect("it is accepted");
    let asked = |server: &corral_testbed::ollama::Control| {
        !server.requests_to("DELETE", "/api/delete").is_empty()
    };
    stage.server.until("the first is deleted", asked).await.expect("it is");
    let cancelled = stage.bench.ask::<call::CancelBatch>(accepted).await.expect("it answers");
    assert!(cancelled.cancelled);
    let view = finished(&stage, accepted.batch).await;
    let gone = view.items.iter().filter(|item| item.state == ItemState::Done).count();
    assert!(gone > 0 && gone < MANY, "{gone}");
    assert_eq!(stage.server.store(|store| store.len()), MANY - gone, "no more were asked for");
    for item in &view.items {
        let good = item.state == ItemState::Done;
        assert!(good || item.state == ItemState::Cancelled, "{item:?}");
        assert_eq!(stage.find(&item.name).await.is_some(), !good, "{}", item.name);
    }
}
