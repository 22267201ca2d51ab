//! Loading and unloading, where the server can load at all.

use corral_contract::{
    ErrorCode,
    downloads::JobState,
    models::{HistoryRequest, ModelRef, StartModel, StartOptions, call},
    settings::{self, Settings},
    status::{Cause, Status},
};
use corral_testbed::{content::Content, gguf::Gguf};

use crate::place::{Place, binary, can_load};

// criterion: 3.1
// criterion: 3.2
#[tokio::test(flavor = "multi_thread")]
async fn a_model_starts_and_stops() {
    let Some(binary) = binary() else { return };
    if !can_load(&binary) {
        return;
    }
    let place = Place::start(&binary).await;
    let (name, _) = place.publish("lab/run:latest");
    let job = place.create(&name).await;
    place.job(job.job, JobState::Done).await;
    let row = place.row_when(&name, |row| row.status == Status::Stopped).await;
    let options = StartOptions { num_ctx: Some(512), ..StartOptions::default() };
    place.ask::<call::Start>(StartModel::with(row.id, options)).await.expect("accepted");
    let running = place
        .row_when(&name, |row| {
            row.status != Status::Starting
                && row.operation.is_none()
                && row.status != Status::Stopped
        })
        .await;
    assert_eq!(running.status, Status::Running, "{:?}", running.problem);
    let memory = running.memory.expect("measured by the server");
    assert!(memory.bytes > 0);
    assert_eq!(memory.context_length, Some(512));

    place.ask::<call::Close>(ModelRef { id: row.id }).await.expect("accepted");
    place.row_when(&name, |row| row.status == Status::Stopped).await;
    let history = place
        .ask::<call::History>(HistoryRequest { model: Some(row.id), ..Default::default() })
        .await
        .expect("history");
    let last = history.items.first().expect("a change");
    assert_eq!((last.to, last.cause), (Status::Stopped, Cause::User));
}

// criterion: 3.8
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_runner_is_a_crash_and_an_unload_by_others_is_none() {
    let Some(binary) = binary() else { return };
    if !can_load(&binary) {
        return;
    }
    let place = Place::start(&binary).await;
    let quick = Settings { poll_visible_seconds: 1, ..Settings::default() };
    place.ask::<settings::call::Update>(quick).await.expect("taken");
    let (name, _) = place.publish("lab/watched:latest");
    let job = place.create(&name).await;
    place.job(job.job, JobState::Done).await;
    let row = place.row_when(&name, |row| row.status == Status::Stopped).await;
    let causes = async || {
        let request = HistoryRequest { model: Some(row.id), ..Default::default() };
        let history = place.ask::<call::History>(request).await.expect("history");
        history.items.first().map(|step| (step.to, step.cause))
    };
    let start = StartModel::with(row.id, StartOptions::default());

    place.ask::<call::Start>(start.clone()).await.expect("accepted");
    place.row_when(&name, |row| row.status == Status::Running && row.operation.is_none()).await;
    // Long enough for the runner to be seen.
    place.looks(3).await;
    let unload = serde_json::json!({ "model": name, "keep_alive": 0 });
    place.server_says("POST", "/api/generate", unload).await;
    place.row_when(&name, |row| row.status == Status::Stopped).await;
    assert_eq!(causes().await, Some((Status::Stopped, Cause::External)));

    place.ask::<call::Start>(start).await.expect("accepted");
    place.row_when(&name, |row| row.status == Status::Running && row.operation.is_none()).await;
    place.looks(3).await;
    let runners = place.server.runners();
    assert!(!runners.is_empty(), "the model has a runner");
    for runner in runners {
        let killed = std::process::Command::new("kill").args(["-9", &runner.to_string()]).status();
        assert!(killed.is_ok_and(|status| status.success()));
    }
    place.row_when(&name, |row| row.status == Status::Crashed).await;
    assert_eq!(causes().await, Some((Status::Crashed, Cause::Crash)));
}

// criterion: 3.7
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_no_model_fails_with_the_reason() {
    let Some(binary) = binary() else { return };
    if !can_load(&binary) {
        return;
    }
    let place = Place::start(&binary).await;
    let broken = Content::of(Gguf::default().bytes());
    let (name, _) = place.publish_weights("lab/broken:latest", broken);
    let job = place.create(&name).await;
    place.job(job.job, JobState::Done).await;
    let row = place.row_when(&name, |row| row.status == Status::Stopped).await;
    let start = StartModel::with(row.id, StartOptions::default());
    place.ask::<call::Start>(start).await.expect("accepted");
    let failed = place.row_when(&name, |row| row.status == Status::Failed).await;
    let code = failed.problem.expect("why").code;
    assert!(
        matches!(
            code,
            ErrorCode::ModelBroken | ErrorCode::RunnerCrashed | ErrorCode::NotSupportedByModel
        ),
        "{code:?}: {}",
        failed.message
    );
}
