use std::time::Duration;

use corral_contract::{
    ErrorCode, ModelId,
    app::NoticeKind,
    models::{ModelRef, StartModel, StartOptions, call},
    progress::Phase,
    status::{Action, Cause, Install, Run, Status},
    tasks::{self, LogRequest, TaskRef, TaskState},
};
use corral_core::config::Workers;
use corral_testbed::ollama::{Fault, Loading, Model, library};

use crate::stage::Stage;

fn start(id: ModelId) -> StartModel {
    StartModel::with(id, StartOptions::default())
}

// criterion: 3.1
// criterion: 0.1
#[tokio::test]
async fn a_start_loads_with_its_options_and_shows_where_the_model_lies() {
    let stage = Stage::quiet([library::pick("llama3.2:3b")]).await;
    let id = stage.id("llama3.2:3b").await;
    let options = StartOptions {
        keep_alive: Some("10m".to_owned()),
        num_ctx: Some(8192),
        num_gpu: Some(-1),
        ..Default::default()
    };
    let begun =
        stage.bench.ask::<call::Start>(StartModel::with(id, options)).await.expect("begins");
    let task = stage.ended(begun.task).await;
    assert_eq!(task.state, TaskState::Done, "{task:#?}");
    let row = stage.row("llama3.2:3b").await;
    assert_eq!(row.status, Status::Running);
    assert_eq!(row.actions, [Action::Close, Action::Recreate, Action::Delete]);
    assert!(row.log_file_exist);
    let memory = row.memory.expect("it is in memory");
    assert_eq!((memory.context_length, memory.gpu_percent()), (Some(8192), 100));
    assert!(memory.expires_at.is_some());
    assert_eq!(stage.server.loaded(), ["llama3.2:3b"]);
    let history = stage.history(id).await;
    let steps: Vec<_> = history.iter().map(|step| (step.to, step.cause)).collect();
    assert_eq!(
        steps,
        [
            (Status::Running, Cause::User),
            (Status::Starting, Cause::User),
            (Status::Stopped, Cause::Sync)
        ]
    );
    let log = stage
        .bench
        .ask::<tasks::call::Log>(LogRequest { id: task.id, offset: 0, before: None })
        .await;
    let text = log.expect("its log").text;
    assert!(text.contains("phase loading") && text.contains("done"), "{text}");
}

// criterion: 3.1
#[tokio::test]
async fn an_embedding_model_is_loaded_in_its_own_way_and_kept_for_ever() {
    let stage = Stage::quiet([library::pick("nomic-embed-text:latest")]).await;
    let id = stage.id("nomic-embed-text:latest").await;
    let options = StartOptions { keep_alive: Some("-1".to_owned()), ..Default::default() };
    let begun =
        stage.bench.ask::<call::Start>(StartModel::with(id, options)).await.expect("begins");
    assert_eq!(stage.ended(begun.task).await.state, TaskState::Done);
    assert_eq!(stage.server.requests_to("POST", "/api/embed").len(), 1);
    let memory = stage.row("nomic-embed-text:latest").await.memory.expect("it is in memory");
    assert_eq!(memory.expires_at, None, "it stays until it is stopped");
}

// criterion: 3.1
#[tokio::test]
async fn bad_options_are_refused_by_field_before_anything_happens() {
    let stage = Stage::quiet([library::pick("llama3.2:3b")]).await;
    let id = stage.id("llama3.2:3b").await;
    let keep =
        |text: &str| StartOptions { keep_alive: Some(text.to_owned()), ..Default::default() };
    for (options, field) in [
        (keep("soon"), "keepAlive"),
        (keep("0"), "keepAlive"),
        (StartOptions { num_ctx: Some(3), ..Default::default() }, "numCtx"),
        (StartOptions { num_gpu: Some(-2), ..Default::default() }, "numGpu"),
        (StartOptions { num_batch: Some(0), ..Default::default() }, "numBatch"),
    ] {
        let refused = stage.bench.ask::<call::Start>(StartModel::with(id, options)).await;
        let error = refused.expect_err("it is refused");
        assert_eq!((error.code, error.params["field"].as_str()), (ErrorCode::InvalidInput, field));
    }
    assert_eq!(stage.row("llama3.2:3b").await.last_task, None);
}

// criterion: 0.1
#[tokio::test]
async fn a_double_click_is_one_operation_and_another_one_has_to_wait() {
    let stage = Stage::quiet([library::pick("llama3.2:3b")]).await;
    let id = stage.id("llama3.2:3b").await;
    stage.server.hold_loads(true);
    let (first, second) = tokio::join!(
        stage.bench.ask::<call::Start>(start(id)),
        stage.bench.ask::<call::Start>(start(id))
    );
    let (first, second) = (first.expect("begins"), second.expect("joins"));
    assert_eq!(first.task, second.task);
    stage.until("llama3.2:3b", |row| row.is_some_and(|row| row.status == Status::Starting)).await;
    assert_eq!(stage.row("llama3.2:3b").await.operation, Some(first.task));
    let refused = stage.bench.ask::<call::Recreate>(ModelRef { id }).await;
    let error = refused.expect_err("one operation at a time");
    assert_eq!(error.code, ErrorCode::Busy);
    assert_eq!(error.params["operation"], "start");
    stage.server.hold_loads(false);
    assert_eq!(stage.ended(first.task).await.state, TaskState::Done);
    assert_eq!(stage.server.requests_to("POST", "/api/generate").len(), 1);
}

// criterion: 0.1
#[tokio::test]
async fn a_row_that_is_gone_and_a_state_that_does_not_fit_are_told_apart() {
    let stage = Stage::quiet([library::pick("llama3.2:3b")]).await;
    let gone = stage.bench.ask::<call::Start>(start(ModelId(4711))).await.expect_err("no row");
    assert_eq!(gone.code, ErrorCode::NotFound);
    let id = stage.id("llama3.2:3b").await;
    let stopped = stage.bench.ask::<call::Close>(ModelRef { id }).await.expect_err("not running");
    assert_eq!(stopped.code, ErrorCode::WrongState);
    stage.server.offline(true);
    stage.probe().await;
    let offline = stage.bench.ask::<call::Start>(start(id)).await.expect_err("offline");
    assert_eq!(offline.code, ErrorCode::InstanceOffline);
    let row = stage.row("llama3.2:3b").await;
    assert!(!row.online);
    assert_eq!(row.actions, [Action::Delete]);
}

// criterion: 3.2
#[tokio::test]
async fn a_close_unloads_and_a_model_deleted_meanwhile_counts_as_unloaded() {
    let stage = Stage::quiet([library::pick("llama3.2:3b"), library::pick("qwen3:0.6b")]).await;
    for name in ["llama3.2:3b", "qwen3:0.6b"] {
        stage.start(name).await;
        let id = stage.id(name).await;
        if name == "qwen3:0.6b" {
            let gone = Model::new(name).name;
            stage.server.store(|store| store.remove(&gone));
            stage.server.expire_now();
        }
        let begun = stage.bench.ask::<call::Close>(ModelRef { id }).await.expect("begins");
        assert_eq!(stage.ended(begun.task).await.state, TaskState::Done, "{name}");
        let row = stage.row(name).await;
        assert_eq!((row.run, row.memory), (Run::Stopped, None));
        assert_eq!(stage.history(id).await[0].cause, Cause::User);
    }
    assert!(stage.server.loaded().is_empty());
}

// criterion: 3.2
#[tokio::test]
async fn a_model_that_does_not_go_is_stuck_and_still_running() {
    let stage = Stage::with([library::pick("llama3.2:3b")], |config| {
        config.workers = Workers::None;
        config.unload_grace = Duration::ZERO;
    })
    .await;
    stage.start("llama3.2:3b").await;
    let id = stage.id("llama3.2:3b").await;
    // The request to unload is answered as if it were well, yet nothing is unloaded.
    let answer = r#"{"model":"llama3.2:3b","created_at":"2026-11-23T12:00:00Z","response":"","done":true,"done_reason":"unload"}"#;
    stage.server.fault(
        "/api/generate",
        Fault::Foreign {
            status: 200,
            content_type: "application/json; charset=utf-8".to_owned(),
            body: answer.to_owned(),
        },
    );
    let begun = stage.bench.ask::<call::Close>(ModelRef { id }).await.expect("begins");
    let task = stage.ended(begun.task).await;
    assert_eq!(task.problem.map(|problem| problem.code), Some(ErrorCode::UnloadStuck));
    let row = stage.row("llama3.2:3b").await;
    assert_eq!(row.run, Run::Running, "it is still there");
    assert_eq!(row.problem.map(|problem| problem.code), Some(ErrorCode::UnloadStuck));
}

// criterion: 3.7
#[tokio::test]
async fn a_failed_start_names_its_cause_and_leaves_other_models_alone() {
    let broken = Model::new("broken:1").loading(Loading::Fails(
        "error loading model: unknown model architecture: 'zebra'".to_owned(),
    ));
    let huge = Model::new("huge:1").loading(Loading::OutOfMemory);
    let stage = Stage::quiet([broken, huge, library::pick("llama3.2:3b")]).await;
    stage.start("llama3.2:3b").await;
    for (name, code) in
        [("broken:1", ErrorCode::UnsupportedArchitecture), ("huge:1", ErrorCode::OutOfMemory)]
    {
        let task = stage.start(name).await;
        assert_eq!(task.state, TaskState::Failed);
        assert_eq!(task.problem.as_ref().map(|problem| problem.code), Some(code));
        let row = stage.row(name).await;
        assert_eq!(
            (row.status, row.install, row.run),
            (Status::Failed, Install::Failed, Run::Stopped)
        );
        assert_eq!(row.problem.map(|problem| problem.code), Some(code));
        assert!(!row.message.is_empty() && row.log_file_exist);
        assert!(row.actions.contains(&Action::Start), "its files are there");
    }
    assert_eq!(stage.row("llama3.2:3b").await.status, Status::Running);
    let snapshot = stage
        .bench
        .ask::<corral_contract::app::call::Snapshot>(Default::default())
        .await
        .expect("a snapshot");
    let told = snapshot.notices.iter().filter(|each| each.kind == NoticeKind::OperationFailed);
    assert_eq!(told.count(), 2);
}

// criterion: 3.1
#[tokio::test]
async fn cancelling_a_start_aborts_the_load() {
    let stage = Stage::quiet([library::pick("llama3.2:3b")]).await;
    let id = stage.id("llama3.2:3b").await;
    stage.server.hold_loads(true);
    let begun = stage.bench.ask::<call::Start>(start(id)).await.expect("begins");
    stage.server.until("the load begins", |server| !server.loading().is_empty()).await.expect("it");
    let cancel = TaskRef { id: begun.task };
    assert!(stage.bench.ask::<tasks::call::Cancel>(cancel).await.expect("answers").cancelled);
    assert_eq!(stage.ended(begun.task).await.state, TaskState::Cancelled);
    stage.server.until("the load ends", |server| server.loading().is_empty()).await.expect("it");
    assert_eq!(stage.row("llama3.2:3b").await.status, Status::Stopped);
}

// criterion: 3.2
#[tokio::test]
async fn closing_while_it_starts_ends_the_start_first() {
    let stage = Stage::quiet([library::pick("llama3.2:3b")]).await;
    let id = stage.id("llama3.2:3b").await;
    stage.server.hold_loads(true);
    let starting = stage.bench.ask::<call::Start>(start(id)).await.expect("begins");
    stage.until("llama3.2:3b", |row| row.is_some_and(|row| row.status == Status::Starting)).await;
    let closed = stage.bench.ask::<call::Close>(ModelRef { id }).await.expect("it is closed");
    assert_eq!(closed.task, starting.task, "the end of the start is what was asked for");
    assert_eq!(stage.ended(starting.task).await.state, TaskState::Cancelled);
    stage.until("llama3.2:3b", |row| row.is_some_and(|row| row.status == Status::Stopped)).await;
}

// criterion: 3.3
#[tokio::test]
async fn recreate_stops_resets_fetches_and_starts_again() {
    let stage = Stage::alive([library::pick("qwen3:0.6b")]).await;
    stage.start("qwen3:0.6b").await;
    let id = stage.id("qwen3:0.6b").await;
    stage.server.forget_requests();
    let begun = stage.bench.ask::<call::Recreate>(ModelRef { id }).await.expect("begins");
    let task = stage.ended(begun.task).await;
    assert_eq!(task.state, TaskState::Done, "{task:#?}");
    let row = stage.row("qwen3:0.6b").await;
    assert_eq!((row.status, row.message.as_str(), row.problem), (Status::Running, "", None));
    assert_eq!(stage.server.requests_to("POST", "/api/pull").len(), 1);
    assert_eq!(stage.server.loaded(), ["qwen3:0.6b"]);
    assert!(row.progress.is_none_or(|progress| progress.phase == Phase::Done));
}
