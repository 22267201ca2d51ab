//! Syncing through the core's commands, against the fake Ollama.

use std::time::Duration;

use corral_contract::{
    ErrorCode, WireError, app,
    event::AppEvent,
    instances::InstanceRef,
    models::{CreateModel, ModelRef, call as models},
    status::{Action, Cause, Install, Origin, Status},
    sync::{Change, SyncHistoryRequest, SyncReport, SyncReportRef, Trigger, call},
};
use corral_testbed::ollama::{Fault, Model, Pace, library};

use crate::{
    stage::{Stage, time},
    support::START,
};

mod history;
mod schedule;

async fn sync(stage: &Stage) -> Result<SyncReport, WireError> {
    stage.bench.ask::<call::Run>(InstanceRef { id: stage.instance }).await
}

fn counts(report: &SyncReport) -> (u32, u32, u32, u32) {
    (report.added, report.updated, report.removed, report.unchanged)
}

fn remove(stage: &Stage, name: &str) {
    let name = Model::new(name).name;
    assert!(stage.server.store(|store| store.remove(&name)));
}

// criterion: 4.1
// criterion: 4.3
#[tokio::test]
async fn a_sync_tells_added_updated_removed_and_unchanged() {
    let stage =
        Stage::quiet([library::pick("llama3.2:3b"), library::pick("qwen3:8b"), Model::new("c:1")])
            .await;
    assert_eq!(counts(&sync(&stage).await.expect("a report")), (0, 0, 0, 3));
    stage.server.install(Model::new("c:1").weights_size(123_456));
    stage.server.install(Model::new("New:2"));
    remove(&stage, "qwen3:8b");
    let mut listener = stage.bench.core.bus.listen();
    let report = sync(&stage).await.expect("a report");
    assert_eq!(counts(&report), (1, 1, 1, 1));
    let changes: Vec<_> =
        report.items.iter().map(|item| (item.name.as_str(), item.change)).collect();
    assert_eq!(
        changes,
        [("New:2", Change::Added), ("c:1", Change::Updated), ("qwen3:8b", Change::Removed)]
    );
    assert_eq!((report.trigger, report.errors.len()), (Trigger::User, 0));
    assert!(report.task.is_some(), "one that the user asked for is a task with a log");
    let again = stage.bench.ask::<call::Report>(SyncReportRef { id: report.id }).await;
    assert_eq!(again.expect("it was kept"), report, "with every item, also later");
    let never = stage.bench.ask::<call::Report>(SyncReportRef { id: report.id + 1 }).await;
    assert_eq!(never.expect_err("there is no such report").code, ErrorCode::NotFound);
    let mut told = (false, false);
    while !(told.0 && told.1) {
        match &listener.next().await.expect("the core lives").event {
            AppEvent::Sync(progress) => told.0 |= progress.running,
            AppEvent::SyncDone(done) => told.1 |= *done == report,
            _ => {}
        }
    }
}

// criterion: 4.1
#[tokio::test]
async fn two_at_once_are_one_and_an_unchanged_list_is_not_compared() {
    let stage = Stage::quiet([library::pick("llama3.2:3b")]).await;
    stage.server.latency("/api/tags", Duration::from_millis(100));
    stage.server.install(library::pick("qwen3:8b"));
    stage.server.forget_requests();
    let (first, second) = tokio::join!(sync(&stage), sync(&stage));
    let (first, second) = (first.expect("a report"), second.expect("a report"));
    assert_eq!(first, second);
    assert_eq!(stage.server.requests_to("GET", "/api/tags").len(), 1);
    assert_eq!(counts(&sync(&stage).await.expect("a report")), (0, 0, 0, 2));
}

// criterion: 4.2
#[tokio::test]
async fn an_update_takes_over_what_changed_and_names_aliases() {
    let base = Model::new("base:1").weights_size(1000);
    let stage = Stage::quiet([base.clone(), Model::new("Other:1")]).await;
    let before = stage.row("base:1").await;
    stage.server.install(base.weights_size(2000).modified_at(time(START.plus(5000))));
    sync(&stage).await.expect("a report");
    let after = stage.row("base:1").await;
    assert_ne!((after.bytes, &after.digest), (before.bytes, &before.digest));
    assert_eq!(after.modified_at, Some(START.plus(5000)));
    assert_eq!(after.created_at, before.created_at, "first seen stays");
    let copy = reqwest::Client::new().post(format!("{}/api/copy", stage.server.url()));
    let body = r#"{"source":"base:1","destination":"alias:1"}"#;
    let answer = copy.body(body).send().await.expect("it answers");
    assert!(answer.status().is_success());
    sync(&stage).await.expect("a report");
    assert_eq!(stage.row("alias:1").await.aliases, ["base:1"]);
    assert_eq!(stage.row("base:1").await.aliases, ["alias:1"]);
}

// criterion: 4.2
#[tokio::test]
async fn a_small_difference_changes_nothing_else() {
    let picked = library::pick("llama3.2:3b");
    let stage = Stage::quiet([picked.clone(), Model::new("other:1")]).await;
    let before = stage.row("llama3.2:3b").await;
    assert!(before.family.is_some() && !before.capabilities.is_empty());
    stage.server.install(picked.modified_at(time(START.plus(5000))));
    assert_eq!(counts(&sync(&stage).await.expect("a report")), (0, 1, 0, 1));
    let after = stage.row("llama3.2:3b").await;
    assert_eq!(after.modified_at, Some(START.plus(5000)));
    let mut same = after.clone();
    (same.modified_at, same.seen_at) = (before.modified_at, before.seen_at);
    assert_eq!(same, before);
    assert_eq!(counts(&sync(&stage).await.expect("a report")), (0, 0, 0, 2));
    // What the server no longer tells is no longer known.
    stage.server.missing_fields(&["details", "digest", "capabilities"]);
    assert_eq!(sync(&stage).await.expect("a report").updated, 2);
    let bare = stage.row("llama3.2:3b").await;
    assert_eq!((&bare.digest, &bare.family, bare.bytes), (&None, &None, before.bytes));
    assert!(bare.capabilities.is_empty() && bare.context_length.is_none());
    assert_eq!(bare.status, Status::Stopped);
}

// criterion: 4.2
#[tokio::test]
async fn what_is_in_the_queue_is_left_to_the_queue() {
    let stage = Stage::alive([library::pick("llama3.2:3b")]).await;
    stage.server.pace(Pace::Gated);
    let wish = CreateModel {
        instance: stage.instance,
        name: "qwen3:0.6b".to_owned(),
        priority: Default::default(),
        start_when_done: false,
        update: false,
        insecure: false,
        force: false,
    };
    stage.bench.ask::<models::Create>(wish).await.expect("it is queued");
    stage
        .until("qwen3:0.6b", |row| row.is_some_and(|row| row.install == Install::Downloading))
        .await;
    let report = sync(&stage).await.expect("a report");
    assert_eq!(report.removed, 0);
    assert_eq!(stage.row("qwen3:0.6b").await.install, Install::Downloading);
    // Somebody else installs it meanwhile: still ours to finish.
    stage.server.install(library::pick("qwen3:0.6b"));
    sync(&stage).await.expect("a report");
    assert_eq!(stage.row("qwen3:0.6b").await.install, Install::Downloading);
}

// criterion: 4.4
#[tokio::test]
async fn each_way_to_fail_has_its_class_and_leaves_the_models_alone() {
    let stage = Stage::quiet([library::pick("llama3.2:3b")]).await;
    let cases = [
        (Fault::Status(500, "disk on fire".to_owned()), ErrorCode::ServerFault),
        (Fault::TruncatedJson, ErrorCode::BadAnswer),
        (Fault::CutBody, ErrorCode::ConnectionLost),
    ];
    for (fault, code) in cases {
        stage.server.fault_once("/api/tags", fault.clone());
        let error = sync(&stage).await.expect_err("it fails");
        assert_eq!(error.code, code, "{fault:?}: {error}");
        let row = stage.row("llama3.2:3b").await;
        assert_eq!(row.status, Status::Stopped);
    }
    let request = SyncHistoryRequest {
        instance: Some(stage.instance),
        limit: 10,
        ..SyncHistoryRequest::default()
    };
    let history = stage.bench.ask::<call::History>(request).await.expect("the history");
    assert_eq!(history.items.len(), 4, "failures leave their report");
    assert_eq!(history.items[0].errors[0].code, ErrorCode::ConnectionLost);
    assert!(history.items.is_sorted_by_key(|report| std::cmp::Reverse(report.id)));
    let snapshot =
        stage.bench.ask::<app::call::Snapshot>(Default::default()).await.expect("a snapshot");
    let failing = snapshot
        .notices
        .iter()
        .filter(|notice| notice.kind == app::NoticeKind::SyncFailing)
        .count();
    assert_eq!(failing, 1, "told once, after three in a row");
}

// criterion: 4.5
#[tokio::test]
async fn an_unknown_model_gets_a_row_with_its_origin_and_age() {
    let stage = Stage::quiet([]).await;
    let age = START.plus(-86_400_000);
    stage.server.install(library::pick("llama3.2:3b").modified_at(time(age)));
    stage.server.install(library::pick("hf.co/unsloth/gemma-3-4b-it-GGUF:Q8_0"));
    stage.server.install(Model::new("team/bot:v7"));
    assert_eq!(sync(&stage).await.expect("a report").added, 3);
    let found = stage.row("llama3.2:3b").await;
    assert_eq!((found.from, found.created_at), (Origin::Official, age));
    assert_eq!(stage.row("hf.co/unsloth/gemma-3-4b-it-GGUF:Q8_0").await.from, Origin::Remote);
    assert_eq!(stage.row("team/bot:v7").await.from, Origin::Remote);
    let history = stage.history(found.id).await;
    assert_eq!((history[0].from, history[0].cause), (None, Cause::Sync));
}

// criterion: 4.6
#[tokio::test]
async fn a_missing_model_becomes_unavailable_and_comes_back_by_itself() {
    let stage = Stage::quiet([library::pick("llama3.2:3b"), library::pick("qwen3:8b")]).await;
    let id = stage.id("qwen3:8b").await;
    remove(&stage, "qwen3:8b");
    assert_eq!(sync(&stage).await.expect("a report").removed, 1);
    let row = stage.row("qwen3:8b").await;
    assert_eq!((row.id, row.status), (id, Status::Unavailable));
    assert_eq!(row.actions, [Action::Resume, Action::Recreate, Action::Delete]);
    assert_eq!(stage.history(id).await[0].to, Status::Unavailable);
    stage.server.install(library::pick("qwen3:8b"));
    sync(&stage).await.expect("a report");
    assert_eq!(stage.row("qwen3:8b").await.status, Status::Stopped);
}

// criterion: 4.6
#[tokio::test]
async fn a_list_that_is_suddenly_empty_asks_before_anything_is_marked() {
    let stage = Stage::quiet([library::pick("llama3.2:3b"), library::pick("qwen3:8b")]).await;
    stage.server.wipe();
    let report = sync(&stage).await.expect("a report");
    assert!(report.asks_empty);
    assert_eq!(report.errors[0].code, ErrorCode::EmptyListSuspicious);
    assert_eq!(counts(&report), (0, 0, 0, 0));
    assert_eq!(stage.row("qwen3:8b").await.status, Status::Stopped);
    assert!(sync(&stage).await.expect("a report").asks_empty, "it asks until it is answered");
    let agree = InstanceRef { id: stage.instance };
    let report = stage.bench.ask::<call::ConfirmEmpty>(agree).await.expect("a report");
    assert_eq!((report.removed, report.asks_empty), (2, false));
    assert_eq!(stage.row("qwen3:8b").await.status, Status::Unavailable);
}

// criterion: 4.6
#[tokio::test]
async fn an_instance_that_is_offline_has_no_unavailable_models() {
    let stage = Stage::quiet([library::pick("llama3.2:3b")]).await;
    stage.server.offline(true);
    let error = sync(&stage).await.expect_err("it cannot be asked");
    assert!(
        matches!(error.code, ErrorCode::ConnectionLost | ErrorCode::ConnectionRefused),
        "{error}"
    );
    assert_eq!(stage.row("llama3.2:3b").await.install, Install::Ready);
}

#[tokio::test]
async fn models_listed_twice_and_fields_nobody_knows_do_no_harm() {
    let stage = Stage::quiet([library::pick("llama3.2:3b")]).await;
    stage.server.duplicate_in_tags(true);
    stage.server.unknown_fields(true);
    stage.server.install(library::pick("qwen3:8b"));
    let report = sync(&stage).await.expect("a report");
    assert_eq!((report.added, report.removed, report.errors.len()), (1, 0, 0));
    stage.server.missing_fields(&["size", "details", "digest", "modified_at"]);
    sync(&stage).await.expect("a report");
    let row = stage.row("qwen3:8b").await;
    assert_eq!((row.bytes, row.size.as_str(), row.status), (None, "", Status::Stopped));
}

// criterion: 4.1
#[tokio::test]
async fn it_syncs_by_itself_after_operations() {
    let stage = Stage::alive([library::pick("llama3.2:3b")]).await;
    let mut listener = stage.bench.core.bus.listen();
    stage.server.install(library::pick("qwen3:8b"));
    stage.start("llama3.2:3b").await;
    stage.until("qwen3:8b", |row| row.is_some()).await;
    // That may have been the sync at the start of the app; this one cannot.
    stage.server.install(library::pick("gemma3:4b"));
    let id = stage.id("llama3.2:3b").await;
    stage.bench.ask::<models::Close>(ModelRef { id }).await.expect("it closes");
    loop {
        if let AppEvent::SyncDone(report) = &listener.next().await.expect("the core lives").event
            && report.items.iter().any(|item| item.name == "gemma3:4b")
        {
            assert_eq!(report.trigger, Trigger::Operation);
            break;
        }
    }
}
