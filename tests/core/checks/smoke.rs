use corral_contract::{
    ErrorCode,
    checks::{SmokeOutcome, call},
    models::ModelRef,
    settings::{Settings, call::Update},
    tasks::TaskState,
};
use corral_testbed::ollama::{Fault, Model};

use super::{MB, layers};
use crate::{downloads::direct::Place, stage::Stage, support::until};

async fn smoke(stage: &Stage, name: &str) -> corral_contract::tasks::TaskView {
    let id = stage.id(name).await;
    let task = stage.bench.ask::<call::Smoke>(ModelRef { id }).await.expect("it begins").task;
    stage.ended(task).await
}

async fn result(stage: &Stage, name: &str) -> Option<corral_contract::checks::SmokeResult> {
    let id = stage.id(name).await;
    let detail = stage.bench.ask::<corral_contract::models::call::LoadDetail>(ModelRef { id });
    detail.await.expect("details").smoke
}

// criterion: 2.5
#[tokio::test(flavor = "multi_thread")]
async fn one_token_says_that_a_model_works_and_leaves_nothing_in_memory() {
    let stage = Stage::quiet([Model::new("good")]).await;
    let view = smoke(&stage, "good:latest").await;
    assert_eq!(view.state, TaskState::Done, "{:?}", view.problem);
    let good = result(&stage, "good:latest").await.expect("a result");
    assert_eq!(good.outcome, SmokeOutcome::Passed);
    assert!(good.ms.is_some());
    let asked = stage.server.requests_to("POST", "/api/generate");
    assert_eq!(asked.len(), 1);
    stage
        .server
        .until("it is out of memory", |server| server.loaded().is_empty())
        .await
        .expect("so");
}

// criterion: 2.5
#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_cannot_answer_fails_with_the_reason() {
    let stage = Stage::quiet([Model::new("bad")]).await;
    let text = "error loading model: tensor is missing".to_owned();
    stage.server.fault("/api/generate", Fault::Status(500, text));
    let view = smoke(&stage, "bad:latest").await;
    assert_eq!(view.problem.expect("why").code, ErrorCode::ModelBroken);
    let bad = result(&stage, "bad:latest").await.expect("a result");
    assert_eq!(bad.outcome, SmokeOutcome::Failed);
    assert_eq!(bad.problem.expect("why").code, ErrorCode::ModelBroken);
}

// criterion: 2.5
#[tokio::test(flavor = "multi_thread")]
async fn what_no_memory_could_hold_is_not_tested() {
    let stage = Stage::alive([Model::new("huge").weights_size(900_000_000 * MB)]).await;
    let measured = async || {
        let snapshot = stage.bench.ask::<corral_contract::app::call::Snapshot>(Default::default());
        snapshot.await.expect("a snapshot").host.ram_total
    };
    until(&stage.bench.core, "this machine is measured", measured).await;
    let view = smoke(&stage, "huge:latest").await;
    assert_eq!(view.state, TaskState::Done, "{:?}", view.problem);
    let huge = result(&stage, "huge:latest").await.expect("a result");
    assert_eq!(huge.outcome, SmokeOutcome::NotTested);
    assert!(stage.server.requests_to("POST", "/api/generate").is_empty());
}

// criterion: 2.5
#[tokio::test(flavor = "multi_thread")]
async fn a_download_is_tried_out_when_that_is_wished() {
    let place = Place::new().await;
    let wish = Settings { smoke_test: true, ..Settings::default() };
    place.bench.ask::<Update>(wish).await.expect("taken");
    let id = place.with_model("large", &layers(131, MB)).await;
    let tried = async || place.detail(id).await.smoke;
    let result = until(&place.bench.core, "it is tried out", tried).await;
    assert_eq!(result.outcome, SmokeOutcome::Passed);
}
