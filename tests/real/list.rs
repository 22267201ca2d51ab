//! What the server has and what Corral knows.

use std::sync::Arc;

use corral_contract::{
    app,
    downloads::JobState,
    models::{DeleteModels, ModelRef, call},
    settings::{self, Settings},
    status::Status,
    sync::{self, Rhythm, Schedule, SetSchedule, SyncHistoryRequest, Trigger},
};
use corral_core::clock::{Clock, ManualClock, SystemClock};
use corral_testbed::gguf::Gguf;

use crate::place::{Place, binary, wait};

// criterion: 4.5
// criterion: 4.6
#[tokio::test(flavor = "multi_thread")]
async fn sync_follows_what_other_clients_do() {
    let Some(binary) = binary() else { return };
    let place = Place::start(&binary).await;
    let (name, _) = place.publish("lab/one:latest");
    let job = place.create(&name).await;
    place.job(job.job, JobState::Done).await;
    place.sync().await;

    let copy = serde_json::json!({ "source": name, "destination": "copied:v1" });
    place.server_says("POST", "/api/copy", copy).await;
    let report = place.sync().await;
    assert_eq!((report.added, report.removed), (1, 0), "{report:?}");
    let row = place.row("copied:v1").await.expect("found by the sync");
    assert_eq!(row.status, Status::Stopped);
    assert_eq!(row.aliases, std::slice::from_ref(&name), "the same manifest under two names");

    place.server_says("DELETE", "/api/delete", serde_json::json!({ "model": "copied:v1" })).await;
    let report = place.sync().await;
    assert_eq!((report.added, report.removed), (0, 1), "{report:?}");
    assert_eq!(place.row("copied:v1").await.expect("kept").status, Status::Unavailable);
    assert_eq!(place.sync().await.removed, 0, "told once");
}

// criterion: 4.5
// criterion: 4.7
#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_finds_what_the_command_line_made() {
    let Some(binary) = binary() else { return };
    let clock = ManualClock::at(SystemClock.now());
    let hand = clock.clone();
    let place = Place::with(&binary, |config| config.clock = Arc::new(hand)).await;
    let off = Settings { sync_minutes: 0, ..Settings::default() };
    place.ask::<settings::call::Update>(off).await.expect("nothing else syncs");
    let (row, _) = place.fetched("lab/seen:latest", &Gguf::tiny()).await;
    place.sync().await;
    let rhythm = Rhythm::Every { minutes: 30 };
    let own = Schedule { rhythm, on_start: false, on_wake: false, ..Schedule::default() };
    let request = SetSchedule { id: place.instance, schedule: Some(own) };
    place.ask::<sync::call::SaveSchedule>(request).await.expect("saved");
    place.server.command_line(&["cp", &row.name, "by-hand:v1"]);
    assert!(place.row("by-hand:v1").await.is_none(), "its time has not come");

    clock.advance(31 * 60_000);
    place.ask::<app::call::SetVisible>(app::Visible { visible: true }).await.expect("told");
    let found = place.row_when("by-hand:v1", |row| row.digest.is_some()).await;
    assert_eq!(found.digest, row.digest);
    let request = SyncHistoryRequest { trigger: Some(Trigger::Interval), ..Default::default() };
    let report = wait("the report", || async {
        let history = place.ask::<sync::call::History>(request).await.expect("the history");
        history.items.into_iter().next()
    })
    .await;
    assert_eq!((report.added, report.removed), (1, 0), "{report:?}");
}

// criterion: 1.6
#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_model_is_gone_from_the_server() {
    let Some(binary) = binary() else { return };
    let place = Place::start(&binary).await;
    let at_once = Settings { undo_seconds: 0, ..Settings::default() };
    place.ask::<settings::call::Update>(at_once).await.expect("no undo window");
    let (name, _) = place.publish("lab/old:latest");
    let job = place.create(&name).await;
    place.job(job.job, JobState::Done).await;
    let row = place.row_when(&name, |row| row.status == Status::Stopped).await;
    place
        .ask::<call::Delete>(DeleteModels { ids: vec![row.id], force: false, ..Default::default() })
        .await
        .expect("accepted");
    wait("the server to forget it", || async {
        let tags = place.server_says("GET", "/api/tags", serde_json::Value::Null).await;
        (!tags.contains(&name)).then_some(())
    })
    .await;
    wait("the row to go", || async { place.row(&name).await.is_none().then_some(()) }).await;
}

// criterion: 1.5
#[tokio::test(flavor = "multi_thread")]
async fn details_come_parsed_and_survive_the_server() {
    let Some(binary) = binary() else { return };
    let mut place = Place::start(&binary).await;
    let (name, _) = place.publish("lab/told:latest");
    let job = place.create(&name).await;
    place.job(job.job, JobState::Done).await;
    let row = place.row_when(&name, |row| row.status == Status::Stopped).await;
    let detail =
        place.ask::<call::LoadDetail>(ModelRef { id: row.id }).await.expect("a known model");
    let show = detail.show.expect("the server tells");
    assert_eq!(show.architecture.as_deref(), Some("llama"));
    assert_eq!(show.context_length, Some(2048));
    assert_eq!(show.template.as_deref(), Some("{{ .Prompt }}"));
    assert_eq!(detail.cached_at, None);

    place.server.kill();
    place.row_when(&name, |row| !row.online).await;
    let cached =
        place.ask::<call::LoadDetail>(ModelRef { id: row.id }).await.expect("from the cache");
    assert_eq!(cached.show.expect("kept").context_length, Some(2048));
    assert!(cached.cached_at.is_some(), "marked as a copy");
}
