//! What takes how much room.

use std::fs;

use corral_contract::{
    ErrorCode,
    disk::{DiskSource, LookAtDisk, PartKind, call},
    models::{BatchOp, BatchOperate, ItemState, call::PreviewBatch},
    status::Status,
};
use corral_core::config::Workers;
use corral_testbed::ollama::{KeepAlive, library};

use crate::{
    keep::{Kept, herd, write_old},
    stage::Stage,
    support::until,
};

async fn quiet() -> Kept {
    Kept::with(herd(), |config| config.workers = Workers::None).await
}

// criterion: 8.4
#[tokio::test(flavor = "multi_thread")]
async fn every_byte_of_a_store_is_somebodys_once() {
    let kept = quiet().await;
    let hex = |letter: &str| letter.repeat(64);
    write_old(&kept.blobs().join(format!("sha256-{}", hex("a"))), 4096, 2);
    write_old(&kept.blobs().join(format!("sha256-{}-partial", hex("b"))), 8192, 2);
    write_old(&kept.blobs().join(".corral").join(format!("{}.data", hex("c"))), 8192, 2);
    write_old(&kept.folder.path().join("notes.txt"), 4096, 2);
    let before = kept.tree();
    let view = kept.look(0).await;
    assert_eq!(kept.tree(), before, "a look changes nothing");
    assert_eq!(view.source, DiskSource::Files);
    let bytes =
        |kind| view.parts.iter().find(|part| part.kind == kind).map_or(0, |part| part.bytes);
    assert_eq!(bytes(PartKind::Orphans), 4096);
    assert_eq!(bytes(PartKind::Partials), 8192);
    assert_eq!(bytes(PartKind::Staging), 8192);
    assert_eq!(bytes(PartKind::Other), 4096);
    let of = |name: &str| view.models.iter().find(|model| model.name == name).expect("listed");
    let lone = of("lone:1");
    // All three have the same small config.
    assert!(lone.exclusive >= Some(300_000) && lone.shared < Some(1000), "{lone:?}");
    let (base, twin) = (of("base:1"), of("twin:1"));
    assert!(base.shared >= Some(100_000) && twin.shared >= Some(100_000));
    assert!((100_000..101_000).contains(&bytes(PartKind::Shared)), "counted once");
    let exclusive: u64 = view.models.iter().filter_map(|model| model.exclusive).sum();
    assert_eq!(bytes(PartKind::Models), exclusive);
    let whole: u64 = view.parts.iter().map(|part| part.bytes).sum();
    let blobs: u64 = fs::read_dir(kept.blobs())
        .expect("the blobs")
        .flatten()
        .filter(|file| file.path().is_file())
        .map(|file| file.metadata().expect("facts").len())
        .sum();
    assert_eq!(whole, blobs + 8192 + 4096, "and the two that lie elsewhere");
}

#[tokio::test]
async fn of_a_store_elsewhere_the_servers_list_is_told_as_such() {
    let stage = Stage::quiet(herd()).await;
    let request = LookAtDisk { instance: stage.instance, unused_days: 0 };
    let view = stage.bench.ask::<call::Look>(request).await.expect("a look");
    assert_eq!(view.source, DiskSource::List);
    assert_eq!((view.path, view.parts.len(), view.items.len()), (None, 0, 0));
    assert_eq!(view.models.len(), 3);
    assert!(view.models.iter().all(|model| model.exclusive.is_none() && model.bytes > 0));
    let request = LookAtDisk { instance: stage.instance, unused_days: 4000 };
    let refused = stage.bench.ask::<call::Look>(request).await.expect_err("too long");
    assert_eq!(refused.code, ErrorCode::InvalidInput);
}

// criterion: 8.4
#[tokio::test(flavor = "multi_thread")]
async fn use_is_what_was_seen_and_unknown_is_not_unused() {
    let kept = Kept::with(herd(), |_| {}).await;
    kept.stage.server.external_load("base:1", KeepAlive::Forever);
    kept.stage.until("base:1", |row| row.is_some_and(|row| row.last_used.is_some())).await;
    let view = kept.look(30).await;
    assert!(view.watched_since.is_some());
    assert_eq!(view.never_seen, 2, "the others were never seen in use");
    kept.stage.server.expire_now();
    kept.stage.until("base:1", |row| row.is_some_and(|row| row.status == Status::Stopped)).await;
    kept.stage.bench.clock.advance(40 * 24 * 3_600_000);
    let items = kept.look(30).await.items;
    let names: Vec<&str> = items.iter().map(|item| item.label.as_str()).collect();
    assert_eq!(names, ["base:1"], "used once, long ago; nobody knows about the others");
    assert!(kept.look(60).await.items.is_empty());
}

// criterion: 1.4
// criterion: 12.4
#[tokio::test]
async fn a_batch_says_before_what_it_will_do_and_what_it_skips() {
    let models = [library::pick("llama3.2:3b"), library::pick("qwen3:8b")];
    let stage = Stage::quiet(models).await;
    stage.start("qwen3:8b").await;
    let ids = vec![stage.id("llama3.2:3b").await, stage.id("qwen3:8b").await];
    let ask = |op| BatchOperate { op, ids: ids.clone() };
    let preview = stage.bench.ask::<PreviewBatch>(ask(BatchOp::Start)).await.expect("a preview");
    assert_eq!(preview.items[0].skipped, None);
    let why = preview.items[1].skipped.as_ref().map(|problem| problem.code);
    assert_eq!(why, Some(ErrorCode::WrongState));
    assert_eq!(Some(preview.bytes), preview.items[0].bytes);
    assert!(stage.server.loaded() == ["qwen3:8b"], "nothing was done");
}

// criterion: 1.4
#[tokio::test(flavor = "multi_thread")]
async fn the_files_of_many_models_are_checked_one_after_the_other() {
    let kept = quiet().await;
    // Sparse weights are no digest's bytes: each of these models is damaged, and says so.
    let ids = kept.ids(&["base:1", "lone:1"]).await;
    let request = BatchOperate { op: BatchOp::Verify, ids };
    let asked = kept.stage.bench.ask::<corral_contract::models::call::Batch>(request);
    let batch = asked.await.expect("it is accepted").batch;
    let view = kept.ended(batch).await;
    for item in &view.items {
        assert_eq!(item.state, ItemState::Failed, "{item:?}");
        let code = item.problem.as_ref().map(|problem| problem.code);
        assert_eq!(code, Some(ErrorCode::LayersDamaged));
    }
    let core = &kept.stage.bench.core;
    until(core, "the rows say so", async || {
        kept.stage.row("lone:1").await.checked.filter(|check| check.damaged > 0)
    })
    .await;
}
