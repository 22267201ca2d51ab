//! Two windows' worth of commands on one model.

use corral_contract::{
    ErrorCode,
    models::{CreateModel, DeleteModels, StartModel, call},
    status::Status,
};
use corral_testbed::ollama::{Pace, library};

use crate::stage::Stage;

fn create(stage: &Stage, name: &str) -> CreateModel {
    CreateModel {
        instance: stage.instance,
        name: name.to_owned(),
        priority: Default::default(),
        start_when_done: false,
        update: true,
        insecure: false,
        force: false,
    }
}

#[tokio::test]
async fn a_start_while_it_is_being_deleted_finds_no_model() {
    let stage = Stage::quiet([library::pick("llama3.2:3b")]).await;
    let id = stage.id("llama3.2:3b").await;
    let delete = DeleteModels { ids: vec![id], force: false, ..Default::default() };
    let start = StartModel::with(id, Default::default());
    let (deleted, started) = tokio::join!(
        stage.bench.ask::<call::Delete>(delete),
        stage.bench.ask::<call::Start>(start)
    );
    // One of them wins; the other is told why not.
    match (deleted, started) {
        (Ok(_), Err(error)) => {
            assert_eq!(error.code, ErrorCode::NotFound);
            assert!(stage.find("llama3.2:3b").await.is_none());
        }
        (Err(error), Ok(running)) => {
            assert!(matches!(error.code, ErrorCode::Busy | ErrorCode::WrongState), "{error}");
            stage.ended(running.task).await;
            assert_eq!(stage.row("llama3.2:3b").await.status, Status::Running);
        }
        other => panic!("exactly one wins: {other:?}"),
    }
}

#[tokio::test]
async fn a_model_that_is_being_pulled_is_not_deleted() {
    let stage = Stage::alive([]).await;
    stage.server.pace(Pace::Gated);
    stage.bench.ask::<call::Create>(create(&stage, "qwen3:0.6b")).await.expect("it is queued");
    let row = stage.until("qwen3:0.6b", |row| row.is_some()).await.expect("a row");
    let delete = DeleteModels { ids: vec![row.id], force: false, ..Default::default() };
    let refused = stage.bench.ask::<call::Delete>(delete).await.expect_err("it is refused");
    assert_eq!(refused.code, ErrorCode::WrongState);
    assert!(stage.find("qwen3:0.6b").await.is_some());
}

#[tokio::test]
async fn asking_for_a_model_whose_delete_waits_is_told_so_and_undo_brings_it_back_whole() {
    let stage = Stage::alive([library::pick("qwen3:0.6b")]).await;
    let id = stage.id("qwen3:0.6b").await;
    let delete = DeleteModels { ids: vec![id], force: false, ..Default::default() };
    let batch = stage.bench.ask::<call::Delete>(delete).await.expect("it is accepted");
    let refused = stage.bench.ask::<call::Create>(create(&stage, "qwen3:0.6b")).await;
    let error = refused.expect_err("the delete comes first");
    assert_eq!((error.code, error.params["operation"].as_str()), (ErrorCode::Busy, "delete"));
    stage.bench.ask::<call::UndoDelete>(batch).await.expect("it is taken back");
    let row = stage.row("qwen3:0.6b").await;
    assert_eq!((row.id, row.status, row.progress), (id, Status::Stopped, None));
    assert!(stage.server.requests_to("DELETE", "/api/delete").is_empty());
}

#[tokio::test]
async fn twenty_clicks_of_all_kinds_leave_a_state_the_server_confirms() {
    let stage = Stage::alive([library::pick("llama3.2:3b")]).await;
    let id = stage.id("llama3.2:3b").await;
    let mut clicks = Vec::new();
    for click in 0..20 {
        let core = stage.bench.core.clone();
        clicks.push(tokio::spawn(async move {
            let actor = corral_contract::audit::Actor::Window;
            if click % 2 == 0 {
                let start = StartModel::with(id, Default::default());
                core.run::<call::Start>(actor, start).await
            } else {
                core.run::<call::Close>(actor, corral_contract::models::ModelRef { id }).await
            }
        }));
    }
    for click in clicks {
        if let Ok(operation) = click.await.expect("it returns") {
            stage.ended(operation.task).await;
        }
    }
    let row = stage
        .until("llama3.2:3b", |row| row.is_some_and(|row| row.operation.is_none()))
        .await
        .expect("a row");
    let loaded = !stage.server.loaded().is_empty();
    assert_eq!(row.status == Status::Running, loaded, "{row:#?}");
    assert!(matches!(row.status, Status::Running | Status::Stopped));
}
