//! What this machine has left, and what may begin.

use corral_contract::{
    ErrorCode,
    app::NoticeKind,
    command::Nothing,
    downloads::{JobIds, JobState, call as downloads},
    instances::{InstanceDraft, call as instances},
    models::{
        StartModel, StartOptions,
        call::{Create, Start},
    },
    progress::WaitReason,
    resources::{Level, Resource, ResourceKind, call},
    settings::call::Update,
};
use corral_testbed::{
    FakeOllama,
    content::Content,
    ollama::{LayerKind, library},
};

use crate::{
    downloads::{
        direct::Place,
        stage::{seed, wish},
    },
    played::Played,
    stage::Stage,
    support::{Bench, until},
};

const MB: u64 = 1_000_000;

async fn of(bench: &Bench, kind: ResourceKind) -> Option<Resource> {
    let view = bench.ask::<call::View>(Nothing {}).await.expect("a view");
    view.items.into_iter().find(|item| item.kind == kind)
}

/// Has it looked at now, and waits until it is so.
async fn is(bench: &Bench, kind: ResourceKind, level: Level) -> Resource {
    let look = async || {
        // Changed or not, a look follows.
        bench.ask::<Update>(bench.core.settings()).await.expect("kept");
        of(bench, kind).await.filter(|item| item.level == level)
    };
    until(&bench.core, level.as_str(), look).await
}

// criterion: 8.1
// criterion: 8.2
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_holds_new_downloads_up_until_it_is_well_again() {
    let place = Place::new().await;
    let bench = &place.bench;
    place.publish("large", &[(LayerKind::Model, Content::seeded(7, 8 * MB))]);
    place.publish("later", &[(LayerKind::Model, Content::seeded(8, MB))]);
    let disk = is(bench, ResourceKind::Disk, Level::Ok).await;
    assert_eq!((disk.instance, disk.percent), (Some(place.instance), Some(50)));
    assert!(std::path::Path::new(&disk.subject).join("blobs").is_dir(), "resolved");

    place.registry.rate(Some(2 * MB));
    let running = place.create("large").await.job;
    place.until("some of it", running, |job| job.progress.done > MB).await;
    place.room(19_000 * MB);
    let disk = is(bench, ResourceKind::Disk, Level::Critical).await;
    assert_eq!(disk.percent, Some(98));
    let refused = bench.ask::<Create>(wish(place.instance, "later")).await.expect_err("full");
    assert_eq!(refused.code, ErrorCode::DiskCritical);
    assert_eq!(refused.params.get("threshold").map(String::as_str), Some("98"));
    // What runs goes on; what was stopped does not begin again.
    place.registry.rate(None);
    place.done(running).await;
    let forced =
        corral_contract::models::CreateModel { force: true, ..wish(place.instance, "later") };
    let waiting = bench.ask::<Create>(forced).await.expect("queued").job;
    place.until("it waits", waiting, |job| matches!(job.wait, Some(WaitReason::Disk { .. }))).await;
    bench.ask::<downloads::Resume>(JobIds { ids: vec![waiting] }).await.expect("asked");

    place.room(60_000 * MB);
    let notices = async || {
        let snapshot = bench.ask::<corral_contract::app::call::Snapshot>(Nothing {}).await;
        let notices = snapshot.expect("a snapshot").notices;
        notices.iter().map(|notice| notice.kind).collect::<Vec<_>>()
    };
    bench.ask::<Update>(bench.core.settings()).await.expect("looked at");
    assert_eq!(of(bench, ResourceKind::Disk).await.map(|it| it.level), Some(Level::Critical));
    assert!(notices().await.contains(&NoticeKind::ResourceCritical));
    place.room(500_000 * MB);
    is(bench, ResourceKind::Disk, Level::Ok).await;
    let told = async || notices().await.contains(&NoticeKind::ResourceWell).then_some(());
    until(&bench.core, "it is told", told).await;
    let done = place.until("its end", waiting, |job| job.state == JobState::Done).await;
    assert_eq!(done.problem, None);
}

// criterion: 8.2
#[tokio::test(flavor = "multi_thread")]
async fn without_memory_no_model_is_loaded_and_loaded_ones_stay() {
    let played = Played::default();
    let machine = std::sync::Arc::new(played.clone());
    let server = FakeOllama::builder()
        .models([library::pick("llama3.2:3b"), library::pick("all-minilm:22m")])
        .start()
        .await
        .expect("a server");
    let stage = Stage::on(server, |config| config.machine = machine).await;
    played.memory(50);
    is(&stage.bench, ResourceKind::Ram, Level::Ok).await;
    let start = async |name: &str| {
        let id = stage.id(name).await;
        let request = StartModel::with(id, StartOptions::default());
        stage.bench.ask::<Start>(request).await
    };
    let task = start("llama3.2:3b").await.expect("it begins").task;
    stage.ended(task).await;
    played.memory(2);
    is(&stage.bench, ResourceKind::Ram, Level::Critical).await;
    let refused = start("all-minilm:22m").await.expect_err("no memory");
    assert_eq!(refused.code, ErrorCode::MachineBusy);
    assert_eq!(stage.server.loaded().len(), 1, "what runs goes on");
    played.memory(20);
    is(&stage.bench, ResourceKind::Ram, Level::Ok).await;
    start("all-minilm:22m").await.expect("it begins");
}

// criterion: 8.1
#[tokio::test(flavor = "multi_thread")]
async fn of_a_server_elsewhere_only_what_is_known_is_said() {
    let server = FakeOllama::builder().models([library::pick("llama3.2:3b")]).start().await;
    let server = server.expect("a server");
    let bench = Bench::with(|config| seed(config, &server.url())).await;
    let draft = InstanceDraft {
        url: "http://192.0.2.7:11434".to_owned(),
        force: true,
        ..InstanceDraft::default()
    };
    let far = bench.ask::<instances::Add>(draft).await.expect("added").id;
    let view = async || {
        bench.ask::<Update>(bench.core.settings()).await.expect("kept");
        let view = bench.ask::<call::View>(Nothing {}).await.expect("a view");
        view.items.iter().any(|item| item.kind == ResourceKind::Cpu).then_some(view)
    };
    let view = until(&bench.core, "a look", view).await;
    assert!(view.items.iter().all(|item| item.instance != Some(far)));
    let registry = view.items.iter().find(|item| item.kind == ResourceKind::Registry);
    assert_eq!(registry.expect("listed").level, Level::Unknown, "nobody asked it yet");
}
