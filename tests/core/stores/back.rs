//! Moves that fail half way, and those that somebody takes back.

use std::fs;

use corral_contract::{
    ErrorCode, WireError,
    stores::{MoveStage, call},
    tasks::{TaskRef, TaskState, call::Cancel},
};

use super::{Stable, models};
use crate::{
    bundles::{MB, herd, tree},
    support::until,
};

fn refuses(what: &'static str) -> impl FnMut(&str) -> Result<(), WireError> {
    let mut once = true;
    move |told| {
        if told == what && std::mem::take(&mut once) {
            return Err(WireError::new(ErrorCode::ServiceRefused).detail("Access denied"));
        }
        Ok(())
    }
}

/// The server is where it was with what it had, and nothing is left of the attempt.
async fn untouched(
    stable: &Stable,
    before: &std::collections::BTreeMap<std::path::PathBuf, String>,
) {
    assert_eq!(&tree(stable.yard.path()), before);
    assert_eq!(stable.names().len(), 2);
    assert_eq!(stable.server.models_dir(), stable.old());
    assert_eq!(stable.steered.variable(), None);
    assert_eq!(stable.moving().await, None);
    let view = stable.view().await;
    assert_eq!(view.path.as_deref(), stable.old().to_str());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_at_any_step_leads_back_to_where_it_was() {
    for step in ["stop", "set", "start"] {
        let stable = Stable::new().await;
        let before = tree(stable.yard.path());
        stable.steered.before(refuses(step));
        let ended = stable.moved(&stable.yard.path().join("new")).await;
        assert_eq!(ended.state, TaskState::Failed, "{step}");
        assert_eq!(ended.problem.expect("why").code, ErrorCode::ServiceRefused);
        untouched(&stable, &before).await;
        assert!(!stable.yard.path().join("new").exists(), "{step}: the new folder is gone again");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_then_lists_something_else_goes_back() {
    let stable = Stable::new().await;
    let before = tree(stable.yard.path());
    let new = stable.yard.path().join("new");
    let folder = new.join("manifests/registry.ollama.ai/library/two");
    stable.steered.before(move |told| {
        if told == "start" {
            // Only at the first start there is such a folder.
            let _ = fs::remove_dir_all(&folder);
        }
        Ok(())
    });
    let ended = stable.moved(&new).await;
    let problem = ended.problem.expect("why");
    assert_eq!(problem.code, ErrorCode::BadAnswer);
    assert!(problem.detail.is_some_and(|text| text.contains("two")));
    untouched(&stable, &before).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_ignores_its_variable_goes_back() {
    let stable = Stable::new().await;
    let before = tree(stable.yard.path());
    stable.steered.deaf();
    let ended = stable.moved(&stable.yard.path().join("new")).await;
    let problem = ended.problem.expect("why");
    assert_eq!(problem.code, ErrorCode::BadAnswer, "it lists the same, but not from there");
    untouched(&stable, &before).await;
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_layer_is_not_carried_along_and_a_drive_that_goes_is_named() {
    use crate::small_disk::SmallDisk;
    let Some(disk) = SmallDisk::mount() else { return };
    let stable = Stable::new().await;
    let settings =
        corral_contract::settings::Settings { disk_reserve_mb: 0, ..stable.core.settings() };
    stable.ask::<corral_contract::settings::call::Update>(settings).await.expect("kept");
    let new = disk.place().join("models");
    let blob = stable.old().join(format!("blobs/sha256-{}", models()[1].weights.digest));
    let sound = fs::read(&blob).expect("a blob");
    let mut damaged = sound.clone();
    damaged[1000] ^= 1;
    fs::write(&blob, &damaged).expect("written");
    let before = tree(stable.yard.path());
    let ended = stable.moved(&new).await;
    let problem = ended.problem.expect("why");
    assert_eq!(problem.code, ErrorCode::DigestMismatch);
    untouched(&stable, &before).await;
    assert!(!new.exists());
    assert!(stable.steered.told().is_empty(), "the server was never stopped");

    fs::write(&blob, &sound).expect("written");
    let before = tree(stable.yard.path());
    let gone = new.clone();
    stable.steered.before(move |told| {
        if told == "stop" {
            let _ = fs::remove_dir_all(&gone);
        }
        Ok(())
    });
    let ended = stable.moved(&new).await;
    let problem = ended.problem.expect("why");
    assert_eq!(problem.code, ErrorCode::FolderMissing, "{problem}");
    assert_eq!(problem.params.get("path").map(String::as_str), new.to_str());
    untouched(&stable, &before).await;
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_fills_up_meanwhile_leads_back() {
    use crate::small_disk::SmallDisk;
    let Some(disk) = SmallDisk::mount() else { return };
    let stable = Stable::new().await;
    let settings =
        corral_contract::settings::Settings { disk_reserve_mb: 0, ..stable.core.settings() };
    stable.ask::<corral_contract::settings::call::Update>(settings).await.expect("kept");
    let before = tree(stable.yard.path());
    let (server, place) = (stable.server.control(), disk.place().to_owned());
    stable.steered.before(move |told| {
        if told == "stop" {
            // A model that came at the last moment, and somebody who takes the room for it.
            server.install(herd("late", 73, MB));
            let _ = fs::write(place.join("film"), vec![7; 3_000_000]);
        }
        Ok(())
    });
    let ended = stable.moved(&disk.place().join("models")).await;
    assert_eq!(ended.problem.expect("why").code, ErrorCode::DiskFull);
    let after = tree(stable.yard.path());
    assert!(before.iter().all(|(file, sum)| after.get(file) == Some(sum)));
    assert_eq!(stable.names().len(), 3);
    assert_eq!(stable.server.models_dir(), stable.old());
    assert!(!disk.place().join("models").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_that_is_cancelled_goes_back() {
    let stable = Stable::new().await;
    let before = tree(stable.yard.path());
    let (sender, receiver) = std::sync::mpsc::channel::<()>();
    let (stops, stopped) = tokio::sync::oneshot::channel();
    let mut stops = Some(stops);
    stable.steered.before(move |told| {
        if told == "stop"
            && let Some(stops) = stops.take()
        {
            let _ = stops.send(());
            // The cancel comes first.
            let _ = receiver.recv_timeout(corral_testbed::patience::DEADLINE);
        }
        Ok(())
    });
    let task = stable.begin(&stable.yard.path().join("new")).await;
    stopped.await.expect("it is about to stop the server");
    let cancelled = stable.ask::<Cancel>(TaskRef { id: task }).await.expect("asked");
    assert!(cancelled.cancelled);
    sender.send(()).expect("it goes on");
    assert_eq!(stable.ended(task).await.state, TaskState::Cancelled);
    untouched(&stable, &before).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_way_back_brings_what_came_since() {
    let stable = Stable::new().await;
    let new = stable.yard.path().join("new");
    let task = stable.begin(&new).await;
    stable.well(task).await;
    let late = herd("late", 73, MB / 4);
    stable.server.install(late.clone());
    let kept = stable.kept().await;
    let task = stable.ask::<call::RollBack>(kept).await.expect("it begins").task;
    stable.well(task).await;
    assert_eq!(stable.names().len(), 3, "{:?}", stable.names());
    assert_eq!(stable.server.models_dir(), stable.old());
    assert_eq!(stable.steered.variable(), None);
    let blob = stable.old().join(format!("blobs/sha256-{}", late.weights.digest));
    let bytes = fs::read(blob).expect("it came along");
    assert_eq!(corral_testbed::ollama::sha256(&bytes), late.weights.digest);
    assert!(!new.exists());
    let refused = stable.ask::<call::Confirm>(kept).await.expect_err("over");
    assert_eq!(refused.code, ErrorCode::WrongState);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_way_back_that_fails_can_be_gone_again() {
    let stable = Stable::new().await;
    let before = tree(stable.yard.path());
    let refuse = |told: &str| match told {
        "start" => Err(WireError::new(ErrorCode::ServiceRefused)),
        _ => Ok(()),
    };
    stable.steered.before(refuse);
    let ended = stable.moved(&stable.yard.path().join("new")).await;
    assert_eq!(ended.state, TaskState::Failed);
    let view = stable.moving().await.expect("it is not over");
    assert_eq!(view.stage, MoveStage::Returning);
    assert!(view.problem.is_some());
    assert!(stable.steered.variable().is_none(), "the setting is as it was");
    stable.steered.heal();
    let stable = stable.reopened().await;
    let over = async || stable.moving().await.is_none().then_some(());
    until(&stable.core, "it is back", over).await;
    let up = async || (stable.names().len() == 2).then_some(());
    until(&stable.core, "the server lists its models", up).await;
    assert_eq!(tree(stable.yard.path()), before);
}
