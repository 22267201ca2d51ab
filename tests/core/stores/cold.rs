//! Models in another folder.

use std::{fs, path::PathBuf};

use corral_contract::{
    ErrorCode,
    stores::{AddCold, ArchiveModels, Archived, BringBack, ColdFolder, call},
};

use super::{Stable, models};
use crate::bundles::{arrived, tree};

impl Stable {
    async fn cold(&self) -> (PathBuf, i64) {
        let path = self.yard.path().join("attic");
        fs::create_dir(&path).expect("a folder");
        (path.clone(), self.add_cold(&path).await)
    }

    async fn add_cold(&self, path: &std::path::Path) -> i64 {
        let request = AddCold { instance: self.instance, path: path.display().to_string() };
        let view = self.ask::<call::Cold>(request).await.expect("added");
        view.cold.last().expect("one").id
    }

    async fn folder(&self) -> ColdFolder {
        self.view().await.cold.into_iter().next().expect("a folder")
    }

    async fn archive(&self, names: &[&str], folder: i64) -> Vec<Archived> {
        let mut ids = Vec::new();
        for name in names {
            ids.push(self.id(name).await);
        }
        let request = ArchiveModels { ids, folder };
        let task = self.ask::<call::Archive>(request).await.expect("it begins").task;
        self.well(task).await;
        self.folder().await.items
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_goes_into_the_attic_and_comes_back_byte_for_byte() {
    let stable = Stable::new().await;
    let (attic, folder) = stable.cold().await;
    let before = tree(&stable.old());
    let items = stable.archive(&["two:latest"], folder).await;
    assert_eq!(items.len(), 1);
    assert_eq!(items[0].name, "two:latest");
    assert_eq!(stable.names().len(), 1);
    let two = &models()[1];
    let blob = format!("blobs/sha256-{}", two.weights.digest);
    assert!(!stable.old().join(&blob).exists(), "its own layer went");
    let shared: Vec<_> = two
        .layers()
        .into_iter()
        .filter(|layer| models()[0].layers().iter().any(|other| other.digest == layer.digest))
        .collect();
    assert!(!shared.is_empty());
    for layer in shared {
        let blob = format!("blobs/sha256-{}", layer.digest);
        assert!(stable.old().join(&blob).exists() && attic.join(&blob).exists());
    }
    assert_eq!(
        corral_testbed::ollama::sha256(&fs::read(attic.join(&blob)).expect("there")),
        two.weights.digest
    );

    let request = BringBack { instance: stable.instance, ids: vec![items[0].id] };
    let task = stable.ask::<call::Return>(request).await.expect("it begins").task;
    stable.well(task).await;
    assert_eq!(tree(&stable.old()), before);
    assert_eq!(stable.names().len(), 2);
    assert!(stable.folder().await.items.is_empty());
    let left: Vec<_> = tree(&attic).into_keys().collect();
    assert_eq!(left, [attic.join(".corral-archive")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drive_that_is_away_is_an_error_with_its_path_and_never_another_folder() {
    let stable = Stable::new().await;
    let (attic, folder) = stable.cold().await;
    let items = stable.archive(&["two:latest"], folder).await;
    let away = stable.yard.path().join("in a drawer");
    fs::rename(&attic, &away).expect("pulled out");
    // What is seen of a mount point without its drive.
    fs::create_dir(&attic).expect("an empty folder");
    let shown = stable.folder().await;
    let problem = shown.problem.expect("it is away");
    assert_eq!(problem.code, ErrorCode::FolderMissing);
    assert_eq!(problem.params.get("path").map(String::as_str), attic.to_str());
    assert_eq!(shown.items, items, "what it holds is known");
    let before = (tree(&stable.old()), tree(&attic));
    let one = stable.id("one:latest").await;
    let request = ArchiveModels { ids: vec![one], folder };
    let refused = stable.ask::<call::Archive>(request).await.expect_err("away");
    assert_eq!(refused.code, ErrorCode::FolderMissing);
    let request = BringBack { instance: stable.instance, ids: vec![items[0].id] };
    let refused = stable.ask::<call::Return>(request.clone()).await.expect_err("away");
    assert_eq!(refused.code, ErrorCode::FolderMissing);
    assert_eq!((tree(&stable.old()), tree(&attic)), before);

    fs::remove_dir(&attic).expect("removed");
    fs::rename(&away, &attic).expect("plugged in");
    let task = stable.ask::<call::Return>(request).await.expect("it begins").task;
    stable.well(task).await;
    assert_eq!(stable.names().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_layer_comes_back_to_nobody() {
    let stable = Stable::new().await;
    let (attic, folder) = stable.cold().await;
    let items = stable.archive(&["two:latest"], folder).await;
    let blob = attic.join(format!("blobs/sha256-{}", models()[1].weights.digest));
    let mut bytes = fs::read(&blob).expect("a blob");
    bytes[77] ^= 4;
    fs::write(&blob, bytes).expect("written");
    let before = (tree(&stable.old()), tree(&attic));
    let request = BringBack { instance: stable.instance, ids: vec![items[0].id] };
    let task = stable.ask::<call::Return>(request).await.expect("it begins").task;
    let problem = stable.ended(task).await.problem.expect("why");
    assert_eq!(problem.code, ErrorCode::DigestMismatch);
    assert_eq!((tree(&stable.old()), tree(&attic)), before);
    assert_eq!(stable.names().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_comes_with_what_it_holds_and_odd_ones_are_refused() {
    let stable = Stable::new().await;
    let (attic, folder) = stable.cold().await;
    stable.archive(&["two:latest"], folder).await;
    stable
        .ask::<call::ForgetCold>(corral_contract::stores::ColdRef { id: folder })
        .await
        .expect("forgotten");
    assert!(attic.join("manifests").is_dir(), "what lies there stays");
    stable.add_cold(&attic).await;
    assert_eq!(stable.folder().await.items[0].name, "two:latest");
    for (path, wanted) in
        [(stable.old(), "sameFolder"), (stable.old().join("blobs"), "insideItself")]
    {
        let request = AddCold { instance: stable.instance, path: path.display().to_string() };
        let refused = stable.ask::<call::Cold>(request).await.expect_err("refused");
        assert_eq!(refused.params.get("reason").map(String::as_str), Some(wanted));
    }
    let request = AddCold { instance: stable.instance, path: attic.display().to_string() };
    let refused = stable.ask::<call::Cold>(request).await.expect_err("known");
    assert_eq!(refused.code, ErrorCode::AlreadyExists);
    arrived(&models()[0], &stable.old(), &stable.old());
}
