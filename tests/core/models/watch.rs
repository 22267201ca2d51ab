use std::time::Duration;

use corral_contract::{
    app,
    models::ModelRow,
    settings::{self, Settings},
    status::{Action, Cause, Run, Status},
};
use corral_testbed::ollama::{KeepAlive, library};

use crate::stage::Stage;

const KEEP: KeepAlive = KeepAlive::For(Duration::from_secs(300));

async fn quick(stage: &Stage) {
    let settings = Settings { poll_visible_seconds: 1, ..Settings::default() };
    stage.bench.ask::<settings::call::Update>(settings).await.expect("the settings are taken");
}

fn is(status: Status) -> impl Fn(Option<&ModelRow>) -> bool {
    move |row| row.is_some_and(|row| row.status == status)
}

// criterion: 0.3
// criterion: 3.4
#[tokio::test]
async fn what_other_clients_do_is_seen_with_its_cause() {
    let stage = Stage::alive([library::pick("llama3.2:3b"), library::pick("qwen3:8b")]).await;
    quick(&stage).await;
    let id = stage.id("llama3.2:3b").await;
    assert!(stage.server.external_load("llama3.2:3b", KEEP));
    let row = stage.until("llama3.2:3b", is(Status::Running)).await.expect("a row");
    assert!(row.memory.is_some_and(|memory| memory.bytes > 0));
    stage.server.expire_now();
    stage.until("llama3.2:3b", is(Status::Stopped)).await;
    let causes: Vec<_> = stage.history(id).await.iter().map(|step| (step.to, step.cause)).collect();
    assert_eq!(
        causes[..2],
        [(Status::Stopped, Cause::External), (Status::Running, Cause::External)]
    );
}

// criterion: 3.8
#[tokio::test]
async fn what_we_started_and_vanishes_before_its_time_has_crashed() {
    let stage = Stage::alive([library::pick("llama3.2:3b")]).await;
    quick(&stage).await;
    stage.start("llama3.2:3b").await;
    stage.server.expire_now();
    let row = stage.until("llama3.2:3b", is(Status::Crashed)).await.expect("a row");
    assert!(row.actions.contains(&Action::Start));
    assert_eq!(stage.history(row.id).await[0].cause, Cause::Crash);
    // A start forgets the crash.
    stage.start("llama3.2:3b").await;
    stage.until("llama3.2:3b", is(Status::Running)).await;
}

// criterion: 3.8
// criterion: 4.6
#[tokio::test]
async fn an_instance_that_goes_away_makes_nothing_crash_or_unavailable() {
    let stage = Stage::alive([library::pick("llama3.2:3b"), library::pick("qwen3:8b")]).await;
    quick(&stage).await;
    stage.start("llama3.2:3b").await;
    stage.server.offline(true);
    stage.probe().await;
    let row = stage
        .until("llama3.2:3b", |row| row.is_some_and(|row| row.run == Run::Unknown))
        .await
        .expect("a row");
    assert_eq!((row.status, row.online), (Status::Stopped, false));
    assert_eq!(stage.history(row.id).await[0].cause, Cause::Instance);
    assert_eq!(stage.row("qwen3:8b").await.status, Status::Stopped);
    stage.server.offline(false);
    stage.probe().await;
    let row = stage.until("llama3.2:3b", is(Status::Running)).await.expect("a row");
    assert!(row.online);
    assert_eq!(stage.history(row.id).await[0].cause, Cause::Instance);
}

// criterion: 0.3
#[tokio::test]
async fn a_window_that_shows_again_looks_at_once() {
    let stage = Stage::alive([library::pick("llama3.2:3b")]).await;
    let settings =
        Settings { poll_visible_seconds: 60, poll_hidden_seconds: 600, ..Settings::default() };
    stage.bench.ask::<settings::call::Update>(settings).await.expect("the settings are taken");
    let visible = |visible| app::Visible { visible };
    stage.bench.ask::<app::call::SetVisible>(visible(false)).await.expect("it hides");
    stage.server.external_load("llama3.2:3b", KEEP);
    stage.bench.ask::<app::call::SetVisible>(visible(true)).await.expect("it shows");
    stage.until("llama3.2:3b", is(Status::Running)).await;
}

// criterion: 0.3
#[tokio::test]
async fn a_running_model_that_nobody_knew_is_found() {
    let stage = Stage::alive([library::pick("llama3.2:3b")]).await;
    quick(&stage).await;
    stage.server.install(library::pick("qwen3:8b"));
    stage.server.external_load("qwen3:8b", KEEP);
    stage.until("qwen3:8b", is(Status::Running)).await;
}
