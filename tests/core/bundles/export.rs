//! Models into one file.

use std::process::Command;

use corral_contract::{
    ErrorCode,
    bundles::call,
    models::ModelRefs,
    tasks::{TaskRef, TaskState, call::Cancel},
};
use corral_testbed::ollama::{Layer, LayerKind, Model};

use super::{MB, Yard, herd, tree, wish};
use crate::{stage::Stage, support::until};

// criterion: 1.4
#[tokio::test(flavor = "multi_thread")]
async fn models_are_written_into_one_file_with_shared_layers_once() {
    let (one, two) = (herd("one", 1, 3 * MB + 17), herd("team/two:v1", 1, 3 * MB + 17));
    let yard = Yard::with([one.clone(), two.clone()]).await;
    let ids = yard.ids(&["one:latest", "team/two:v1"]).await;
    let preview = yard.ask::<call::PreviewExport>(ModelRefs { ids: ids.clone() }).await;
    let preview = preview.expect("a preview");
    assert_eq!(preview.file_name, "models-2.corral.tar");
    assert!(preview.items.iter().all(|item| item.problem.is_none()));
    let file = yard.file("two.corral.tar");
    yard.export(&["one:latest", "team/two:v1"], &file).await;
    let length = std::fs::metadata(&file).expect("the file").len();
    assert_eq!(length, preview.bytes, "as it was said before");
    assert!(length < 4 * MB, "the weights once: {length}");
    assert!(!yard.file("two.corral.tar.part").exists());
    // Whoever has no Corral unpacks it into a models folder.
    let bare = tempfile::tempdir().expect("a folder");
    let tar = Command::new("tar").arg("-xf").arg(&file).arg("-C").arg(bare.path()).status();
    if tar.is_ok_and(|status| status.success()) {
        super::arrived(&one, &yard.models(), bare.path());
        super::arrived(&two, &yard.models(), bare.path());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_written_says_why_and_leaves_nothing() {
    let yard = Yard::with([herd("one", 2, MB)]).await;
    let ids = yard.ids(&["one:latest"]).await;
    let taken = yard.file("taken.corral.tar");
    std::fs::write(&taken, "mine").expect("written");
    let before = tree(yard.files.path());
    for (path, reason) in [
        (String::new(), "empty"),
        ("one.corral.tar".to_owned(), "notAbsolute"),
        (yard.file("no/such/one.tar").display().to_string(), "noSuchFolder"),
        (yard.files.path().display().to_string(), "isFolder"),
        (taken.display().to_string(), "fileExists"),
    ] {
        let asked = corral_contract::bundles::ExportModels { path, ..wish(ids.clone(), &taken) };
        let refused = yard.ask::<call::Export>(asked).await.expect_err("refused");
        assert_eq!(refused.code, ErrorCode::InvalidInput);
        assert_eq!(refused.params["reason"], reason);
    }
    let none = yard.ask::<call::Export>(wish(Vec::new(), &yard.file("x"))).await;
    assert_eq!(none.expect_err("refused").params["field"], "ids");
    yard.place.room(1000);
    let short = yard.ask::<call::Export>(wish(ids.clone(), &yard.file("x"))).await;
    assert_eq!(short.expect_err("no room").code, ErrorCode::DiskShort);
    assert_eq!(tree(yard.files.path()), before);
    yard.place.room(500_000 * MB);
    let asked = corral_contract::bundles::ExportModels { overwrite: true, ..wish(ids, &taken) };
    let task = yard.ask::<call::Export>(asked).await.expect("it begins").task;
    yard.well(task).await;
    assert!(std::fs::metadata(&taken).expect("there").len() > MB, "replaced, as it was allowed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_elsewhere_says_so_with_each_model() {
    let stage = Stage::quiet([Model::new("far")]).await;
    let ids = vec![stage.id("far:latest").await];
    let preview = stage.bench.ask::<call::PreviewExport>(ModelRefs { ids: ids.clone() }).await;
    let problem = preview.expect("a preview").items[0].problem.clone();
    assert_eq!(problem.expect("why").code, ErrorCode::StoreElsewhere);
    let file = stage.bench.folder.path().join("x.corral.tar");
    let refused = stage.bench.ask::<call::Export>(wish(ids, &file)).await.expect_err("elsewhere");
    assert_eq!(refused.code, ErrorCode::StoreElsewhere);
}

// criterion: 2.5
#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_layer_is_not_exported() {
    let model = herd("one", 3, 2 * MB);
    let yard = Yard::with([model.clone()]).await;
    let blob = yard.place.blobs().join(format!("sha256-{}", model.weights.digest));
    let mut bytes = std::fs::read(&blob).expect("there");
    bytes[1_000_000] ^= 1;
    std::fs::write(&blob, bytes).expect("written");
    let file = yard.file("one.corral.tar");
    let asked = wish(yard.ids(&["one:latest"]).await, &file);
    let task = yard.ask::<call::Export>(asked.clone()).await.expect("it begins").task;
    let view = yard.ended(task).await;
    assert_eq!(view.problem.expect("why").code, ErrorCode::LayersDamaged);
    assert!(!file.exists(), "no file that looks whole");
    std::fs::remove_file(&blob).expect("gone");
    let refused = yard.ask::<call::Export>(asked).await.expect_err("refused");
    assert_eq!(refused.code, ErrorCode::LayersDamaged, "seen before it begins");
}

/// A model that takes long to read: its weights are one large hole of zeros.
fn endless() -> Model {
    let mut model = herd("endless", 4, 1000);
    model.weights = Layer::imagined(LayerKind::Model, "endless", 300_000 * MB);
    model
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_export_keeps_or_removes_what_it_wrote_as_chosen() {
    let yard = Yard::with([endless()]).await;
    let ids = yard.ids(&["endless:latest"]).await;
    for keep_part in [false, true] {
        let file = yard.file("endless.corral.tar");
        let part = yard.file("endless.corral.tar.part");
        let asked =
            corral_contract::bundles::ExportModels { keep_part, ..wish(ids.clone(), &file) };
        let task = yard.ask::<call::Export>(asked.clone()).await.expect("it begins").task;
        let again = yard.ask::<call::Export>(asked).await.expect_err("one at a time");
        assert_eq!((again.code, &again.params["task"]), (ErrorCode::Busy, &task.to_string()));
        let grows = async || {
            let written = std::fs::metadata(&part).is_ok_and(|facts| facts.len() > MB);
            written.then_some(())
        };
        until(&yard.place.bench.core, "some bytes", grows).await;
        yard.ask::<Cancel>(TaskRef { id: task }).await.expect("cancelled");
        assert_eq!(yard.ended(task).await.state, TaskState::Cancelled);
        assert_eq!(part.exists(), keep_part);
        assert!(!file.exists());
    }
}

// criterion: 2.8
#[tokio::test(flavor = "multi_thread")]
async fn the_next_export_of_the_same_goes_on_wherever_the_first_one_ended() {
    let models = [herd("one", 5, 3 * MB), herd("two", 6, 2 * MB + 1)];
    let yard = Yard::with(models).await;
    let names = ["one:latest", "two:latest"];
    let whole = yard.file("whole.corral.tar");
    yard.export(&names, &whole).await;
    let bytes = std::fs::read(&whole).expect("the file");
    let length = bytes.len();
    for (place, change) in [
        (0, false),
        (100, false),
        (512, false),
        (5000, false),
        (1_000_000, false),
        (1_000_000, true),
        (length / 2, false),
        (length / 2, true),
        (length - 1000, false),
        (length - 1, true),
        (length, false),
    ] {
        let file = yard.file("again.corral.tar");
        let mut begun = bytes[..place].to_vec();
        if change {
            // What the disk lost has to be found, too.
            begun[place / 2] ^= 1;
        }
        std::fs::write(yard.file("again.corral.tar.part"), begun).expect("written");
        yard.export(&names, &file).await;
        assert!(std::fs::read(&file).expect("the file") == bytes, "begun at {place}, {change}");
        std::fs::remove_file(&file).expect("removed");
    }
}
