//! Moves that may not begin. Nothing is touched.

use std::{fs, path::Path};

use corral_contract::{ErrorCode, WireError, stores::call};
use corral_testbed::FakeOllama;

use super::Stable;
use crate::bundles::tree;

async fn why(stable: &Stable, to: &Path) -> WireError {
    let before = (tree(&stable.old()), tree(stable.yard.path()));
    let preview = stable.ask::<call::Preview>(stable.wish(to)).await.expect("a preview");
    let refused = stable.ask::<call::Move>(stable.wish(to)).await.expect_err("refused");
    assert_eq!(preview.problem, Some(refused.clone()));
    assert_eq!((tree(&stable.old()), tree(stable.yard.path())), before);
    assert!(stable.steered.told().is_empty());
    refused
}

fn reason(error: &WireError) -> &str {
    assert_eq!(error.code, ErrorCode::InvalidInput, "{error}");
    error.params.get("reason").map(String::as_str).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_that_is_no_place_is_refused_with_its_reason() {
    let stable = Stable::new().await;
    let yard = stable.yard.path().to_owned();
    let full = yard.join("full");
    fs::create_dir(&full).expect("a folder");
    fs::write(full.join("x"), "x").expect("written");
    let file = yard.join("file");
    fs::write(&file, "x").expect("written");
    let old = stable.old();
    for (to, wanted) in [
        (Path::new("models"), "notAbsolute"),
        (&old, "sameFolder"),
        (&old.join("inside"), "insideItself"),
        (&old.join("blobs/deeper"), "insideItself"),
        (&full, "notEmpty"),
        (&file, "notFolder"),
        (&yard, "notEmpty"),
    ] {
        let refused = why(&stable, to).await;
        assert_eq!(reason(&refused), wanted, "{}", to.display());
    }
    let away = yard.join("drive/models");
    let refused = why(&stable, &away).await;
    assert_eq!(refused.code, ErrorCode::FolderMissing);
    assert_eq!(refused.params.get("path").map(String::as_str), yard.join("drive").to_str());
    assert!(!yard.join("drive").exists(), "nothing is made in place of a drive");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn the_same_folder_by_a_link_is_the_same_folder() {
    let stable = Stable::new().await;
    let link = stable.yard.path().join("link");
    std::os::unix::fs::symlink(stable.old(), &link).expect("a link");
    assert_eq!(reason(&why(&stable, &link).await), "sameFolder");
    assert_eq!(reason(&why(&stable, &link.join("new")).await), "insideItself");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_of_two_servers_is_named_and_stays() {
    let stable = Stable::new().await;
    let twin = FakeOllama::builder().folder(stable.old()).start().await.expect("a server");
    let control = twin.control();
    control.rehome(&stable.old()).expect("the same folder");
    let draft = corral_contract::instances::InstanceDraft {
        url: twin.url(),
        name: "twin".to_owned(),
        ..Default::default()
    };
    let id = stable.ask::<corral_contract::instances::call::Add>(draft).await.expect("added").id;
    let twin_ref = corral_contract::instances::InstanceRef { id };
    stable.ask::<call::View>(twin_ref).await.expect("looked at");
    let refused = why(&stable, &stable.yard.path().join("new")).await;
    assert_eq!(reason(&refused), "storeShared");
    assert_eq!(refused.params.get("name").map(String::as_str), Some("twin"));
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_disk_without_room_or_rights_is_refused_before_anything_moves() {
    let Some(disk) = crate::small_disk::SmallDisk::mount() else { return };
    let stable = Stable::new().await;
    let to = disk.place().join("models");
    let refused = why(&stable, &to).await;
    assert_eq!(refused.code, ErrorCode::DiskShort, "the reserve is larger than that disk");
    disk.remount("ro");
    let refused = why(&stable, &to).await;
    assert_eq!(refused.code, ErrorCode::StorePermission);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_gone_is_said_with_its_path() {
    let stable = Stable::new().await;
    fs::rename(stable.old(), stable.yard.path().join("away")).expect("renamed");
    let to = stable.yard.path().join("new");
    let refused = stable.ask::<call::Move>(stable.wish(&to)).await.expect_err("gone");
    assert_eq!(refused.code, ErrorCode::StoreElsewhere);
    assert!(!to.exists());
}
