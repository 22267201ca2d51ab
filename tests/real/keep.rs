//! The trash beside a real server: it deletes, it starts again and cleans up, and the model comes
//! back all the same.

use std::{
    path::Path,
    time::{Duration, SystemTime},
};

use corral_contract::{
    checks,
    disk::{
        DiskSource, LookAtDisk, PartKind, ReclaimChoice, ReclaimItems, ReclaimKind, ReclaimOutcome,
        TrashRefs, call,
    },
    downloads::JobState,
    instances::InstanceRef,
    models::{self, DeleteModels, ModelRef, StartModel},
    settings::{self, Settings},
    tasks::TaskRef,
};
use corral_testbed::{content::Content, gguf::Gguf};

use crate::place::{Place, binary, can_load, wait};

// criterion: 3.6
#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_model_outlives_the_clean_up_of_a_server_and_comes_back_whole() {
    let Some(binary) = binary() else { return };
    let mut place = Place::start(&binary).await;
    let at_once = Settings { undo_seconds: 0, ..Settings::default() };
    place.ask::<settings::call::Update>(at_once).await.expect("no undo window");
    let (name, published) = place.publish("lab/kept:latest");
    let job = place.create(&name).await;
    place.job(job.job, JobState::Done).await;
    let row = place.row_when(&name, |row| row.digest.is_some()).await;
    let look = LookAtDisk { instance: place.instance, unused_days: 0 };
    let view = place.ask::<call::Look>(look).await.expect("a look");
    assert_eq!(view.source, DiskSource::Files);
    assert_eq!(view.models.len(), 1);

    let delete = DeleteModels { ids: vec![row.id], ..Default::default() };
    place.ask::<models::call::Delete>(delete).await.expect("accepted");
    let instance = InstanceRef { id: place.instance };
    wait("the trash to have it", || async {
        let list = place.ask::<call::Trash>(instance).await.expect("the trash");
        list.items.into_iter().next()
    })
    .await;
    let tags = place.server_says("GET", "/api/tags", serde_json::Value::Null).await;
    assert!(!tags.contains(&name), "the server has no such model: {tags}");
    // At its start a server removes every blob that no manifest names.
    place.server.kill();
    place.server.revive();
    place.online().await;

    let all = TrashRefs { instance: place.instance, ids: Vec::new() };
    let restored = place.ask::<call::Restore>(all).await.expect("restored");
    assert!(restored.listed, "the server lists it with the same digest: {restored:?}");
    let row = place.row_when(&name, |row| row.digest.is_some()).await;
    assert_eq!(row.digest.as_deref(), Some(published.digest.as_str()));
    let asked = ModelRef { id: row.id };
    let task = place.ask::<checks::call::Model>(asked).await.expect("it begins").task;
    place.well(task).await;
    if can_load(&binary) {
        let start = StartModel::with(row.id, Default::default());
        let task = place.ask::<models::call::Start>(start).await.expect("it begins").task;
        place.well(task).await;
    }
}

/// Bytes of files below a folder as `du` counts them: once, however many names they have.
#[cfg(target_os = "linux")]
fn du(folder: &Path) -> u64 {
    let said = std::process::Command::new("du").args(["--all", "--bytes"]).arg(folder).output();
    let said = String::from_utf8(said.expect("du starts").stdout).expect("paths are UTF-8");
    let lines = said.lines().filter_map(|line| line.split_once('\t'));
    let files = lines.filter(|(_, path)| Path::new(path).is_file());
    files.map(|(bytes, _)| bytes.parse::<u64>().expect("a number")).sum()
}

fn make_old(file: &Path) {
    let open = std::fs::File::options().write(true).open(file).expect("it opens");
    open.set_modified(SystemTime::now() - Duration::from_secs(3 * 3600)).expect("aged");
}

// criterion: 8.4
#[tokio::test(flavor = "multi_thread")]
async fn an_orphan_and_what_a_pull_left_go_and_the_models_stay() {
    let Some(binary) = binary() else { return };
    let place = Place::start(&binary).await;
    let (row, _) = place.fetched("lab/stays:latest", &Gguf::tiny()).await;
    let (named, _) = place.fetched("lab/shares:latest", &Gguf::tiny()).await;
    let blobs = place.server.models().join("blobs");
    let orphan = blobs.join(format!("sha256-{}", "a".repeat(64)));
    std::fs::write(&orphan, vec![7; 5000]).expect("written");
    make_old(&orphan);
    let look = LookAtDisk { instance: place.instance, unused_days: 0 };
    let view = place.ask::<call::Look>(look).await.expect("a look");
    let shared = view.parts.iter().find(|part| part.kind == PartKind::Shared).expect("a part");
    assert!(shared.bytes > 0, "{view:#?}");
    #[cfg(target_os = "linux")]
    assert_eq!(view.parts.iter().map(|part| part.bytes).sum::<u64>(), du(&blobs), "{view:#?}");

    // Somebody else's pull that is given up leaves its files as long as the server runs.
    let mut bytes = Gguf::tiny().bytes();
    bytes.resize(20_000_000, 3);
    let (wanted, _) = place.publish_weights("lab/half:latest", Content::of(bytes));
    place.registry.rate(Some(1_000_000));
    let body = serde_json::json!({ "model": wanted, "insecure": true });
    let partials = || {
        let entries = std::fs::read_dir(&blobs).expect("the folder").flatten();
        let paths = entries.map(|entry| entry.path());
        paths.filter(|path| path.to_string_lossy().contains("-partial")).collect::<Vec<_>>()
    };
    tokio::select! {
        said = place.server_says("POST", "/api/pull", body) => panic!("it came too soon: {said}"),
        () = wait("a part", || async { (partials().len() > 1).then_some(()) }) => {}
    }
    // The server puts its notes down once more when it sees that nobody listens; until then what
    // was offered may have changed when it is to go.
    let gone = || async {
        partials().iter().for_each(|path| make_old(path));
        let view = place.ask::<call::Look>(look).await.expect("a look");
        let kinds: Vec<_> = view.items.iter().map(|item| item.kind).collect();
        if !(kinds.contains(&ReclaimKind::OllamaPartial) && kinds.contains(&ReclaimKind::Orphan)) {
            return None;
        }
        let items = view
            .items
            .iter()
            .map(|item| ReclaimChoice { id: item.id.clone(), mark: item.mark.clone() });
        let wish = ReclaimItems { instance: place.instance, items: items.collect() };
        let task = place.ask::<call::Reclaim>(wish).await.expect("it begins").task;
        place.well(task).await;
        let report = place.ask::<call::Report>(TaskRef { id: task }).await.expect("a report");
        let changed = report.items.iter().all(|item| item.outcome == ReclaimOutcome::Changed);
        (!changed).then_some(report)
    };
    let report = wait("both to be offered and to go", gone).await;
    assert!(report.bytes >= 5000, "{report:?}");
    assert!(report.items.iter().all(|item| item.outcome == ReclaimOutcome::Removed), "{report:#?}");
    assert!(!orphan.exists() && partials().is_empty());
    for id in [row.id, named.id] {
        let asked = ModelRef { id };
        let task = place.ask::<checks::call::Model>(asked).await.expect("it begins").task;
        place.well(task).await;
    }
}

// criterion: 8.4
#[tokio::test(flavor = "multi_thread")]
async fn what_another_client_loads_counts_as_used() {
    let Some(binary) = binary() else { return };
    if !can_load(&binary) {
        return;
    }
    let place = Place::start(&binary).await;
    let quick = Settings { poll_visible_seconds: 1, ..Settings::default() };
    place.ask::<settings::call::Update>(quick).await.expect("taken");
    let (used, _) = place.fetched("lab/used:latest", &Gguf::tiny()).await;
    let (other, _) = place.fetched("lab/other:latest", &Gguf::spelling()).await;
    assert_eq!((used.last_used, other.last_used), (None, None));
    place.server_says("POST", "/api/generate", serde_json::json!({ "model": used.name })).await;
    place.row_when(&used.name, |row| row.last_used.is_some()).await;
    let look = LookAtDisk { instance: place.instance, unused_days: 30 };
    let view = place.ask::<call::Look>(look).await.expect("a look");
    let seen = |name: &str| {
        let model = view.models.iter().find(|model| model.name == name);
        model.expect("it is on the disk").last_used.is_some()
    };
    assert_eq!((seen(&used.name), seen(&other.name)), (true, false));
    assert_eq!(view.never_seen, 1);
}
