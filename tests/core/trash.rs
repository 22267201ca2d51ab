//! Deleted models that can be brought back.

use std::fs;

use corral_contract::{
    ErrorCode,
    disk::{PartKind, PinModels, TrashRefs, call},
    models::{
        BatchOp, BatchOperate, BatchRef, DeleteModels, ItemState, ModelRefs, ModelRow,
        call::{Batch, Delete, PreviewDelete, UndoDelete},
    },
};
use corral_core::{Core, CoreConfig, config::Workers};
use corral_testbed::ollama::{Fault, Model};

use crate::{
    keep::{Kept, herd, tree},
    stage::Stage,
    support::until,
};

fn all(kept: &Kept) -> TrashRefs {
    TrashRefs { instance: kept.stage.instance, ids: Vec::new() }
}

fn one(kept: &Kept, id: i64) -> TrashRefs {
    TrashRefs { instance: kept.stage.instance, ids: vec![id] }
}

// criterion: 3.6
#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_model_is_held_without_a_copy_and_comes_back_as_it_was() {
    let kept = Kept::alive().await;
    let before = kept.tree();
    let view = kept.delete_one("base:1").await;
    assert_eq!(view.items[0].state, ItemState::Done, "{view:#?}");
    assert!(!kept.manifest("base:1").exists(), "the server deleted it");
    let [entry] = kept.trash().await.try_into().expect("one entry");
    assert_eq!(entry.name, "base:1");
    assert_eq!(entry.until.since(entry.at), 7 * 24 * 3_600_000);
    assert!(entry.bytes < 100_000, "the weights are the twin's: {}", entry.bytes);
    let part = kept.look(0).await.parts.into_iter().find(|part| part.kind == PartKind::Trash);
    assert_eq!(part.map(|part| part.bytes), Some(entry.bytes), "counted once, by what it holds");

    kept.delete_one("twin:1").await;
    let part = kept.look(0).await.parts.into_iter().find(|part| part.kind == PartKind::Trash);
    let held = part.map_or(0, |part| part.bytes);
    assert!((100_000..101_000).contains(&held), "only the trash has the weights now: {held}");
    for entry in kept.trash().await {
        assert!(entry.bytes < 1000, "either alone leaves them to the other one: {entry:?}");
    }
    let restored = kept.stage.bench.ask::<call::Restore>(all(&kept)).await.expect("restored");
    assert!(restored.listed, "the server lists both: {restored:?}");
    assert_eq!(kept.tree(), before, "byte for byte");
    assert_eq!(kept.trash().await, []);
    kept.stage.until("base:1", |row| row.is_some_and(|row| row.digest.is_some())).await;
}

// criterion: 3.6
#[tokio::test(flavor = "multi_thread")]
async fn the_trash_is_emptied_on_demand_and_when_its_time_is_over() {
    let kept = Kept::alive().await;
    let lone = kept.tree().len();
    kept.delete_one("lone:1").await;
    assert!(kept.trash_folder().is_dir());
    let emptied = kept.stage.bench.ask::<call::EmptyTrash>(all(&kept)).await.expect("emptied");
    assert_eq!((emptied.removed, emptied.left), (1, 0));
    assert!(emptied.bytes >= 300_000);
    assert!(!kept.trash_folder().exists(), "nothing of it is left");
    assert!(kept.tree().len() < lone);

    kept.delete_one("base:1").await;
    kept.stage.bench.clock.advance(7 * 24 * 3_600_000);
    kept.settings(|_| {}).await;
    // Whatever is put in wakes the worker that looks what is due.
    kept.delete_one("twin:1").await;
    let core = &kept.stage.bench.core;
    let names = until(core, "the first one is gone", async || {
        let names: Vec<String> = kept.trash().await.into_iter().map(|it| it.name).collect();
        (names.len() == 1).then_some(names)
    });
    assert_eq!(names.await, ["twin:1"]);
}

// criterion: 1.6
// criterion: 3.6
#[tokio::test(flavor = "multi_thread")]
async fn the_preview_says_what_the_trash_keeps_and_for_good_keeps_nothing() {
    let kept = Kept::alive().await;
    let ids = kept.ids(&["lone:1"]).await;
    let asked = ModelRefs { ids: ids.clone() };
    let preview = kept.stage.bench.ask::<PreviewDelete>(asked.clone()).await.expect("a preview");
    assert_eq!((preview.trash_days, preview.items[0].kept), (7, true));
    kept.delete(DeleteModels { ids, for_good: true, ..Default::default() }).await;
    assert_eq!(kept.trash().await, []);
    assert!(!kept.trash_folder().exists());
    kept.settings(|settings| settings.trash_days = 0).await;
    let asked = ModelRefs { ids: kept.ids(&["base:1"]).await };
    let preview = kept.stage.bench.ask::<PreviewDelete>(asked).await.expect("a preview");
    assert_eq!((preview.trash_days, preview.items[0].kept), (0, false));
    kept.delete_one("base:1").await;
    assert_eq!(kept.trash().await, []);
}

// criterion: 3.6
#[tokio::test(flavor = "multi_thread")]
async fn a_delete_that_the_server_refuses_leaves_the_store_as_it_was() {
    let kept = Kept::alive().await;
    let before = kept.tree();
    kept.stage.server.fault_once("/api/delete", Fault::Status(500, "disk trouble".to_owned()));
    let view = kept.delete_one("lone:1").await;
    assert_eq!(view.items[0].state, ItemState::Failed);
    assert_eq!(kept.tree(), before);
    assert_eq!(kept.trash().await, []);

    kept.settings(|settings| settings.undo_seconds = 10).await;
    let ids = kept.ids(&["lone:1", "base:1"]).await;
    let request = DeleteModels { ids, ..Default::default() };
    let accepted = kept.stage.bench.ask::<Delete>(request).await.expect("it is accepted");
    kept.stage.bench.ask::<UndoDelete>(accepted).await.expect("it is taken back");
    assert_eq!(kept.tree(), before, "an undo touches no file");
}

// criterion: 3.6
#[tokio::test(flavor = "multi_thread")]
async fn where_the_trash_cannot_keep_a_model_it_is_not_deleted_in_silence() {
    let kept = Kept::alive().await;
    let before = kept.tree();
    // A file where the folder has to be: nothing can be linked into it.
    fs::create_dir_all(kept.blobs().join(".corral")).expect("a folder");
    fs::write(kept.trash_folder(), "in the way").expect("written");
    let view = kept.delete_one("lone:1").await;
    let problem = view.items[0].problem.as_ref().expect("a reason");
    assert_eq!(problem.code, ErrorCode::TrashImpossible);
    fs::remove_file(kept.trash_folder()).expect("removed");
    assert_eq!(kept.tree(), before, "and nothing was copied or deleted");
    let row = kept.stage.row("lone:1").await;
    assert_eq!(row.problem.map(|problem| problem.code), Some(ErrorCode::TrashImpossible));
    let ids = vec![row.id];
    let view = kept.delete(DeleteModels { ids, for_good: true, ..Default::default() }).await;
    assert_eq!(view.items[0].state, ItemState::Done, "for good it goes");
}

// criterion: 3.6
#[tokio::test(flavor = "multi_thread")]
async fn what_another_client_changed_in_the_undo_window_is_not_deleted() {
    let kept = Kept::with(herd(), |_| {}).await;
    let ids = kept.ids(&["lone:1", "base:1"]).await;
    let request = DeleteModels { ids, ..Default::default() };
    let accepted = kept.stage.bench.ask::<Delete>(request).await.expect("it is accepted");
    // One is fetched anew in another version, the other one is deleted.
    kept.stage.server.install(Model::new("lone:1").weights_size(310_000));
    kept.stage.server.store(|store| {
        let gone = store.newest_first().into_iter().find(|it| it.model.name.model == "base");
        store.remove(&gone.expect("it is there").model.name);
    });
    let before = kept.tree();
    kept.stage.bench.clock.advance(10_001);
    let view = kept.ended(accepted.batch).await;
    let code = view.items[0].problem.as_ref().map(|problem| problem.code);
    assert_eq!(code, Some(ErrorCode::ChangedMeanwhile), "{view:#?}");
    assert_eq!(view.items[1].state, ItemState::Done, "what is gone counts as deleted");
    assert_eq!(kept.tree(), before, "the new version is untouched");
    assert!(kept.stage.find("lone:1").await.is_some(), "and shows again");
}

// criterion: 3.6
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_restored_over_another_version() {
    let kept = Kept::alive().await;
    kept.delete_one("lone:1").await;
    kept.stage.server.install(Model::new("lone:1").weights_size(310_000));
    let before = kept.tree();
    let refused = kept.stage.bench.ask::<call::Restore>(all(&kept)).await.expect_err("refused");
    assert_eq!(refused.code, ErrorCode::AlreadyExists);
    assert_eq!(kept.tree(), before);
    assert_eq!(kept.trash().await.len(), 1, "it can still be brought back under no other name");
}

// criterion: 3.6
#[tokio::test(flavor = "multi_thread")]
async fn an_undo_after_the_server_was_emptied_brings_the_row_back() {
    let stage = Stage::quiet(herd()).await;
    let id = stage.id("lone:1").await;
    let request = DeleteModels { ids: vec![id], ..Default::default() };
    let accepted = stage.bench.ask::<Delete>(request).await.expect("it is accepted");
    stage.server.wipe();
    let undone = stage.bench.ask::<UndoDelete>(accepted).await.expect("it is taken back");
    assert_eq!(undone.restored, 1);
    let run = stage.bench.ask::<corral_contract::sync::call::Run>(
        corral_contract::instances::InstanceRef { id: stage.instance },
    );
    let report = run.await.expect("a sync");
    assert!(report.asks_empty, "an empty list is doubted, not believed: {report:#?}");
    assert!(stage.find("lone:1").await.is_some(), "the row is there either way");
}

// criterion: 3.6
#[tokio::test(flavor = "multi_thread")]
async fn a_pinned_model_goes_only_when_that_is_said_once_more() {
    let kept = Kept::alive().await;
    let before = kept.tree();
    let ids = kept.ids(&["lone:1", "base:1"]).await;
    let pin = PinModels { ids: vec![ids[0]], pinned: true };
    assert_eq!(kept.stage.bench.ask::<call::Pin>(pin).await.expect("pinned").changed, 1);
    assert!(kept.stage.row("lone:1").await.pinned);
    let asked = ModelRefs { ids: vec![ids[0]] };
    let preview = kept.stage.bench.ask::<PreviewDelete>(asked).await.expect("a preview");
    assert!(preview.items[0].pinned);
    let alone = DeleteModels { ids: vec![ids[0]], ..Default::default() };
    let refused = kept.stage.bench.ask::<Delete>(alone.clone()).await.expect_err("refused");
    assert_eq!(refused.code, ErrorCode::Pinned);
    assert_eq!(kept.tree(), before);
    let batch = BatchOperate { op: BatchOp::Delete, ids: ids.clone() };
    let BatchRef { batch } = kept.stage.bench.ask::<Batch>(batch).await.expect("accepted");
    let view = kept.ended(batch).await;
    let states: Vec<ItemState> = view.items.iter().map(|item| item.state).collect();
    assert_eq!(states, [ItemState::Skipped, ItemState::Done]);
    let view = kept.delete(DeleteModels { pinned_too: true, ..alone }).await;
    assert_eq!(view.items[0].state, ItemState::Done);
}

/// Ends Corral at a place in between, as a crash would, by making the database say so.
async fn restarted(kept: Kept, sql: &str) -> (Core, Kept) {
    let Kept { stage, folder } = kept;
    let bench = stage.bench;
    let database = bench.folder.path().join("corral.db");
    bench.core.shutdown().await;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(database);
    let pool = sqlx::SqlitePool::connect_with(options).await.expect("the database");
    sqlx::query(sqlx::AssertSqlSafe(sql.to_owned())).execute(&pool).await.expect("it is changed");
    pool.close().await;
    let mut config = CoreConfig::in_folder(bench.folder.path());
    config.clock = std::sync::Arc::new(bench.clock.clone());
    config.workers = Workers::None;
    config.registry = crate::support::out_of_reach();
    let core = Core::start(config).await.expect("the core starts again");
    let bench = crate::support::Bench { core: core.clone(), ..bench };
    (core, Kept { stage: Stage { bench, ..stage }, folder })
}

// criterion: 3.6
#[tokio::test(flavor = "multi_thread")]
async fn a_crash_at_any_moment_neither_loses_a_model_nor_keeps_it_twice() {
    let kept = Kept::alive().await;
    let before = kept.tree();
    kept.delete_one("lone:1").await;
    // It crashed after the server deleted the model and before that was written down.
    let (_, kept) = restarted(kept, "UPDATE trash SET state = 'entering', bytes = 0").await;
    let [entry] = kept.trash().await.try_into().expect("it is kept");
    assert!(entry.bytes >= 300_000);
    // It crashed while it was brought back: that is finished.
    let (_, kept) = restarted(kept, "UPDATE trash SET state = 'restoring'").await;
    assert_eq!(kept.trash().await, []);
    assert_eq!(kept.tree(), before);
}

// criterion: 3.6
#[tokio::test(flavor = "multi_thread")]
async fn a_crash_before_the_delete_takes_the_links_back() {
    let kept = Kept::alive().await;
    kept.delete_one("lone:1").await;
    let trashed = tree(&kept.trash_folder());
    let id = kept.trash().await[0].id;
    kept.stage.bench.ask::<call::Restore>(one(&kept, id)).await.expect("restored");
    let seen = |row: Option<&ModelRow>| row.is_some_and(|row| row.digest.is_some());
    kept.stage.until("lone:1", seen).await;
    let before = kept.tree();
    // What a crash leaves that came after the links and before the delete.
    for file in trashed.keys() {
        fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        let name = file.file_name().expect("a name").to_string_lossy().into_owned();
        let of = if name == "manifest" { kept.manifest("lone:1") } else { kept.blobs().join(name) };
        fs::hard_link(of, file).expect("linked");
    }
    let folder = trashed.keys().next().and_then(|file| file.parent()).expect("a folder");
    let folder = folder.file_name().expect("a name").to_string_lossy().into_owned();
    let store = kept.folder.path().display().to_string();
    let digest = kept.stage.row("lone:1").await.digest.expect("a digest");
    let row = format!(
        "INSERT INTO trash (instance_id, store, folder, name, key, digest, bytes, state, at, until)
         VALUES (1, '{store}', '{folder}', 'lone:1', 'registry.ollama.ai/library/lone:1',
                 '{digest}', 0, 'entering', 0, 9000000000000)"
    );
    let (_, kept) = restarted(kept, &row).await;
    assert_eq!(kept.tree(), before, "the model is where it was, once");
    assert_eq!(kept.trash().await, []);
}

// criterion: 3.6
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn on_a_full_disk_the_trash_keeps_a_model_all_the_same() {
    use std::io::Write;

    let Some(disk) = crate::small_disk::SmallDisk::mount() else { return };
    let store = disk.place().join("models");
    let builder = corral_testbed::FakeOllama::builder()
        .clock(crate::stage::clock())
        .folder(&store)
        .models(herd());
    let server = builder.start().await.expect("the fake server starts");
    let stage = Stage::on(server, |_| {}).await;
    let look = corral_contract::disk::LookAtDisk { instance: stage.instance, unused_days: 0 };
    stage.bench.ask::<call::Look>(look).await.expect("a look");
    let mut filler = fs::File::create(disk.place().join("filler")).expect("a file");
    while filler.write_all(&[1; 4096]).is_ok() {}
    let ids = vec![stage.id("lone:1").await];
    let request = DeleteModels { ids, ..Default::default() };
    let accepted = stage.bench.ask::<Delete>(request).await.expect("it is accepted");
    stage.bench.clock.advance(10_001);
    let core = &stage.bench.core;
    let entry = until(core, "the trash has it", async || {
        let request = corral_contract::instances::InstanceRef { id: stage.instance };
        let list = stage.bench.ask::<call::Trash>(request).await.expect("the trash");
        list.items.into_iter().next()
    });
    assert!(entry.await.bytes >= 300_000, "{accepted:?}");
    let restore = TrashRefs { instance: stage.instance, ids: Vec::new() };
    let restored = stage.bench.ask::<call::Restore>(restore).await.expect("restored");
    assert!(restored.listed);
}
