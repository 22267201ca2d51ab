//! Past reports: what each says, finding and comparing them, and when they are forgotten.

use corral_contract::{
    ErrorCode,
    event::AppEvent,
    instances::InstanceRef,
    settings::{Settings, call as settings},
    sync::{
        Change, CompareReports, FieldChange, SyncField, SyncHistory, SyncHistoryRequest, SyncItem,
        SyncReportRef, SyncResult, Trigger, call,
    },
};
use corral_testbed::ollama::{Fault, Model, library};

use super::{remove, sync};
use crate::{stage::Stage, support::until};

async fn history(stage: &Stage, request: SyncHistoryRequest) -> SyncHistory {
    stage.bench.ask::<call::History>(request).await.expect("the history")
}

fn field(item: &SyncItem, wanted: SyncField) -> Option<&FieldChange> {
    item.fields.iter().find(|each| each.field == wanted)
}

// criterion: 4.8
#[tokio::test]
async fn a_report_says_what_differs_of_each_model() {
    let base = Model::new("base:1").weights_size(1000);
    let stage = Stage::quiet([base.clone(), Model::new("going:1")]).await;
    let before = stage.row("base:1").await;
    stage.server.install(base.weights_size(2000));
    stage.server.install(Model::new("new:1"));
    remove(&stage, "going:1");
    let report = sync(&stage).await.expect("a report");
    let kept = stage.bench.ask::<call::Report>(SyncReportRef { id: report.id }).await;
    let items = kept.expect("it was kept").items;
    let item = |name: &str| items.iter().find(|item| item.name == name).expect("it is named");
    let after = stage.row("base:1").await;
    let digest = field(item("base:1"), SyncField::Digest).expect("the digest changed");
    assert_eq!((&digest.before, &digest.after), (&before.digest, &after.digest));
    let size = field(item("base:1"), SyncField::Size).expect("the size changed");
    assert_eq!(size.after, after.bytes.map(|bytes| bytes.to_string()));
    assert!(field(item("base:1"), SyncField::Family).is_none(), "the same as before");
    let new = field(item("new:1"), SyncField::Size).expect("its size");
    assert!(new.before.is_none() && new.after.is_some());
    let gone = field(item("going:1"), SyncField::Digest).expect("what it was");
    assert!(gone.before.is_some() && gone.after.is_none());
}

// criterion: 4.8
#[tokio::test]
async fn reports_are_found_by_trigger_and_result_and_come_in_pages() {
    let stage = Stage::quiet([library::pick("llama3.2:3b")]).await;
    sync(&stage).await.expect("a report");
    stage.server.install(library::pick("qwen3:8b"));
    let changed = sync(&stage).await.expect("a report");
    stage.server.fault_once("/api/tags", Fault::TruncatedJson);
    sync(&stage).await.expect_err("it fails");
    let only = |result| SyncHistoryRequest { result: Some(result), ..Default::default() };
    // The first sync of the stage found a model.
    let found = history(&stage, only(SyncResult::Changed)).await;
    assert_eq!(found.items.len(), 2);
    assert_eq!(found.items[0].id, changed.id);
    assert_eq!(history(&stage, only(SyncResult::Unchanged)).await.items.len(), 1);
    let failed = history(&stage, only(SyncResult::Failed)).await.items;
    assert_eq!(failed[0].errors[0].code, ErrorCode::BadAnswer);
    assert!(history(&stage, only(SyncResult::Stopped)).await.items.is_empty());
    for report in &history(&stage, SyncHistoryRequest::default()).await.items {
        let same = history(&stage, only(report.result())).await.items;
        assert!(same.iter().any(|each| each.id == report.id), "both sides agree: {report:?}");
    }
    let other = SyncHistoryRequest { trigger: Some(Trigger::Interval), ..Default::default() };
    assert!(history(&stage, other).await.items.is_empty());

    let page = SyncHistoryRequest { limit: 3, ..SyncHistoryRequest::default() };
    let first = history(&stage, page).await;
    assert_eq!((first.items.len(), first.more), (3, true));
    let before = Some(first.items[2].id);
    let rest = history(&stage, SyncHistoryRequest { before, ..page }).await;
    assert_eq!((rest.items.len(), rest.more), (1, false));
}

// criterion: 4.8
#[tokio::test]
async fn two_reports_tell_what_changed_from_one_to_the_other() {
    let base = Model::new("base:1").weights_size(1000);
    let stage = Stage::quiet([base.clone(), Model::new("gone:1"), Model::new("back:1")]).await;
    let first = sync(&stage).await.expect("a report");
    let old = stage.row("base:1").await.digest;
    // Changed twice, gone, away and back, and one that came and went.
    stage.server.install(base.clone().weights_size(2000));
    stage.server.install(Model::new("guest:1"));
    remove(&stage, "back:1");
    sync(&stage).await.expect("a report");
    stage.server.install(base.weights_size(3000));
    stage.server.install(Model::new("back:1"));
    stage.server.install(Model::new("new:1"));
    remove(&stage, "gone:1");
    remove(&stage, "guest:1");
    let last = sync(&stage).await.expect("a report");

    let request = CompareReports { one: last.id, other: first.id };
    let compared = stage.bench.ask::<call::Compare>(request).await.expect("a comparison");
    assert_eq!((compared.earlier.id, compared.later.id), (first.id, last.id));
    assert!(compared.whole);
    let changes: Vec<_> =
        compared.items.iter().map(|item| (item.name.as_str(), item.change)).collect();
    assert_eq!(
        changes,
        [("new:1", Change::Added), ("base:1", Change::Updated), ("gone:1", Change::Removed)]
    );
    let digest = field(&compared.items[1], SyncField::Digest).expect("the digest changed");
    assert_eq!(digest.before, old);
    assert_eq!(digest.after, stage.row("base:1").await.digest);

    let same = CompareReports { one: last.id, other: last.id };
    let refused = stage.bench.ask::<call::Compare>(same).await.expect_err("it is refused");
    assert_eq!(refused.code, ErrorCode::InvalidInput);
}

// criterion: 4.8
#[tokio::test]
async fn old_reports_are_forgotten_as_the_settings_say() {
    let stage = Stage::alive([library::pick("llama3.2:3b")]).await;
    for _ in 0..14 {
        sync(&stage).await.expect("a report");
    }
    let few = Settings { sync_keep_reports: 10, ..Settings::default() };
    stage.bench.ask::<settings::Update>(few).await.expect("the settings are saved");
    until(&stage.bench.core, "ten are left", async || {
        let left = history(&stage, SyncHistoryRequest::default()).await.items;
        (left.len() == 10).then_some(())
    })
    .await;
    stage.bench.clock.advance(2 * 86_400_000);
    let newest = sync(&stage).await.expect("a report");
    let short = Settings { sync_keep_days: 1, ..Settings::default() };
    stage.bench.ask::<settings::Update>(short).await.expect("the settings are saved");
    until(&stage.bench.core, "only those of the last day are left", async || {
        let left = history(&stage, SyncHistoryRequest::default()).await.items;
        let young = |at: i64| newest.started_at.0 - at < 86_400_000;
        left.iter().all(|report| young(report.started_at.0)).then_some(())
    })
    .await;
}

// criterion: 4.3
// criterion: 12.5
#[tokio::test]
async fn one_that_is_stopped_says_so_and_leaves_the_models_alone() {
    let stage = Stage::quiet([library::pick("llama3.2:3b")]).await;
    stage.server.install(library::pick("qwen3:8b"));
    stage.server.latency("/api/tags", std::time::Duration::from_secs(30));
    let mut events = stage.bench.core.bus.listen();
    let core = stage.bench.core.clone();
    let id = stage.instance;
    let actor = corral_contract::audit::Actor::Window;
    let running =
        tokio::spawn(async move { core.run::<call::Run>(actor, InstanceRef { id }).await });
    loop {
        if let AppEvent::Sync(progress) = &events.next().await.expect("the core lives").event
            && progress.running
        {
            break;
        }
    }
    let stopped = stage.bench.ask::<call::Cancel>(InstanceRef { id }).await.expect("an answer");
    assert!(stopped.stopped);
    let ended = running.await.expect("no panic").expect_err("it was stopped");
    assert_eq!(ended.code, ErrorCode::Cancelled);
    let only = SyncHistoryRequest { result: Some(SyncResult::Stopped), ..Default::default() };
    assert_eq!(history(&stage, only).await.items.len(), 1);
    assert!(stage.find("qwen3:8b").await.is_none());
}
