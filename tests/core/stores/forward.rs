//! Moves that go well.

use std::fs;

use corral_contract::{
    ErrorCode,
    instances::{self, InstanceRef, call::Allow},
    steering::{AllowSteering, Allowance},
    stores::{MoveStage, MoveWay, call},
};

use super::{Stable, models};
use crate::bundles::{arrived, tree};

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_moves_on_its_disk_and_the_server_lists_the_same() {
    let stable = Stable::new().await;
    let (old, new) = (stable.old(), stable.yard.path().join("new models"));
    fs::write(old.join("notes.txt"), "mine").expect("written");
    let (names, before) = (stable.names(), tree(&old));
    let preview = stable.ask::<call::Preview>(stable.wish(&new)).await.expect("a preview");
    assert_eq!(preview.problem, None);
    assert_eq!((preview.way, preview.models), (Some(MoveWay::Link), 2));
    assert_eq!(preview.foreign, [old.join("notes.txt").display().to_string()]);
    assert_eq!(preview.commands, ["played stop", "played start"]);
    assert!(preview.after.contains("new models") && preview.before.is_empty());
    assert_eq!(tree(&old), before, "a preview changes nothing");
    assert!(!new.exists() && stable.steered.told().is_empty());

    let task = stable.begin(&new).await;
    stable.well(task).await;
    assert_eq!(stable.steered.told(), ["stop", "set", "start"]);
    assert_eq!(stable.names(), names);
    assert_eq!(stable.server.models_dir(), new);
    assert_eq!(tree(&old), before, "the old place is as it was");
    let view = stable.view().await;
    assert_eq!(view.path.as_deref(), new.to_str());
    assert_eq!(view.moving.map(|it| (it.stage, it.until.is_some())), Some((MoveStage::Kept, true)));
    for model in models() {
        arrived(&model, &old, &new);
    }

    let kept = stable.kept().await;
    let task = stable.ask::<call::Confirm>(kept).await.expect("confirmed").task;
    stable.well(task).await;
    let left: Vec<_> = tree(&old).into_keys().collect();
    assert_eq!(left, [old.join("notes.txt")], "only what was never ours stays");
    assert_eq!(stable.names(), names);
    assert_eq!(stable.moving().await, None);
    assert!(models().iter().all(|model| {
        new.join("blobs").join(format!("sha256-{}", model.weights.digest)).is_file()
    }));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_takes_back_in_time_is_cleared_by_itself() {
    let stable = Stable::new().await;
    let new = stable.yard.path().join("new");
    let task = stable.begin(&new).await;
    stable.well(task).await;
    let old = stable.old();
    stable.clock.advance(13 * 24 * 3_600_000);
    let stable = stable.reopened().await;
    crate::downloads::stage::online(&stable.core).await;
    assert_eq!(stable.kept().await.id, 1, "not before its time");
    stable.clock.advance(24 * 3_600_000 + 1000);
    let settings = stable.core.settings();
    stable.ask::<corral_contract::settings::call::Update>(settings).await.expect("looked at");
    let gone = async || (stable.moving().await.is_none()).then_some(());
    crate::support::until(&stable.core, "the old place is cleared", gone).await;
    assert_eq!(tree(&old).len(), 0);
    assert_eq!(stable.names().len(), 2);
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_folder_moves_to_another_disk_with_every_layer_hashed() {
    let Some(disk) = crate::small_disk::SmallDisk::mount() else { return };
    let stable = Stable::new().await;
    let settings =
        corral_contract::settings::Settings { disk_reserve_mb: 0, ..stable.core.settings() };
    stable.ask::<corral_contract::settings::call::Update>(settings).await.expect("kept");
    let (old, new) = (stable.old(), disk.place().join("models"));
    let before = tree(&old);
    let preview = stable.ask::<call::Preview>(stable.wish(&new)).await.expect("a preview");
    assert_eq!((preview.way, &preview.problem), (Some(MoveWay::Copy), &None));
    let task = stable.begin(&new).await;
    stable.well(task).await;
    assert_eq!(stable.names().len(), 2);
    assert_eq!(tree(&old), before);
    for model in models() {
        arrived(&model, &old, &new);
    }
    let kept = stable.kept().await;
    let task = stable.ask::<call::Confirm>(kept).await.expect("confirmed").task;
    stable.well(task).await;
    assert_eq!(tree(&old).len(), 0);
    assert_eq!(stable.names().len(), 2);
}

// Other systems refuse the name that is no text.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_folder_behind_a_link_is_said_and_the_link_stays() {
    use std::os::unix::{ffi::OsStrExt, fs::symlink};
    let yard = tempfile::tempdir().expect("a folder");
    let real = yard.path().join("réal 模型");
    fs::create_dir(&real).expect("a folder");
    symlink(&real, yard.path().join("old models")).expect("a link");
    let strange = std::ffi::OsStr::from_bytes(b"b\xff d");
    fs::write(real.join(strange), "x").expect("written");
    let stable = Stable::at(yard, "old models", models(), true).await;
    let new = stable.yard.path().join("new");
    let preview = stable.ask::<call::Preview>(stable.wish(&new)).await.expect("a preview");
    assert_eq!(preview.resolved.as_deref(), real.to_str());
    assert_eq!(preview.foreign_count, 1);
    let task = stable.begin(&new).await;
    stable.well(task).await;
    let kept = stable.kept().await;
    let task = stable.ask::<call::Confirm>(kept).await.expect("confirmed").task;
    stable.well(task).await;
    assert!(stable.old().is_symlink());
    assert_eq!(tree(&real).into_keys().collect::<Vec<_>>(), [real.join(strange)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_ours_is_asked_for_first() {
    let stable = Stable::with(models(), false).await;
    let new = stable.yard.path().join("new");
    let refused = stable.ask::<call::Move>(stable.wish(&new)).await.expect_err("not agreed");
    assert_eq!(refused.code, ErrorCode::Denied);
    assert_eq!(refused.params.get("reason").map(String::as_str), Some("notOurs"));
    assert!(stable.steered.told().is_empty() && !new.exists());
    let once = AllowSteering { id: stable.instance, how: Allowance::Once };
    stable.ask::<Allow>(once).await.expect("agreed");
    let task = stable.begin(&new).await;
    stable.well(task).await;
    // That was once; the way back belongs to it.
    let back = stable.ask::<call::RollBack>(stable.kept().await).await.expect("back").task;
    stable.well(back).await;
    let refused = stable.ask::<call::Move>(stable.wish(&new)).await.expect_err("that was once");
    assert_eq!(refused.code, ErrorCode::Denied);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_starts_a_server_whose_folder_is_on_its_way() {
    let stable = Stable::new().await;
    let (there, wait) = std::sync::mpsc::channel();
    let (go_on, held) = std::sync::mpsc::channel();
    stable.steered.before(move |told| {
        if told == "start" {
            // The server is silent, and its folder in between.
            let _ = there.send(());
            let _ = held.recv();
        }
        Ok(())
    });
    let task = stable.begin(&stable.yard.path().join("new")).await;
    tokio::task::block_in_place(|| wait.recv()).expect("it comes to the start");

    let id = InstanceRef { id: stable.instance };
    let refused = stable.ask::<instances::call::Start>(id).await.expect_err("it is held");
    assert_eq!(refused.code, ErrorCode::Busy);
    assert_eq!(refused.params.get("operation").map(String::as_str), Some("storeMove"));
    assert_eq!(refused.params.get("task"), Some(&task.to_string()));

    go_on.send(()).expect("it waits");
    stable.well(task).await;
    assert_eq!(stable.steered.told().iter().filter(|told| *told == "start").count(), 1);
    stable.ask::<instances::call::Restart>(id).await.expect("it is free again");
}
