//! Loading and unloading, where the server can load at all.

use corral_contract::{
    ErrorCode,
    downloads::JobState,
    models::{ModelRef, StartModel, StartOptions, call},
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
    place.ask::<call::Start>(StartModel { id: row.id, options }).await.expect("accepted");
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
        .ask::<call::History>(corral_contract::models::HistoryRequest {
            model: Some(row.id),
            ..Default::default()
        })
        .await
        .expect("history");
    let last = history.items.first().expect("a change");
    assert_eq!((last.to, last.cause), (Status::Stopped, Cause::User));
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
    let start = StartModel { id: row.id, options: StartOptions::default() };
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
